//! How the readers of TOML and unit files make a [`Tree`] of what they read.

use std::collections::HashMap;
use std::ops::Range;

use crate::json::Kind;
use crate::json::Tree;
use crate::json::tree::{Decoded, Entry};

/// Entries in the order of the text, each before what is in it.
#[derive(Debug, Default)]
pub(super) struct TreeMaker {
    entries: Vec<Entry>,
    decoded: HashMap<u32, Decoded>,
}

/// A place in a text as entries have it.
#[expect(clippy::cast_possible_truncation, reason = "a file is limited to 16 MiB")]
pub(super) fn small(at: usize) -> u32 {
    at as u32
}

impl TreeMaker {
    /// Begins a value: its place, that of its key, and its key's name.
    pub(super) fn open(&mut self, kind: Kind, span: Range<usize>, key: Range<usize>, name: Option<&str>) -> u32 {
        let index = small(self.entries.len());
        let (start, end) = (small(span.start), small(span.end));
        let entry = Entry { kind, start, end, key_start: small(key.start), key_end: small(key.end), skip: index + 1 };
        self.entries.push(entry);
        if let Some(name) = name {
            self.decoded.entry(index).or_default().key = Some(name.to_owned());
        }
        index
    }

    /// What a value stands for.
    pub(super) fn set_text(&mut self, index: u32, text: String) {
        self.decoded.entry(index).or_default().text = Some(text);
    }

    /// Ends a value: everything that was begun since is in it.
    pub(super) fn close(&mut self, index: u32) {
        self.entries[index as usize].skip = small(self.entries.len());
    }

    /// Ends a value at that byte.
    pub(super) fn close_at(&mut self, index: u32, end: usize) {
        self.close(index);
        let entry = &mut self.entries[index as usize];
        entry.end = small(end).max(entry.start);
    }

    /// The tree.
    pub(super) fn tree(self, text: &str) -> Tree<'_> {
        Tree::of_other_syntax(text.as_bytes(), self.entries, self.decoded)
    }
}
