//! A document as a flat list of its values in the order of the text.
//!
//! Each value knows where it stands and where its own end is in that list, so that it is passed over in one step, and
//! nothing is decoded that is not asked for.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use super::{Kind, folds_to, text};

/// The values of a document and where they stand.
#[derive(Debug)]
pub struct Tree<'a> {
    bytes: &'a [u8],
    entries: Vec<Entry>,
    /// What keys and texts stand for, by entry, where their syntax is not that of JSON.
    decoded: Option<HashMap<u32, Decoded>>,
}

/// One value. Positions are bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// The key's place, quotes included; empty for items of an array and for the root.
    pub(crate) key_start: u32,
    pub(crate) key_end: u32,
    /// The entry behind this value and all that is inside it.
    pub(crate) skip: u32,
}

/// What a key and a text stand for that are not written as in JSON.
#[derive(Debug, Default, Clone)]
pub(crate) struct Decoded {
    pub(crate) key: Option<String>,
    pub(crate) text: Option<String>,
}

/// A value of a document.
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
    /// The tree of a JSON text. There is at least one entry, the root's.
    pub(super) fn new(bytes: &'a [u8], entries: Vec<Entry>) -> Self {
        Tree { bytes, entries, decoded: None }
    }

    /// The tree of a text of another syntax that says the same kinds of things. There is at least one entry.
    pub(crate) fn of_other_syntax(bytes: &'a [u8], entries: Vec<Entry>, decoded: HashMap<u32, Decoded>) -> Self {
        Tree { bytes, entries, decoded: Some(decoded) }
    }

    /// A tree of one `null`, for a text that could not be parsed.
    pub(crate) fn empty(bytes: &'a [u8]) -> Self {
        let entry = Entry { kind: Kind::Null, start: 0, end: 0, key_start: 0, key_end: 0, skip: 1 };
        Tree::new(bytes, vec![entry])
    }

    /// The whole document, with what stands before and behind its value.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether the text is JSON, whose keys Go matches in any case, and not another syntax that was made into a tree.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.decoded.is_none()
    }

    /// The document's value.
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
            // In TOML what belongs together may stand in any order.
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
    pub fn bytes(self) -> &'t [u8] {
        &self.tree.bytes[self.span()]
    }

    /// The value as it is written, for people: bytes that belong to no character are replaced.
    #[must_use]
    pub fn raw(self) -> Cow<'t, str> {
        String::from_utf8_lossy(self.bytes())
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
        self.key_span().map(|span| text::string(&self.tree.bytes[span]))
    }

    /// The text of a string, escapes resolved; `None` for anything else.
    #[must_use]
    pub fn text(self) -> Option<Cow<'t, str>> {
        if self.kind() != Kind::String {
            return None;
        }
        match &self.tree.decoded {
            Some(decoded) => decoded.get(&self.index)?.text.as_deref().map(Cow::Borrowed),
            None => Some(text::string(self.bytes())),
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
            None => std::str::from_utf8(self.bytes()).ok()?.parse().ok(),
        }
    }

    /// `true` or `false`.
    #[must_use]
    pub fn boolean(self) -> Option<bool> {
        (self.kind() == Kind::Bool).then(|| self.bytes().eq_ignore_ascii_case(b"true"))
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

    /// The members of an object that some reader may take for the field `name`.
    ///
    /// Go ignores the case of keys and takes the last of several; other readers read exactly and may take the first.
    pub fn fields<'n>(self, name: &'n str) -> impl Iterator<Item = Node<'t>> + use<'t, 'n> {
        let none = !self.is_object();
        self.children().skip_while(move |_| none).filter(move |child| child.is_named(name))
    }

    /// The member that Go reads for the field `name`: the last of several, unless it is `null`.
    #[must_use]
    pub fn field(self, name: &str) -> Option<Node<'t>> {
        self.fields(name).last().filter(|node| node.kind() != Kind::Null)
    }

    /// The members of an object whose key is exactly `key`: the keys of a Go map keep their case.
    pub fn entries<'n>(self, key: &'n str) -> impl Iterator<Item = Node<'t>> + use<'t, 'n> {
        self.children().filter(move |child| child.key().is_some_and(|name| name == key))
    }

    /// The member that a map has under exactly that key: the last of several.
    #[must_use]
    pub fn entry_of(self, key: &str) -> Option<Node<'t>> {
        self.entries(key).last()
    }

    /// Every value that some reader may take for the one at that path of fields.
    #[must_use]
    pub fn find(self, path: &[&str]) -> Vec<Node<'t>> {
        let step = |nodes: Vec<Node<'t>>, name: &&str| nodes.into_iter().flat_map(|node| node.fields(name)).collect();
        path.iter().fold(vec![self], step)
    }

    /// What Go reads at a path of fields.
    #[must_use]
    pub fn at(self, path: &[&str]) -> Option<Node<'t>> {
        path.iter().try_fold(self, |node, name| node.field(name))
    }

    /// Whether the key folds to `name`.
    #[must_use]
    pub fn is_named(self, name: &str) -> bool {
        if self.tree.decoded.is_none() {
            let Some(span) = self.key_span() else { return false };
            let raw = &self.tree.bytes[span.start + 1..span.end - 1];
            if raw == name.as_bytes() {
                return true;
            }
            // Only an escape or a letter beyond ASCII makes a key of another length fold to the name.
            if raw.len() == name.len() {
                return folds_to(&self.key().unwrap_or_default(), name);
            }
            if raw.len() < name.len() || !raw.iter().any(|&byte| byte == b'\\' || byte >= 0x80) {
                return false;
            }
            return folds_to(&self.key().unwrap_or_default(), name);
        }
        self.key().is_some_and(|key| key == name)
    }
}
