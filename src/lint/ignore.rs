//! What a file says about findings of its own that are to be ignored.
//!
//! A spec has the annotation [`ANNOTATION`]; TOML, YAML and unit files have comments: `# oomshim: ignore[RULE, RULE]`
//! on the line of the finding or alone on the line above, `# oomshim: ignore-file[RULE]` for the whole file.

use std::borrow::Cow;
use std::ops::Range;

use super::finding::Finding;
use super::kind::{FileKind, Syntax};
use super::subject::Subject;

/// The annotation whose value names rules, with commas between them; `all` stands for every rule.
pub const ANNOTATION: &str = "oomshim.lint.ignore";

/// One name in an ignore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignore<'t> {
    /// The name of a rule or of a group, or `all`.
    pub name: Cow<'t, str>,
    /// Where it is written.
    pub span: Range<usize>,
    /// The bytes that it holds for; `None` for the whole file.
    pub scope: Option<Range<usize>>,
}

impl Ignore<'_> {
    /// Whether the finding is to be ignored.
    #[must_use]
    pub fn covers(&self, finding: &Finding) -> bool {
        let named = [finding.rule.name, finding.rule.group.word(), "all"].contains(&self.name.as_ref());
        named && self.scope.as_ref().is_none_or(|scope| scope.contains(&finding.place.bytes.start))
    }
}

/// All ignores of a file.
#[must_use]
pub fn of<'t>(subject: &Subject<'t>) -> Vec<Ignore<'t>> {
    match subject.syntax {
        Syntax::Json if subject.kind == FileKind::Spec => annotation(subject),
        Syntax::Json => Vec::new(),
        syntax => comments(subject.text, syntax),
    }
}

fn annotation<'t>(subject: &Subject<'t>) -> Vec<Ignore<'t>> {
    let Some(node) = subject.spec().annotation(ANNOTATION) else { return Vec::new() };
    let text = node.text().unwrap_or_default().into_owned();
    let names = text.split([',', ' ']).filter(|name| !name.is_empty());
    names.map(|name| Ignore { name: name.to_owned().into(), span: node.span(), scope: None }).collect()
}

fn comments(text: &str, syntax: Syntax) -> Vec<Ignore<'_>> {
    let mut ignores = Vec::new();
    let spans = if syntax == Syntax::Toml { toml_comments(text) } else { line_comments(text, syntax) };
    let lines = lines(text);
    for comment in spans {
        let inner = text[comment.clone()].trim_start_matches(['#', ';']).trim_start();
        let Some(order) = inner.strip_prefix("oomshim:").map(str::trim_start) else { continue };
        let (whole, list) = match (order.strip_prefix("ignore-file["), order.strip_prefix("ignore[")) {
            (Some(list), _) => (true, list),
            (_, Some(list)) => (false, list),
            _ => continue,
        };
        let Some((list, _)) = list.split_once(']') else { continue };
        let scope = (!whole).then(|| scope(text, &lines, comment.start));
        let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
        ignores.extend(names.map(|name| {
            let start = name.as_ptr().addr() - text.as_ptr().addr();
            Ignore { name: name.into(), span: start..start + name.len(), scope: scope.clone() }
        }));
    }
    ignores
}

/// A line, and where what is said next ends: with itself, or with the next line that is no comment.
struct Line {
    start: usize,
    end: usize,
    said: usize,
}

/// The lines of a text. Thousands of comments below each other reach to the same place, which is looked for once.
fn lines(text: &str) -> Vec<Line> {
    let mut at = 0;
    let mut lines: Vec<Line> = Vec::new();
    for line in text.split_inclusive('\n') {
        let (start, end) = (at, at + line.len());
        lines.push(Line { start, end, said: end });
        at = end;
    }
    let mut said = text.len();
    for line in lines.iter_mut().rev() {
        let words = text[line.start..line.end].trim();
        if words.is_empty() || words.starts_with(['#', ';']) {
            line.said = said;
        } else {
            said = line.end;
        }
    }
    lines
}

