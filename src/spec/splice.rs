//! Changes of a text as replacements of ranges of its bytes: everything else stays as it is.

use std::ops::Range;

use crate::json::Node;

/// A replacement of a range of bytes by a text; an empty range is an insertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Splice {
    /// The bytes that go.
    pub range: Range<usize>,
    /// What comes instead.
    pub text: String,
}

/// The document's bytes with the splices made. They must not overlap.
#[must_use]
pub fn splice(original: &[u8], mut splices: Vec<Splice>) -> Vec<u8> {
    splices.sort_by_key(|splice| splice.range.start);
    let grown: usize = splices.iter().map(|splice| splice.text.len()).sum();
    let mut bytes = Vec::with_capacity(original.len() + grown);
    let mut at = 0;
    for Splice { range, text: replacement } in splices {
        bytes.extend_from_slice(&original[at..range.start]);
        bytes.extend_from_slice(replacement.as_bytes());
        at = range.end;
    }
    bytes.extend_from_slice(&original[at..]);
    bytes
}

/// The splice that puts members into an object as its first ones. Keys are written as they are.
///
/// The white space before the object's first member is repeated before each, so that a spec made for people stays one.
#[must_use]
pub fn insert_first(object: Node<'_>, members: &[(&str, &str)]) -> Splice {
    let inside = object.span().start + 1;
    let first = object.children().next().map(|child| child.name_span().start);
    let gap = first.map(|first| String::from_utf8_lossy(&object.tree().bytes()[inside..first])).unwrap_or_default();
    let colon = if gap.is_empty() { ":" } else { ": " };
    let inserted = members.iter().map(|(key, value)| format!("{gap}\"{key}\"{colon}{value}"));
    let mut text = inserted.collect::<Vec<_>>().join(",");
    if first.is_some() {
        text.push(',');
    }
    Splice { range: inside..inside, text }
}
