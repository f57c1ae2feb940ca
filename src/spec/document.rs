//! Finding fields in the raw bytes of a JSON document, twins and case variants included.
//!
//! Nothing is decoded that is not asked for: a [`Node`] is a slice of the input and knows where it begins, so that an
//! edit can splice around it and everything else stays as it was.

use std::borrow::Cow;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use thiserror::Error;

/// Why bytes are not a JSON document that can be edited.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DocumentError {
    /// The bytes are not UTF-8, which JSON has to be (RFC 8259 section 8.1).
    #[error("byte {offset} is not UTF-8")]
    NotUtf8 {
        /// Where, in bytes from the beginning.
        offset: usize,
    },
    /// The text is not JSON.
    #[error("line {line} column {column}: {message}")]
    NotJson {
        /// The line, from 1.
        line: usize,
        /// The column in bytes, from 1.
        column: usize,
        /// What the parser says.
        message: String,
    },
}

/// A JSON document: one value, and whatever stands behind it (Go's decoder, and so runc, reads the first value only).
#[derive(Debug, Clone)]
pub struct Document<'a> {
    text: &'a str,
    root: Node<'a>,
    /// The root's members, kept because every question begins there and the root is the whole file.
    top: Vec<Member<'a>>,
}

/// A value in the document.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    raw: &'a str,
    start: usize,
}

/// A key and its value in an object.
#[derive(Debug, Clone)]
pub struct Member<'a> {
    /// The key with its escapes resolved. A lone surrogate, which is no character, becomes U+FFFD as in Go.
    pub key: Cow<'a, str>,
    /// The key as it is written, quotes included.
    pub key_node: Node<'a>,
    /// The value.
    pub value: Node<'a>,
}

/// The seven shapes of a JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `{…}`
    Object,
    /// `[…]`
    Array,
    /// `"…"`
    String,
    /// Digits, with a sign, a fraction or an exponent.
    Number,
    /// `true` or `false`
    Bool,
    /// `null`
    Null,
}

impl<'a> Document<'a> {
    /// Checks that the bytes begin with one well-formed JSON value, whatever its depth.
    ///
    /// # Errors
    /// [`DocumentError`] with the place.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DocumentError> {
        let text =
            std::str::from_utf8(bytes).map_err(|error| DocumentError::NotUtf8 { offset: error.valid_up_to() })?;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let raw = <&RawValue>::deserialize(&mut deserializer).map_err(|error| {
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or_default().to_owned();
            DocumentError::NotJson { line: error.line(), column: error.column(), message }
        })?;
        let root = Node::within(text, raw.get());
        Ok(Document { text, root, top: root.members() })
    }

    /// The whole text, what stands behind the value included.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The document's value.
    #[must_use]
    pub fn root(&self) -> Node<'a> {
        self.root
    }

    /// Every value that some runtime may take for the one at `path`.
    ///
    /// Go ignores the case of keys and takes the last of twins; other runtimes read exactly and may take the first. So
    /// each level yields all members whose key folds to the name.
    #[must_use]
    pub fn find(&self, path: &[&str]) -> Vec<Node<'a>> {
        let Some((first, deeper)) = path.split_first() else { return vec![self.root] };
        let at_top = self.top.iter().filter(|member| folds_to(&member.key, first)).map(|member| member.value);
        let step = |nodes: Vec<Node<'a>>, name: &&str| nodes.iter().flat_map(|node| node.fields(name)).collect();
        deeper.iter().fold(at_top.collect(), step)
    }
}

impl<'a> Node<'a> {
    /// The node of `raw`, which must be a part of `text`.
    fn within(text: &'a str, raw: &'a str) -> Self {
        Node { raw, start: raw.as_ptr().addr() - text.as_ptr().addr() }
    }

    /// The value as it is written.
    #[must_use]
    pub fn raw(&self) -> &'a str {
        self.raw
    }

    /// Where the value stands, in bytes from the beginning of the document.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.start..self.start + self.raw.len()
    }

    /// The shape of the value.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.raw.as_bytes().first() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'n') => Kind::Null,
            _ => Kind::Number,
        }
    }

    /// The members of an object in the order they are written; none for anything else.
    #[must_use]
    pub fn members(&self) -> Vec<Member<'a>> {
        if self.kind() != Kind::Object {
            return Vec::new();
        }
        let parsed: Result<Members<'a>, _> = serde_json::from_str(self.raw);
        // The document was checked as a whole when it was parsed.
        let Ok(Members(pairs)) = parsed else { return Vec::new() };
        let place = |raw: &'a str| {
            let inner = Node::within(self.raw, raw);
            Node { raw, start: self.start + inner.start }
        };
        let member = |(key, value): (&'a RawValue, &'a RawValue)| {
            let key_node = place(key.get());
            Member { key: key_node.text().unwrap_or_default(), key_node, value: place(value.get()) }
        };
        pairs.into_iter().map(member).collect()
    }

    /// The values of an object's members whose key folds to `name` as in Go's `encoding/json`.
    #[must_use]
    pub fn fields(&self, name: &str) -> Vec<Node<'a>> {
        self.members().into_iter().filter(|member| folds_to(&member.key, name)).map(|member| member.value).collect()
    }

    /// The values of an object's members whose key is exactly `key`: the keys of a Go map keep their case.
    #[must_use]
    pub fn entries(&self, key: &str) -> Vec<Node<'a>> {
        self.members().into_iter().filter(|member| member.key == key).map(|member| member.value).collect()
    }

    /// The items of an array; none for anything else.
    #[must_use]
    pub fn items(&self) -> Vec<Node<'a>> {
        if self.kind() != Kind::Array {
            return Vec::new();
        }
        let items: Vec<&'a RawValue> = serde_json::from_str(self.raw).unwrap_or_default();
        let place =
            |item: &'a RawValue| Node { raw: item.get(), start: self.start + Node::within(self.raw, item.get()).start };
        items.into_iter().map(place).collect()
    }

    /// The text of a string, escapes resolved; `None` for anything else.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'a, str>> {
        let inner = self.raw.strip_prefix('"')?.strip_suffix('"')?;
        if !inner.contains('\\') {
            return Some(Cow::Borrowed(inner));
        }
        // Only a lone surrogate makes this fail; the bytes around it are decoded as Go does it.
        let decoded: Result<Bytes, _> = serde_json::from_str(self.raw);
        decoded.ok().map(|Bytes(bytes)| Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// The number that Go would read into an integer: no fraction, no exponent, no quotes. `None` for anything else.
    #[must_use]
    pub fn integer(&self) -> Option<i64> {
        match self.kind() {
            Kind::Number => self.raw.parse().ok(),
            _ => None,
        }
    }
}