/// The line of the comment, or where it stands alone, up to the end of the next line that says something.
fn scope(text: &str, lines: &[Line], comment: usize) -> Range<usize> {
    let index = lines.partition_point(|line| line.start <= comment).saturating_sub(1);
    let Some(line) = lines.get(index) else { return 0..text.len() };
    let alone = text[line.start..comment].trim().is_empty();
    line.start..if alone { line.said } else { line.end }
}

/// Where the comments of a text are that ends its strings with its lines: a unit file has them on lines of their own,
/// YAML also behind a space.
fn line_comments(text: &str, syntax: Syntax) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let is_mark = |byte: &u8| syntax.comments().contains(byte);
        let behind = |start: usize| line.as_bytes().get(start).is_some_and(is_mark).then_some(start);
        let first = behind(line.len() - line.trim_start().len());
        let later = || if syntax == Syntax::Unit { None } else { line.find(" #").map(|space| space + 1) };
        if let Some(start) = first.or_else(later) {
            spans.push(at + start..at + line.trim_end_matches('\n').len());
        }
        at += line.len();
    }
    spans
}

/// Where the comments of a TOML text are: a `#` in a string begins none.
fn toml_comments(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut spans = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'#' => {
                let end = text[at..].find('\n').map_or(text.len(), |end| at + end);
                spans.push(at..end);
                at = end;
            }
            quote @ (b'"' | b'\'') => at = string_end(bytes, at, quote),
            _ => at += 1,
        }
    }
    spans
}

fn string_end(bytes: &[u8], start: usize, quote: u8) -> usize {
    let long = bytes[start..].starts_with(&[quote; 3]);
    let close: &[u8] = if long { &[quote; 3] } else { &[quote] };
    let mut at = start + close.len();
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if quote == b'"' => at += 2,
            b'\n' if !long => return at,
            _ if bytes[at..].starts_with(close) => return at + close.len(),
            _ => at += 1,
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, Option<String>)> {
        let scope = |ignore: &Ignore<'_>| ignore.scope.clone().map(|range| text[range].to_owned());
        comments(text, Syntax::Toml).iter().map(|ignore| (ignore.name.to_string(), scope(ignore))).collect()
    }

    #[test]
    fn a_comment_holds_for_its_line_or_the_next_one() {
        let same = "a = 1 # oomshim: ignore[x, y]\nb = 2\n";
        let line = Some("a = 1 # oomshim: ignore[x, y]\n".to_owned());
        assert_eq!(found(same), [("x".to_owned(), line.clone()), ("y".to_owned(), line)]);
        let above = "# oomshim: ignore[x]\n\n# more\n[t]\nb = 2\n";
        assert_eq!(found(above)[0].1.as_deref(), Some("# oomshim: ignore[x]\n\n# more\n[t]\n"));
        assert_eq!(found("b = 1\n#oomshim:ignore-file[x]"), [("x".to_owned(), None)]);
    }

    #[test]
    fn yaml_and_unit_files_have_comments_too() {
        let lines = |text: &str, syntax| {
            let scope = |ignore: &Ignore<'_>| text[ignore.scope.clone().unwrap()].lines().count();
            comments(text, syntax).iter().map(scope).collect::<Vec<_>>()
        };
        assert_eq!(lines("a: b # oomshim: ignore[x]\n  # oomshim: ignore[x]\nc: d#\n", Syntax::Yaml), [1, 2]);
        assert_eq!(lines("[Service]\n; oomshim: ignore[x]\nA=b\nC=d # oomshim: ignore[x]\n", Syntax::Unit), [2]);
    }

    #[test]
    fn what_is_no_comment_ignores_nothing() {
        for text in [
            "a = \"# oomshim: ignore[x]\"\n",
            "a = '''\n# oomshim: ignore[x]\n'''\n",
            "a = \"\\\"# oomshim: ignore[x]\"\n",
            "# oomshim: ignore\n",
            "# oomshim: ignore[x\n",
            "# ignore[x]\n",
            "a = \"\\",
            "a = '",
        ] {
            assert!(found(text).is_empty(), "{text}");
        }
        assert_eq!(found("a = '#' # oomshim: ignore[x]").len(), 1);
        assert_eq!(found("a = \"\"\"q\" # no\\\"\"\"\" # oomshim: ignore[x]").len(), 1);
    }
}
