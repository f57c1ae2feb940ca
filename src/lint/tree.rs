//! A file as a tree of spans, made in one pass and linear time, for JSON and for TOML alike.
//!
//! [`Document`](crate::spec::document::Document) answers one question at a time and reads the text again for each: right
//! for a shim that asks twice, wrong for fifty rules. Here every value is one entry of a flat list in the order of the
//! text, each knows where its own end is in that list, and nothing is decoded that is not asked for.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use super::json::text;
use crate::spec::document::{Kind, folds_to};

/// A file's values and where they stand.
#[derive(Debug)]
pub struct Tree<'a> {
    pub(super) text: &'a str,
    pub(super) entries: Vec<Entry>,
    /// What TOML says in another way than JSON would: keys and texts, by entry.
    pub(super) decoded: Option<HashMap<u32, Decoded>>,
}

/// One value. Positions are bytes; a file is never larger than 16 MiB.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    pub(super) start: u32,
    pub(super) end: u32,
    /// The key's place, quotes included; empty for items of an array and for the root.
    pub(super) key_start: u32,
    pub(super) key_end: u32,
    /// The entry behind this value and all that is inside it.
    pub(super) skip: u32,
}

/// What a TOML key and text stand for.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    pub(super) key: Option<String>,
    pub(super) text: Option<String>,
}

/// A value in a [`Tree`].
#[derive(Debug, Clone, Copy)]
pub struct Node<'t> {
    tree: &'t Tree<'t>,
    index: u32,
}

impl PartialEq for Node<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.tree, other.tree) && self.index == other.index
    }
}

impl<'a> Tree<'a> {
    /// A tree of one `null`, for a text that could not be parsed.
    pub(super) fn empty(text: &'a str) -> Self {
        let entry = Entry { kind: Kind::Null, start: 0, end: 0, key_start: 0, key_end: 0, skip: 1 };
        Tree { text, entries: vec![entry], decoded: None }
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The file's value.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        Node { tree: self, index: 0 }
    }

    /// Where the value that stands at that byte is in the tree, as a JSON pointer (RFC 6901).
    #[must_use]
    pub fn pointer(&self, at: usize) -> String {
        let target = self.entry_at(at);
        let mut pointer = String::new();
        let mut node = self.root();
        // Pointers are for people and fingerprints; nobody reads one of more levels than this.
        for _ in 0..64 {
            let mut children = node.children().enumerate();
            let Some((position, child)) = children.find(|(_, child)| target < child.entry().skip) else { break };
            if child.index > target {
                break;
            }
            pointer.push('/');
            match child.key() {
                Some(key) => pointer.push_str(&key.replace('~', "~0").replace('/', "~1")),
                None => pointer.push_str(&position.to_string()),
            }
            node = child;
        }
        pointer
    }

    /// The last value that begins, with its key, at or before that byte.
    fn entry_at(&self, at: usize) -> u32 {
        let begins = |entry: &Entry| if entry.key_end > entry.key_start { entry.key_start } else { entry.start };
        let index = if self.decoded.is_none() {
            self.entries.partition_point(|entry| begins(entry) as usize <= at).saturating_sub(1)
        } else {
            // TOML may say in any order what belongs together.
            let before = self.entries.iter().enumerate().filter(|(_, entry)| begins(entry) as usize <= at);
            before.max_by_key(|(_, entry)| begins(entry)).map_or(0, |(index, _)| index)
        };
        u32::try_from(index).unwrap_or(0)
    }
}

