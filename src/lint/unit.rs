//! Unit files of systemd into a [`Tree`]: an object of sections, whose members are strings.
//!
//! systemd reads a section or a key that is there twice as one that goes on, and an empty value as an order to forget
//! the earlier ones, so both stay in the tree and [`values`] resolves them. A line that systemd ignores with a warning
//! is left out. See systemd.syntax(7); `config_parse` in systemd's `conf-parser.c` is what reads them.

use std::ops::Range;

use super::tree_maker::TreeMaker;
use crate::json::Kind;
use crate::json::SyntaxError;
use crate::json::{Node, Tree};

/// The sections by which a file is known to be systemd's.
pub(super) const SECTIONS: &[&str] = &[
    "Unit",
    "Install",
    "Service",
    "Socket",
    "Slice",
    "Scope",
    "Mount",
    "Automount",
    "Swap",
    "Path",
    "Timer",
    "Manager",
    "OOM",
];

/// What systemd has for a key: the values that count, in the order of the text. Those before an empty one are
/// forgotten. A key that takes one value takes the last.
pub fn values<'t>(root: Node<'t>, section: &str, key: &str) -> Vec<Node<'t>> {
    let mut values = Vec::new();
    let sections = root.children().filter(|node| node.key().is_some_and(|name| name == section));
    for node in sections.flat_map(Node::children).filter(|node| node.key().is_some_and(|name| name == key)) {
        if node.text().is_some_and(|text| text.is_empty()) {
            values.clear();
        } else {
            values.push(node);
        }
    }
    values
}

/// Reads a text as a unit file.
///
/// # Errors
/// [`SyntaxError`] where something is assigned outside of a section, which makes no unit file.
pub(super) fn parse(text: &str) -> Result<Tree<'_>, SyntaxError> {
    let mut maker = TreeMaker::default();
    let root = maker.open(Kind::Object, 0..text.len(), 0..0, None);
    let mut section = None;
    let mut at = 0;
    while at < text.len() {
        let line = line(text, at);
        let trimmed = trim(text, line.clone());
        let words = &text[trimmed.clone()];
        at = line.end;
        if words.is_empty() || words.starts_with(['#', ';']) {
            continue;
        }
        if words.starts_with('[') {
            let Some(name) = words.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
                return Err(SyntaxError { at: trimmed.start, message: "a section has no `]`".to_owned() });
            };
            if let Some(index) = section {
                maker.close_at(index, trimmed.start);
            }
            section = Some(maker.open(Kind::Object, trimmed.clone(), trimmed, Some(name)));
            continue;
        }
        if section.is_none() {
            return Err(SyntaxError {
                at: trimmed.start,
                message: "something stands before the first section".to_owned(),
            });
        }
        let Some(equals) = words.find('=') else { continue };
        let key = trim(text, trimmed.start..trimmed.start + equals);
        let (value, joined, end) = value(text, trimmed.start + equals + 1);
        at = end;
        let index = maker.open(Kind::String, value.clone(), key.clone(), Some(&text[key]));
        maker.set_text(index, joined);
        maker.close_at(index, value.end);
    }
    if let Some(index) = section {
        maker.close_at(index, text.trim_end().len());
    }
    maker.close_at(root, text.len());
    Ok(maker.tree(text))
}

/// The line that begins at that byte, its end included.
fn line(text: &str, at: usize) -> Range<usize> {
    at..text[at..].find('\n').map_or(text.len(), |end| at + end + 1)
}

fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let inner = &text[range.clone()];
    let start = range.start + (inner.len() - inner.trim_start().len());
    start..(start + inner.trim().len()).max(start)
}

/// The value that begins at that byte: its place, what it stands for, and where its last line ends. A backslash at the
/// end of a line stands for a space, and comments between such lines for nothing.
fn value(text: &str, from: usize) -> (Range<usize>, String, usize) {
    let first = trim(text, from..line(text, from).end);
    let mut range = first.clone();
    let mut end = line(text, from).end;
    let mut rest = &text[first];
    let mut joined = String::new();
    while let Some(head) = rest.strip_suffix('\\') {
        joined.push_str(head);
        joined.push(' ');
        let next = loop {
            let next = line(text, end);
            end = next.end;
            let words = trim(text, next.clone());
            if next.is_empty() || !text[words.clone()].starts_with(['#', ';']) {
                break words;
            }
        };
        if next.start > range.start {
            range.end = next.end;
        }
        rest = &text[next];
    }
    joined.push_str(rest);
    (range, joined.trim().to_owned(), end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: &str = "\
# a daemon
[Unit]
Description=x

[Service]
ExecStart=/usr/bin/dockerd \\
    # not this
    -H fd://
OOMScoreAdjust = -500
no assignment
Environment=A=1
Environment=B=2
[Service]
OOMScoreAdjust=-999
";

    #[test]
    fn sections_and_values_are_read_with_their_places() {
        let tree = parse(UNIT).unwrap();
        let one = |key: &str| values(tree.root(), "Service", key).last().map(|node| node.text().unwrap().into_owned());
        assert_eq!(one("OOMScoreAdjust").as_deref(), Some("-999"));
        assert_eq!(one("ExecStart").as_deref(), Some("/usr/bin/dockerd  -H fd://"));
        assert_eq!(values(tree.root(), "Service", "Environment").len(), 2);
        let score = values(tree.root(), "Service", "OOMScoreAdjust")[0];
        assert_eq!((&*score.raw(), &UNIT[score.key_span().unwrap()]), ("-500", "OOMScoreAdjust"));
        let exec = values(tree.root(), "Service", "ExecStart")[0];
        assert!(exec.raw().starts_with("/usr/bin/dockerd") && exec.raw().ends_with("fd://"));
        assert_eq!(tree.root().children().count(), 3);
        assert_eq!(tree.pointer(score.span().start), "/Service/OOMScoreAdjust");
    }

    #[test]
    fn an_empty_value_forgets_the_earlier_ones() {
        let tree = parse("[Service]\nMemoryMax=1G\nMemoryMax=\n").unwrap();
        assert!(values(tree.root(), "Service", "MemoryMax").is_empty());
        let tree = parse("[Service]\nExecStart=\nExecStart=/b\n").unwrap();
        assert_eq!(values(tree.root(), "Service", "ExecStart").len(), 1);
    }

    #[test]
    fn what_is_no_unit_file_is_refused() {
        for (text, at) in [("a=1\n", 0), ("\n{}", 1), ("[Unit\n", 0), ("[Unit] x\n", 0)] {
            assert_eq!(parse(text).unwrap_err().at, at, "{text}");
        }
        for text in
            ["[Service]\nA=b\\", "[Service]\nA=\\\n", "[Service]\nA=\\\n#x\\\n", "", "[]\n=\n", "[S]\n=é\\\n\\\n"]
        {
            assert!(parse(text).is_ok(), "{text}");
        }
    }
}
