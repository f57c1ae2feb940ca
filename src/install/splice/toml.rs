//! TOML: a value is replaced where it stands, a key is added to its table, and a table that does not exist goes to the end
//! between two lines that say whose it is. What comes of it is parsed and compared before anybody sees it.

use ::toml::de::{DeTable, DeValue};
use ::toml::{Table, Value};

use super::{BEGIN, END, SpliceError, indentation, line_end, newline};

/// A table's header and its settings.
struct Section<'a> {
    /// The keys that lead to the table; none for the file's top.
    path: Vec<String>,
    header: Option<&'a str>,
    /// Each line with its key.
    lines: Vec<(String, &'a str)>,
}

pub(super) fn merge(text: &str, fragment: &str) -> Result<String, SpliceError> {
    let before = parse(text)?;
    let mut wanted = before.clone();
    merge_tables(&mut wanted, parse(fragment)?);
    let mut result = text.to_owned();
    for section in sections(fragment)? {
        result = add(&result, &section)?;
    }
    if parse(&result)? == wanted { Ok(result) } else { Err(SpliceError::DoesNotFit) }
}

fn parse(text: &str) -> Result<Table, SpliceError> {
    text.trim_start_matches('\u{feff}')
        .parse()
        .map_err(|error: ::toml::de::Error| SpliceError::Malformed(error.message().to_owned()))
}

fn merge_tables(table: &mut Table, more: Table) {
    for (key, value) in more {
        match (table.get_mut(&key), value) {
            (Some(Value::Table(old)), Value::Table(new)) => merge_tables(old, new),
            (_, value) => drop(table.insert(key, value)),
        }
    }
}

/// The sections of a fragment of ours: headers and one-line settings.
fn sections(fragment: &str) -> Result<Vec<Section<'_>>, SpliceError> {
    let mut all = vec![Section { path: Vec::new(), header: None, lines: Vec::new() }];
    for line in fragment.lines() {
        if line.starts_with('[') {
            let path = header_path(line).ok_or(SpliceError::DoesNotFit)?;
            all.push(Section { path, header: Some(line), lines: Vec::new() });
        } else if let (Some(section), Some(key)) = (all.last_mut(), parse(line)?.keys().next()) {
            section.lines.push((key.clone(), line));
        }
    }
    all.retain(|section| section.header.is_some() || !section.lines.is_empty());
    Ok(all)
}

/// The keys that a line with a table's header names.
fn header_path(line: &str) -> Option<Vec<String>> {
    let table: Table = line.trim().parse().ok()?;
    let mut path = Vec::new();
    let mut table = &table;
    while let Some((key, Value::Table(inner))) = table.iter().next() {
        path.push(key.clone());
        table = inner;
    }
    Some(path)
}

/// The text with a section in it.
fn add(text: &str, section: &Section<'_>) -> Result<String, SpliceError> {
    let mut text = text.to_owned();
    let mut missing = Vec::new();
    for (key, line) in &section.lines {
        match value_span(&text, &section.path, key) {
            Some(span) => {
                let value = line.split_once('=').map_or("", |(_, value)| value.trim());
                text.replace_range(span, value);
            }
            None => missing.push(*line),
        }
    }
    let mut wanted = parse(&text)?;
    let mut more = Table::new();
    for line in &missing {
        merge_tables(&mut more, parse(line)?);
    }
    for key in section.path.iter().rev() {
        more = Table::from_iter([(key.clone(), Value::Table(more))]);
    }
    merge_tables(&mut wanted, more);
    if parse(&text)? == wanted {
        return Ok(text);
    }
    let candidates = [
        behind_a_key(&text, section, &missing),
        behind_the_header(&text, section, &missing),
        at_the_end(&text, section),
    ];
    let fits = |candidate: &String| parse(candidate).is_ok_and(|table| table == wanted);
    candidates.into_iter().flatten().find(fits).ok_or(SpliceError::DoesNotFit)
}

/// How many bytes of a mark stand at the beginning.
fn mark(text: &str) -> usize {
    text.len() - text.trim_start_matches('\u{feff}').len()
}

/// Gives the table at that path to a function.
fn with_table<T>(text: &str, path: &[String], then: impl FnOnce(&DeTable<'_>) -> Option<T>) -> Option<T> {
    let document = DeTable::parse(&text[mark(text)..]).ok()?;
    let mut table = document.get_ref();
    for key in path {
        let DeValue::Table(inner) = table.get(key.as_str())?.get_ref() else { return None };
        table = inner;
    }
    then(table)
}

fn value_span(text: &str, path: &[String], key: &str) -> Option<std::ops::Range<usize>> {
    let span = with_table(text, path, |table| table.get(key).map(::toml::Spanned::span))?;
    Some(span.start + mark(text)..span.end + mark(text))
}

/// Behind the last setting that the table has itself.
fn behind_a_key(text: &str, section: &Section<'_>, lines: &[&str]) -> Option<String> {
    let last = with_table(text, &section.path, |table| {
        let own = table.values().filter(|value| !matches!(value.get_ref(), DeValue::Table(_)));
        own.map(|value| value.span().end).max()
    })?;
    Some(insert(text, last + mark(text), lines))
}

/// Behind the line with the table's header; at the top of the file for what belongs to none.
fn behind_the_header(text: &str, section: &Section<'_>, lines: &[&str]) -> Option<String> {
    if section.header.is_none() {
        let newline = newline(text);
        let all = joined(lines.iter().copied(), "", newline);
        let (before, after) = text.split_at(mark(text));
        return Some(format!("{before}{all}{after}"));
    }
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with('[') && header_path(line).as_ref() == Some(&section.path) {
            return Some(insert(text, at + line.len() - line.trim_start().len(), lines));
        }
        at += line.len();
    }
    None
}

