//! YAML into a [`Tree`], by the events of saphyr. Aliases stand for what they name and `<<` for what it merges, as far
//! as that does not make the tree many times as large as the file; plain scalars are read by YAML's core schema.
//!
//! One document is the tree; several are an array of documents, see [`documents`].

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};

use super::tree_maker::small;
use super::yaml_flow;
use super::yaml_scalar::plain;
use crate::json::Kind;
use crate::json::SyntaxError;
use crate::json::tree::{Decoded, Entry};
use crate::json::{Node, Tree};

/// The documents of a file. A list at the top is taken for one document an item, which nobody minds.
pub fn documents(root: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    let alone = (root.kind() != Kind::Array).then_some(root);
    alone.into_iter().chain(root.items())
}

/// Reads a text as YAML.
///
/// # Errors
/// [`SyntaxError`]
pub(super) fn parse(text: &str) -> Result<Tree<'_>, SyntaxError> {
    parse_as(text, text).or_else(|error| match yaml_flow::joined(text) {
        Some(joined) => parse_as(text, &joined).map_err(|_| error),
        None => Err(error),
    })
}

/// Reads `shown` in place of a text of as many characters.
fn parse_as<'t>(text: &'t str, shown: &str) -> Result<Tree<'t>, SyntaxError> {
    let places = Places::of(text);
    let mut maker = Maker::of(text);
    maker.begin(Kind::Array, 0..text.len());
    for next in Parser::new_from_str(shown) {
        let (event, span) =
            next.map_err(|error| SyntaxError { at: places.byte(error.marker()), message: error.info().to_owned() })?;
        maker.event(event, places.range(span));
    }
    maker.end(text.len());
    Ok(maker.tree())
}

/// saphyr counts characters, a tree bytes.
struct Places {
    length: usize,
    /// The byte of each character; empty where a character is a byte.
    bytes: Vec<u32>,
}

impl Places {
    fn of(text: &str) -> Self {
        let bytes = if text.is_ascii() { Vec::new() } else { text.char_indices().map(|(at, _)| small(at)).collect() };
        Places { length: text.len(), bytes }
    }

    fn byte(&self, marker: &Marker) -> usize {
        if self.bytes.is_empty() {
            return marker.index().min(self.length);
        }
        self.bytes.get(marker.index()).map_or(self.length, |at| *at as usize)
    }

    fn range(&self, span: Span) -> Range<usize> {
        let start = self.byte(&span.start);
        start..self.byte(&span.end).max(start)
    }
}

/// A collection that is not at its end.
struct Open {
    index: u32,
    anchor: usize,
    /// The key whose value comes next, in an object.
    key: Option<(String, Range<usize>)>,
    /// The levels of a key that is a collection, which has no name.
    inside_key: u32,
    /// Where the last value in it ends.
    last: usize,
}

struct Maker<'t> {
    text: &'t str,
    entries: Vec<Entry>,
    decoded: HashMap<u32, Decoded>,
    open: Vec<Open>,
    /// The entries that an anchor names.
    anchors: HashMap<usize, Range<u32>>,
    /// The most entries that a file of that size has without tricks.
    most: usize,
}

impl<'t> Maker<'t> {
    fn of(text: &'t str) -> Self {
        let (entries, decoded, open, anchors) = (Vec::new(), HashMap::new(), Vec::new(), HashMap::new());
        Maker { text, entries, decoded, open, anchors, most: text.len() + 64 }
    }

    fn event(&mut self, event: Event<'_>, span: Range<usize>) {
        if self.is_within_key(&event, &span) {
            return;
        }
        match event {
            Event::Scalar(text, style, anchor, tag) => self.scalar(&text, style, anchor, tag.as_deref(), span),
            Event::SequenceStart(anchor, _) => self.collection(Kind::Array, anchor, span),
            Event::MappingStart(anchor, _) => self.collection(Kind::Object, anchor, span),
            Event::SequenceEnd => self.end(span.end),
            Event::MappingEnd => {
                self.merge();
                self.end(span.end);
            }
            Event::Alias(anchor) => self.alias(anchor, span),
            _ => {}
        }
    }