impl<'t> Node<'t> {
    fn entry(self) -> &'t Entry {
        &self.tree.entries[self.index as usize]
    }

    /// The shape of the value.
    #[must_use]
    pub fn kind(self) -> Kind {
        self.entry().kind
    }

    /// Where the value stands, in bytes.
    #[must_use]
    pub fn span(self) -> Range<usize> {
        self.entry().start as usize..self.entry().end as usize
    }

    /// Where its key stands, quotes included; `None` for an item or the root.
    #[must_use]
    pub fn key_span(self) -> Option<Range<usize>> {
        let entry = self.entry();
        (entry.key_end > entry.key_start).then_some(entry.key_start as usize..entry.key_end as usize)
    }

    /// The key's place where there is a key, else the value's.
    #[must_use]
    pub fn name_span(self) -> Range<usize> {
        self.key_span().unwrap_or_else(|| self.span())
    }

    /// The value as it is written.
    #[must_use]
    pub fn raw(self) -> &'t str {
        &self.tree.text[self.span()]
    }

    /// The tree that the value is in.
    #[must_use]
    pub fn tree(self) -> &'t Tree<'t> {
        self.tree
    }

    /// The key with its escapes resolved.
    #[must_use]
    pub fn key(self) -> Option<Cow<'t, str>> {
        if let Some(decoded) = &self.tree.decoded {
            return decoded.get(&self.index)?.key.as_deref().map(Cow::Borrowed);
        }
        self.key_span().map(|span| text::string(&self.tree.text[span]))
    }

    /// The text of a string, escapes resolved; `None` for anything else.
    #[must_use]
    pub fn text(self) -> Option<Cow<'t, str>> {
        if self.kind() != Kind::String {
            return None;
        }
        match &self.tree.decoded {
            Some(decoded) => decoded.get(&self.index)?.text.as_deref().map(Cow::Borrowed),
            None => Some(text::string(self.raw())),
        }
    }

    /// The number that Go would read into an integer: no fraction, no exponent, no quotes.
    #[must_use]
    pub fn integer(self) -> Option<i128> {
        if self.kind() != Kind::Number {
            return None;
        }
        match &self.tree.decoded {
            Some(decoded) => decoded.get(&self.index)?.text.as_ref()?.parse().ok(),
            None => self.raw().parse().ok(),
        }
    }

    /// `true` or `false`.
    #[must_use]
    pub fn boolean(self) -> Option<bool> {
        (self.kind() == Kind::Bool).then(|| self.raw() == "true")
    }

    /// Whether the value is an object.
    #[must_use]
    pub fn is_object(self) -> bool {
        self.kind() == Kind::Object
    }

    /// The members of an object or the items of an array, as they are written.
    pub fn children(self) -> impl Iterator<Item = Node<'t>> + use<'t> {
        let end = self.entry().skip;
        let mut next = self.index + 1;
        std::iter::from_fn(move || {
            let node = (next < end).then_some(Node { tree: self.tree, index: next })?;
            next = node.entry().skip;
            Some(node)
        })
    }

    /// The items of an array; none of anything else.
    pub fn items(self) -> impl Iterator<Item = Node<'t>> + use<'t> {
        let none = self.kind() != Kind::Array;
        self.children().skip_while(move |_| none)
    }

    /// The members of an object whose key folds to `name` as in Go's `encoding/json`, twins included.
    pub fn twins(self, name: &'static str) -> impl Iterator<Item = Node<'t>> + use<'t> {
        self.children().filter(move |child| child.is_named(name))
    }

    /// The member that Go reads for the field `name`: the last of its twins, unless it is `null`.
    #[must_use]
    pub fn field(self, name: &'static str) -> Option<Node<'t>> {
        self.twins(name).last().filter(|node| node.kind() != Kind::Null)
    }

    /// The member that a map has under exactly that key.
    #[must_use]
    pub fn entry_of(self, key: &str) -> Option<Node<'t>> {
        self.children().filter(|child| child.key().is_some_and(|name| name == key)).last()
    }

    /// What Go reads at a path of fields.
    #[must_use]
    pub fn at(self, path: &[&'static str]) -> Option<Node<'t>> {
        path.iter().try_fold(self, |node, name| node.field(name))
    }

    /// Whether the key folds to `name`.
    #[must_use]
    pub fn is_named(self, name: &str) -> bool {
        if self.tree.decoded.is_none() {
            let Some(span) = self.key_span() else { return false };
            let raw = &self.tree.text[span.start + 1..span.end - 1];
            if raw == name {
                return true;
            }
            // Only an escape or a letter beyond ASCII makes a key of another length fold to the name.
            if raw.len() == name.len() {
                return folds_to(&self.key().unwrap_or_default(), name);
            }
            if raw.len() < name.len() || !raw.bytes().any(|byte| byte == b'\\' || byte >= 0x80) {
                return false;
            }
            return folds_to(&self.key().unwrap_or_default(), name);
        }
        self.key().is_some_and(|key| key == name)
    }
}