/// Lines behind the line that has `at` in it, indented as that is.
fn insert(text: &str, at: usize, lines: &[&str]) -> String {
    let (newline, end) = (newline(text), line_end(text, at));
    let indentation = indentation(text, at);
    let (before, after) = text.split_at(end);
    let gap = if before.ends_with('\n') { "" } else { newline };
    let all = joined(lines.iter().copied(), indentation, newline);
    format!("{before}{gap}{all}{after}")
}

/// Each line behind an indentation and with its end.
fn joined<'a>(lines: impl Iterator<Item = &'a str>, indentation: &str, newline: &str) -> String {
    lines.flat_map(|line| [indentation, line, newline]).collect()
}

/// A new table at the end, between two lines that say whose it is; a table that follows another one of ours joins it.
fn at_the_end(text: &str, section: &Section<'_>) -> Option<String> {
    let newline = newline(text);
    let tail = format!("{END}{newline}");
    let (before, begin) = if let Some(before) = text.strip_suffix(&tail) {
        (before.to_owned(), String::new())
    } else {
        let gap = if text.is_empty() || text.ends_with('\n') { "" } else { newline };
        (format!("{text}{gap}"), format!("{BEGIN}{newline}"))
    };
    let header = section.header?;
    let lines = joined(section.lines.iter().map(|(_, line)| *line), "", newline);
    Some(format!("{before}{begin}{header}{newline}{lines}{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BINARY: &str = "[worker.oci]\nbinary = \"/s\"";

    #[test]
    fn each_place_keeps_every_other_byte() {
        let begin = format!("{BEGIN}\n");
        let end = format!("{END}\n");
        for (text, expected) in [
            ("", format!("{begin}{BINARY}\n{end}")),
            ("# c\ndebug = true", format!("# c\ndebug = true\n{begin}{BINARY}\n{end}")),
            ("[worker.oci]\n  binary = 'x' # why\n", "[worker.oci]\n  binary = \"/s\" # why\n".to_owned()),
            (
                "[worker.oci] # o\n\n[worker.oci.x]\na = 1\n",
                "[worker.oci] # o\nbinary = \"/s\"\n\n[worker.oci.x]\na = 1\n".to_owned(),
            ),
            (
                "[worker.oci]\n  gc = [\n 1,\n] # g\n[x]\n",
                "[worker.oci]\n  gc = [\n 1,\n] # g\nbinary = \"/s\"\n[x]\n".to_owned(),
            ),
            (
                "\u{feff}[worker.oci]\r\n\tgc = false\r\n",
                "\u{feff}[worker.oci]\r\n\tgc = false\r\n\tbinary = \"/s\"\r\n".to_owned(),
            ),
            ("[worker.oci]\ngc = false", "[worker.oci]\ngc = false\nbinary = \"/s\"\n".to_owned()),
            ("worker.oci.binary = 'x'\n", "worker.oci.binary = \"/s\"\n".to_owned()),
            ("worker = { oci = { binary = 'x' } }\n", "worker = { oci = { binary = \"/s\" } }\n".to_owned()),
            ("[worker.oci]\nbinary = \"/s\"\n", "[worker.oci]\nbinary = \"/s\"\n".to_owned()),
        ] {
            assert_eq!(merge(text, BINARY).as_deref(), Ok(expected.as_str()), "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for text in ["worker = { oci = { gc = true } }\n", "worker = 1\n", "[[worker]]\n"] {
            assert_eq!(merge(text, BINARY), Err(SpliceError::DoesNotFit), "{text}");
        }
        assert!(matches!(merge("[worker", BINARY), Err(SpliceError::Malformed(_))));
        // A header in a string is none.
        let text = "a = '''\n[worker.oci]\n'''\n";
        assert_eq!(merge(text, BINARY).unwrap(), format!("{text}{BEGIN}\n{BINARY}\n{END}\n"));
    }

    #[test]
    fn several_tables_and_the_top_are_one_block() {
        let fragment = "version = 2\n[a.b]\nc = 1\n[a.b.d]\ne = 'f'";
        assert_eq!(
            merge("# top\n[x]\ny = 1\n", fragment).unwrap(),
            format!("version = 2\n# top\n[x]\ny = 1\n{BEGIN}\n[a.b]\nc = 1\n[a.b.d]\ne = 'f'\n{END}\n")
        );
    }
    #[test]
    fn files_of_the_field_keep_their_bytes() {
        let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/lint");
        let (mut waiting, mut tried, mut refused) = (vec![directory], 0, 0);
        while let Some(directory) = waiting.pop() {
            for entry in std::fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    waiting.push(path);
                    continue;
                }
                let Some(text) = std::fs::read_to_string(&path).ok().filter(|text| parse(text).is_ok()) else {
                    continue;
                };
                for text in
                    [text.clone(), text.replace('\n', "\r\n"), format!("\u{feff}{text}"), text.trim_end().to_owned()]
                {
                    tried += 1;
                    // The value that is replaced is not kept, everything else is.
                    let fragment = "[worker.oci]\nnew = true\n[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.oomshim]\na = 1";
                    match merge(&text, fragment) {
                        Ok(merged) => {
                            assert!(is_in(text.as_bytes(), merged.as_bytes()), "{}: {merged}", path.display());
                        }
                        Err(error) => {
                            assert_eq!(error, SpliceError::DoesNotFit);
                            refused += 1;
                        }
                    }
                }
            }
        }
        assert!(tried > 100 && refused * 10 < tried, "{tried} tried, {refused} refused");
    }

    /// Whether the bytes are in the others, in their order.
    fn is_in(bytes: &[u8], others: &[u8]) -> bool {
        let mut others = others.iter();
        bytes.iter().all(|byte| others.any(|other| other == byte))
    }
}
