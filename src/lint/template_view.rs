//! What is certain of a Go template over TOML before it is rendered: its actions, tables and keys.
//!
//! See text/template of Go. Strings over several lines and names that an action makes are passed over.

use std::ops::Range;

/// A template as rules see it.
#[derive(Debug, Default)]
pub(super) struct Template {
    /// Each `{{ template "base" . }}`.
    pub bases: Vec<Place>,
    /// The headers of tables.
    pub tables: Vec<Table>,
    /// The assignments.
    pub entries: Vec<Entry>,
    /// Where it is no template, and why.
    pub broken: Option<(Range<usize>, &'static str)>,
}

/// Where something is.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The bytes.
    pub span: Range<usize>,
    /// Whether it is there whatever the template is rendered with.
    pub is_certain: bool,
}

/// The header of a table.
#[derive(Debug)]
pub(super) struct Table {
    /// Its name; empty where an action makes a part of it.
    pub path: Vec<String>,
    /// Where it is.
    pub place: Place,
}

/// An assignment.
#[derive(Debug)]
pub(super) struct Entry {
    /// The key.
    pub key: String,
    /// The text, where the value is one and no action makes it.
    pub text: Option<String>,
    /// Where the key is.
    pub place: Place,
    /// How many headers stand before it.
    pub tables: usize,
}

/// Stands for a byte of an action.
const ACTION: u8 = 1;

/// Reads a template.
pub(super) fn read(text: &str) -> Template {
    let mut template = Template::default();
    let mut masked = text.as_bytes().to_vec();
    let mut depths = vec![(0, 0)];
    actions(text, &mut template, &mut masked, &mut depths);
    let depth = |at: usize| depths[depths.partition_point(|(start, _)| *start <= at) - 1].1;
    let (mut at, mut open) = (0, 0);
    for line in masked.split_inclusive(|byte| *byte == b'\n') {
        let start = at + line.iter().take_while(|byte| **byte == ACTION || byte.is_ascii_whitespace()).count();
        let end = at + line.len();
        at = end;
        let words = &masked[start.min(end)..end];
        let place = |length: usize| Place { span: start..start + length, is_certain: depth(start) == 0 };
        if open > 0 {
            open += balance(words);
        } else if let Some((path, length)) = header(words) {
            template.tables.push(Table { path, place: place(length) });
        } else if let Some((key, length, value)) = assignment(words) {
            open = balance(value);
            let tables = template.tables.len();
            template.entries.push(Entry { key, text: string(value), place: place(length), tables });
        }
    }
    template
}

/// Finds the actions, hides them, and notes from where on how many of them are open.
fn actions(text: &str, template: &mut Template, masked: &mut [u8], depths: &mut Vec<(usize, usize)>) {
    let mut open: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find("{{").map(|found| at + found) {
        let Some(end) = action_end(text, start + 2) else {
            template.broken.get_or_insert((start..start + 2, "an action has no `}}`"));
            return;
        };
        masked[start..end].fill(ACTION);
        let inner = text[start + 2..end - 2].trim_start_matches('-').trim_end_matches('-').trim();
        match inner.split([' ', '\t', '\n', '\r', '(']).next().unwrap_or_default() {
            "if" | "range" | "with" | "block" | "define" => open.push(start..end),
            "end" if open.pop().is_none() => {
                template.broken.get_or_insert((start..end, "an `end` has nothing to end"));
            }
            "else" if open.is_empty() => {
                template.broken.get_or_insert((start..end, "an `else` is in no `if`"));
            }
            "template" if inner["template".len()..].trim_start().starts_with("\"base\"") => {
                template.bases.push(Place { span: start..end, is_certain: open.is_empty() });
            }
            _ => {}
        }
        depths.push((end, open.len()));
        at = end;
    }
    if let Some(unclosed) = open.pop() {
        template.broken.get_or_insert((unclosed, "an action has no `{{end}}`"));
    }
}

