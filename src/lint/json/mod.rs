//! JSON into a [`Tree`]: one loop, no recursion, nothing copied. `scan` knows the words, the loop here how they nest,
//! and `text` what a string stands for.
//!
//! It takes exactly what [`Document`](crate::spec::document::Document) takes; a property test holds them together. Only
//! its errors are worded for people.

mod scan;
pub(super) mod text;

use super::tree::{Entry, Tree};
use crate::spec::document::Kind;
use scan::Scanner;

/// Why a text is not JSON, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// The byte that nothing fits to.
    pub at: usize,
    /// What is wrong there.
    pub message: String,
}

/// Reads the first value of a text; what stands behind it is the caller's to judge.
///
/// # Errors
/// [`SyntaxError`]
pub fn parse(text: &str) -> Result<Tree<'_>, SyntaxError> {
    // Real specs have one value in some twenty bytes; a wrong guess costs one more allocation.
    let entries = Vec::with_capacity(text.len() / 24 + 4);
    let mut parser = Parser { scanner: Scanner::of(text), entries, open: Vec::new() };
    parser.document()?;
    Ok(Tree { text, entries: parser.entries, decoded: None })
}

struct Parser<'a> {
    scanner: Scanner<'a>,
    entries: Vec<Entry>,
    /// The objects and arrays around this place.
    open: Vec<u32>,
}

type Parsed<T> = Result<T, SyntaxError>;

/// A position as an entry has it; files are smaller than 4 GiB, which [`super::input`] sees to.
#[expect(clippy::cast_possible_truncation, reason = "a file is limited to 16 MiB")]
fn small(at: usize) -> u32 {
    at as u32
}