    /// A key that is a list or a mapping is passed over: nothing that is linted here has one.
    fn is_within_key(&mut self, event: &Event<'_>, span: &Range<usize>) -> bool {
        let Some(open) = self.open.last_mut() else { return false };
        let is_object = self.entries[open.index as usize].kind == Kind::Object;
        let begins = matches!(event, Event::SequenceStart(..) | Event::MappingStart(..));
        let ends = matches!(event, Event::SequenceEnd | Event::MappingEnd);
        if open.inside_key == 0 && !(is_object && open.key.is_none() && (begins || matches!(event, Event::Alias(_)))) {
            return false;
        }
        open.inside_key = (open.inside_key + u32::from(begins)).saturating_sub(u32::from(ends));
        if open.inside_key == 0 {
            open.key = Some((String::new(), span.clone()));
        }
        true
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, anchor: usize, tag: Option<&Tag>, span: Range<usize>) {
        if let Some(open) = self.open.last_mut()
            && open.key.is_none()
            && self.entries[open.index as usize].kind == Kind::Object
        {
            open.key = Some((text.to_owned(), span));
            return;
        }
        let is_text = style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.suffix == "str");
        let (kind, decoded) = if is_text { (Kind::String, Some(text.to_owned())) } else { plain(text) };
        let index = self.push(kind, span.clone(), decoded);
        self.close(index, span.end, anchor);
    }

    fn push(&mut self, kind: Kind, span: Range<usize>, text: Option<String>) -> u32 {
        let index = small(self.entries.len());
        let key = self.open.last_mut().and_then(|open| open.key.take());
        let place = key.as_ref().map_or(0..0, |(_, place)| place.clone());
        self.entries.push(Entry {
            kind,
            start: small(span.start),
            end: small(span.end),
            key_start: small(place.start),
            key_end: small(place.end),
            skip: index + 1,
        });
        self.decoded.insert(index, Decoded { key: key.map(|(name, _)| name), text });
        index
    }

    fn begin(&mut self, kind: Kind, span: Range<usize>) {
        self.collection(kind, 0, span);
    }

    fn collection(&mut self, kind: Kind, anchor: usize, span: Range<usize>) {
        let index = self.push(kind, span, None);
        let last = self.entries[index as usize].end as usize;
        self.open.push(Open { index, anchor, key: None, inside_key: 0, last });
    }

    /// Ends the innermost collection.
    fn end(&mut self, at: usize) {
        let Some(open) = self.open.pop() else { return };
        // saphyr ends a block at what comes behind it, blank lines and comments included.
        let entry = self.entries[open.index as usize];
        let is_flow = self.text.as_bytes().get(entry.start as usize).is_some_and(|byte| matches!(byte, b'{' | b'['));
        let end = if is_flow || open.index == 0 { at } else { open.last };
        self.close(open.index, end, open.anchor);
    }

    fn close(&mut self, index: u32, end: usize, anchor: usize) {
        let skip = small(self.entries.len());
        let entry = &mut self.entries[index as usize];
        entry.skip = skip;
        entry.end = small(end).max(entry.start);
        if anchor > 0 {
            self.anchors.insert(anchor, index..skip);
        }
        self.reached(end);
    }

    /// The innermost collection reaches to that byte at least.
    fn reached(&mut self, at: usize) {
        if let Some(open) = self.open.last_mut() {
            open.last = open.last.max(at);
        }
    }

    fn alias(&mut self, anchor: usize, span: Range<usize>) {
        self.reached(span.end);
        let Some(range) = self.anchors.get(&anchor).cloned().filter(|range| self.has_room(range)) else {
            self.push(Kind::Null, span, None);
            return;
        };
        let key = self.open.last_mut().and_then(|open| open.key.take());
        let index = self.copy(range);
        let place = key.as_ref().map_or(0..0, |(_, place)| place.clone());
        let entry = &mut self.entries[index as usize];
        (entry.key_start, entry.key_end) = (small(place.start), small(place.end));
        self.decoded.entry(index).or_default().key = key.map(|(name, _)| name);
    }

    fn has_room(&self, range: &Range<u32>) -> bool {
        self.entries.len() + range.len() <= self.most
    }

    /// Puts a copy of those entries at the end.
    fn copy(&mut self, range: Range<u32>) -> u32 {
        let to = small(self.entries.len());
        for index in range.clone() {
            let entry = self.entries[index as usize];
            self.entries.push(Entry { skip: entry.skip - range.start + to, ..entry });
            let decoded = self.decoded.get(&index).cloned().unwrap_or_default();
            self.decoded.insert(index - range.start + to, decoded);
        }
        to
    }

    /// Adds to the innermost object what its `<<` names and it does not have itself.
    fn merge(&mut self) {
        let Some(open) = self.open.last().map(|open| open.index) else { return };
        let children = |maker: &Self, parent: u32, end: u32| {
            let mut children = Vec::new();
            let mut next = parent + 1;
            while next < end {
                children.push(next);
                next = maker.entries[next as usize].skip;
            }
            children
        };
        let own = children(self, open, small(self.entries.len()));
        let name = |maker: &Self, index: u32| maker.decoded.get(&index).and_then(|decoded| decoded.key.clone());
        let Some(merged) = own.iter().copied().find(|index| name(self, *index).as_deref() == Some("<<")) else {
            return;
        };
        let mut seen: HashSet<_> = own.iter().filter_map(|index| name(self, *index)).collect();
        let below = |maker: &Self, index: u32| children(maker, index, maker.entries[index as usize].skip);
        let sources = match self.entries[merged as usize].kind {
            Kind::Array => below(self, merged),
            _ => vec![merged],
        };
        for source in
            sources.into_iter().filter(|source| self.entries[*source as usize].kind == Kind::Object).collect::<Vec<_>>()
        {
            for child in below(self, source) {
                let range = child..self.entries[child as usize].skip;
                if name(self, child).is_some_and(|name| seen.insert(name)) && self.has_room(&range) {
                    self.copy(range);
                }
            }
        }
    }

    /// The tree; the array around the documents goes where there is but one.
    fn tree(mut self) -> Tree<'t> {
        let count = {
            let (mut count, mut next) = (0, 1);
            while let Some(entry) = self.entries.get(next) {
                (count, next) = (count + 1, entry.skip as usize);
            }
            count
        };
        if count == 1 {
            self.entries.remove(0);
            self.entries.iter_mut().for_each(|entry| entry.skip -= 1);
            let decoded = self.decoded.into_iter().filter(|(index, _)| *index > 0);
            self.decoded = decoded.map(|(index, decoded)| (index - 1, decoded)).collect();
        }
        Tree::of_other_syntax(self.text.as_bytes(), self.entries, self.decoded)
    }
}

#[cfg(test)]
#[path = "yaml_tests.rs"]
mod tests;