/// Behind the `}}` of the action whose inside begins at that byte: strings and comments may hold braces.
fn action_end(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let comment = text[from..].trim_start_matches('-').trim_start();
    if comment.starts_with("/*") {
        let close = text[from..].find("*/")? + from;
        return text[close..].find("}}").map(|found| close + found + 2);
    }
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b'}' if bytes[at..].starts_with(b"}}") => return Some(at + 2),
            quote @ (b'"' | b'`') => {
                at += 1;
                while *bytes.get(at)? != quote {
                    at += if bytes[at] == b'\\' && quote == b'"' { 2 } else { 1 };
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// The name of the table that a line is the header of, and the header's length.
fn header(line: &[u8]) -> Option<(Vec<String>, usize)> {
    let inner = line.strip_prefix(b"[").filter(|inner| !inner.starts_with(b"["))?;
    let mut quote = None;
    let close = inner.iter().position(|byte| match (quote, *byte) {
        (None, b']') => true,
        (None, b'"' | b'\'') => {
            quote = Some(*byte);
            false
        }
        (Some(open), close) => {
            quote = (open != close).then_some(open);
            false
        }
        _ => false,
    })?;
    let mut behind = inner[close + 1..].iter().filter(|byte| !byte.is_ascii_whitespace() && **byte != ACTION);
    if behind.next().is_some_and(|byte| *byte != b'#') {
        return None;
    }
    Some((path(&inner[..close]).unwrap_or_default(), close + 2))
}

/// The parts of a dotted name; `None` where an action makes one of them.
fn path(name: &[u8]) -> Option<Vec<String>> {
    if name.contains(&ACTION) {
        return None;
    }
    let (mut parts, mut part, mut quote) = (Vec::new(), String::new(), None);
    for letter in std::str::from_utf8(name).ok()?.chars() {
        match (quote, letter) {
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), close) if open == close => quote = None,
            (None, '.') => parts.push(std::mem::take(&mut part)),
            (None, ' ' | '\t') => {}
            _ => part.push(letter),
        }
    }
    parts.push(part);
    Some(parts)
}

/// The key of an assignment, the key's length, and what stands behind the equals sign.
fn assignment(line: &[u8]) -> Option<(String, usize, &[u8])> {
    let equals = line.iter().position(|byte| *byte == b'=')?;
    let key = line[..equals].trim_ascii_end();
    let is_key = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.\"' ".contains(byte);
    let name = path(key).filter(|_| !key.is_empty() && key.iter().all(is_key))?;
    Some((name.join("."), key.len(), line[equals + 1..].trim_ascii_start()))
}

/// The text of a value that is one.
fn string(value: &[u8]) -> Option<String> {
    let quote = *value.first().filter(|byte| matches!(byte, b'"' | b'\''))?;
    let inner = &value[1..];
    let inner = &inner[..inner.iter().position(|byte| *byte == quote)?];
    (!inner.contains(&ACTION)).then(|| String::from_utf8_lossy(inner).into_owned())
}

/// How many brackets a piece of a value opens, less those that it closes; strings do not count.
fn balance(value: &[u8]) -> i32 {
    let (mut count, mut quote) = (0, None);
    for byte in value {
        match (quote, *byte) {
            (None, b'"' | b'\'') => quote = Some(*byte),
            (Some(open), close) if open == close => quote = None,
            (None, b'#') => break,
            (None, b'[' | b'{') => count += 1,
            (None, b']' | b'}') => count -= 1,
            _ => {}
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_keys_are_found_around_actions() {
        let text = "{{- template \"base\" . -}}\nimports = [\n  \"a\",\n  [1]\n]\n\
            [plugins.'io.containerd.x'.a] # c\n  BinaryName = \"/b\" # \"\n{{ if .X }}\n[b]\ny = \"{{ .Z }}\"\n{{ end }}\n\
            [c.\"{{ .N }}\"]\n";
        let template = read(text);
        assert!(template.broken.is_none() && template.bases[0].is_certain);
        let tables: Vec<_> =
            template.tables.iter().map(|table| (table.path.join("/"), table.place.is_certain)).collect();
        assert_eq!(
            tables,
            [("plugins/io.containerd.x/a".to_owned(), true), ("b".to_owned(), false), (String::new(), true)]
        );
        let entries: Vec<_> =
            template.entries.iter().map(|entry| (&*entry.key, entry.text.as_deref(), entry.tables)).collect();
        assert_eq!(entries, [("imports", None, 0), ("BinaryName", Some("/b"), 1), ("y", None, 2)]);
        assert_eq!(&text[template.entries[1].place.span.clone()], "BinaryName");
    }

    #[test]
    fn what_go_does_not_parse_is_found() {
        for broken in ["{{ if .X }}\na = 1\n", "{{ end }}", "a = {{ .X\n", "{{ else }}", "{{ \"}}\" \n"] {
            assert!(read(broken).broken.is_some(), "{broken}");
        }
        for good in
            ["{{/* }} {{ */}}", "{{ printf \"}}\" }}", "{{range .A}}{{if .B}}x{{else}}y{{end}}{{end}}", "é{{.X}}"]
        {
            assert!(read(good).broken.is_none(), "{good}");
        }
    }
}