impl Parser<'_> {
    fn document(&mut self) -> Parsed<()> {
        self.scanner.space();
        self.value(0..0)?;
        while let Some(&open) = self.open.last() {
            let is_object = self.entries[open as usize].kind == Kind::Object;
            let close = if is_object { b'}' } else { b']' };
            let is_first = self.entries.len() == open as usize + 1;
            self.scanner.space();
            match self.scanner.peek() {
                Some(byte) if byte == close => {
                    self.scanner.at += 1;
                    self.close(open);
                    continue;
                }
                Some(b',') if !is_first => {
                    self.scanner.at += 1;
                    self.scanner.space();
                    if self.scanner.peek() == Some(close) {
                        return self.scanner.fail("a comma behind the last one");
                    }
                }
                _ if is_first => {}
                _ => return self.scanner.wrong(if is_object { "a comma or `}`" } else { "a comma or `]`" }),
            }
            let key = if is_object { self.key()? } else { 0..0 };
            self.value(key)?;
        }
        Ok(())
    }

    fn key(&mut self) -> Parsed<std::ops::Range<usize>> {
        let start = self.scanner.at;
        if self.scanner.peek() != Some(b'"') {
            return self.scanner.wrong("a key in double quotes");
        }
        self.scanner.string()?;
        let key = start..self.scanner.at;
        self.scanner.space();
        if self.scanner.peek() != Some(b':') {
            return self.scanner.wrong("a colon");
        }
        self.scanner.at += 1;
        self.scanner.space();
        Ok(key)
    }

    /// Reads a value, or the opening of one.
    fn value(&mut self, key: std::ops::Range<usize>) -> Parsed<()> {
        let start = self.scanner.at;
        let kind = match self.scanner.peek() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b'-' | b'0'..=b'9') => Kind::Number,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'n') => Kind::Null,
            _ => return self.scanner.wrong("a value"),
        };
        let index = small(self.entries.len());
        let entry =
            Entry { kind, start: small(start), end: 0, key_start: small(key.start), key_end: small(key.end), skip: 0 };
        self.entries.push(entry);
        match kind {
            Kind::Object | Kind::Array => {
                self.scanner.at += 1;
                self.open.push(index);
                return Ok(());
            }
            Kind::String => self.scanner.string()?,
            Kind::Number => self.scanner.number()?,
            Kind::Bool => self.scanner.word(if self.scanner.bytes[start] == b't' { "true" } else { "false" })?,
            Kind::Null => self.scanner.word("null")?,
        }
        self.end(index);
        Ok(())
    }

    fn close(&mut self, open: u32) {
        self.end(open);
        self.open.pop();
    }

    fn end(&mut self, index: u32) {
        let skip = small(self.entries.len());
        let entry = &mut self.entries[index as usize];
        entry.end = small(self.scanner.at);
        entry.skip = skip;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::tree::Node;
    use crate::spec::document::{self, Document};
    use proptest::prelude::*;

    /// Both readers see the same values at the same places.
    fn same(node: Node<'_>, other: document::Node<'_>) {
        assert_eq!((node.kind(), node.span()), (other.kind(), other.span()));
        if node.kind() == Kind::Array {
            let items = other.items();
            assert_eq!(node.children().count(), items.len());
            node.items().zip(items).for_each(|(item, other)| same(item, other));
        }
        if node.kind() == Kind::String {
            assert_eq!(node.text().unwrap().replace('\u{fffd}', ""), other.text().unwrap().replace('\u{fffd}', ""));
        }
        if node.is_object() {
            let members = other.members();
            assert_eq!(node.children().count(), members.len());
            for (child, member) in node.children().zip(members) {
                assert_eq!(child.key_span().unwrap(), member.key_node.span());
                let name = member.key.to_ascii_lowercase();
                assert!(child.is_named(&name) || document::folds_to(&member.key, &name) == child.is_named(&name));
                same(child, member.value);
            }
        }
    }

    fn compare(text: &str) {
        match (parse(text), Document::parse(text.as_bytes())) {
            (Ok(tree), Ok(document)) => same(tree.root(), document.root()),
            (Err(_), Err(_)) => {}
            (tree, document) => panic!("{text:?}: {tree:?} {document:?}"),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn the_tree_is_what_the_document_is(text in r#"([\[\]{},: \n"\\]|"[a-z]{0,3}"|"\\\\u[0-9a-fD]{4}"|[-+.0-9eE]|true|null|fals|é|"x":){0,24}"#) {
            compare(&text);
        }

        #[test]
        fn well_formed_values_too(value in json(), pretty in any::<bool>(), tail in "[ \n}x]{0,3}") {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            compare(&(text.unwrap() + &tail));
        }
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            ".{0,6}".prop_map(Into::into),
        ];
        leaf.prop_recursive(6, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::vec((".{0,4}", inner), 0..6)
                    .prop_map(|pairs| serde_json::Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn errors_say_what_was_expected_and_where() {
        let cases = [
            ("", 0, "expected a value, but the file ends"),
            ("{\"a\":1,}", 7, "a comma behind the last one"),
            ("{\"a\" 1}", 5, "expected a colon, but there is `1`"),
            ("{'a':1}", 1, "expected a key in double quotes, but there is `'`"),
            ("[1 2]", 3, "expected a comma or `]`, but there is `2`"),
            ("{\"a\":tru}", 5, "expected `true`, but there is `t`"),
            ("[\"abc", 1, "a string that begins here has no end"),
            ("[\"\t\"]", 2, "a control character in a string: write it as \\u0009"),
            ("[01]", 2, "a number with a leading zero"),
            ("\u{feff}{}", 0, "expected a value, but there is `\\u{feff}`"),
        ];
        for (text, at, message) in cases {
            assert_eq!(parse(text).unwrap_err(), SyntaxError { at, message: message.to_owned() }, "{text:?}");
        }
    }

    #[test]
    fn a_hundred_thousand_levels_are_read() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(parse(&deep).unwrap().entries.len(), 100_000);
        assert_eq!(parse(&"{\"a\":".repeat(100_000)).unwrap_err().at, 500_000);
    }
}