/// Whether Go's decoder takes `key` for the field `name`: equal but for case, in its simple folding, where U+017F
/// counts as `s` and U+212A as `k` (`encoding/json/fold.go`).
#[must_use]
pub fn folds_to(key: &str, name: &str) -> bool {
    let fold = |letter: char| match letter {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    key.chars().map(fold).eq(name.chars().map(fold))
}

/// The pairs of an object, twins and order kept.
struct Members<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Members<'de>;

            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Members(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// A string's bytes; `serde_json` decodes lone surrogates into bytes, not into text.
struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Bytes;

            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("a string")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raws(text: &str, path: &[&str]) -> Vec<String> {
        let document = Document::parse(text.as_bytes()).unwrap();
        document.find(path).iter().map(|node| node.raw().to_owned()).collect()
    }

    #[test]
    fn a_node_knows_its_place() {
        let text = " { \"a\" : [1, {\"b\":  \"c\"} ] } tail";
        let document = Document::parse(text.as_bytes()).unwrap();
        let array = document.find(&["a"])[0];
        assert_eq!(&text[array.span()], "[1, {\"b\":  \"c\"} ]");
        let inner = array.items()[1].fields("b")[0];
        assert_eq!(&text[inner.span()], "\"c\"");
        let key = &array.items()[1].members()[0].key_node;
        assert_eq!(&text[key.span()], "\"b\"");
    }

    #[test]
    fn twins_and_case_variants_are_all_found() {
        let text = r#"{"process":{"x":1},"PROCESS":{"X":2},"proce\u0073s":{"x":3},"proceſs":{"x":4},"other":{"x":5}}"#;
        assert_eq!(raws(text, &["process", "x"]), ["1", "2", "3", "4"]);
        assert_eq!(raws("{\"\u{212a}ey\":1}", &["key"]), ["1"]);
        assert!(raws(r#"{"proces":1,"processes":2,"":3}"#, &["process"]).is_empty());
    }

    #[test]
    fn what_is_no_object_has_no_fields() {
        for text in ["[]", "null", "1", "\"process\"", "{}", r#"{"process":[{"x":1}]}"#] {
            assert!(raws(text, &["process", "x"]).is_empty(), "{text}");
        }
    }

    #[test]
    fn numbers_are_integers_only_where_go_reads_one() {
        let value = |text: &str| Document::parse(text.as_bytes()).unwrap().root().integer();
        assert_eq!(value("-1000"), Some(-1000));
        assert_eq!(value("-0"), Some(0));
        for text in ["100.0", "1e3", "18446744073709551615", "\"5\"", "true", "null"] {
            assert_eq!(value(text), None, "{text}");
        }
    }

    #[test]
    fn lone_surrogates_are_read_as_go_reads_them() {
        let text = r#"{"a\ud800b":"x\udfff"}"#;
        let document = Document::parse(text.as_bytes()).unwrap();
        let member = &document.root().members()[0];
        assert!(member.key.starts_with('a') && member.key.ends_with('b') && member.key.contains('\u{fffd}'));
        assert!(member.value.text().unwrap().starts_with('x'));
    }

    #[test]
    fn depth_and_tails_do_no_harm() {
        let deep = format!("{{\"a\":{}{}}} trailing", "[".repeat(200_000), "]".repeat(200_000));
        let document = Document::parse(deep.as_bytes()).unwrap();
        assert_eq!(document.root().members().len(), 1);
    }

    #[test]
    fn the_place_of_an_error_is_told() {
        let error = Document::parse(b"{\n  \"a\": trux\n}").unwrap_err();
        assert_eq!(error.to_string(), "line 2 column 11: expected ident");
        assert_eq!(Document::parse(b"{\"a\":\"\xff\"}").unwrap_err().to_string(), "byte 6 is not UTF-8");
        for text in ["", "{", "{\"a\":1", "nul", "{\"a\" 1}", "\u{feff}{}"] {
            assert!(Document::parse(text.as_bytes()).is_err(), "{text:?}");
        }
    }
}
