//! How tokens nest: bytes into a [`Tree`].

use std::ops::Range;

use super::scan::Scanner;
use super::tree::Entry;
use super::{Kind, Outline, SyntaxError, Tree, folds_to, text};

/// Reads the first value of a text; what stands behind it is the caller's to judge.
///
/// # Errors
/// [`SyntaxError`]
pub fn parse(bytes: &[u8]) -> Result<Tree<'_>, SyntaxError> {
    // Real specs have one value in some twenty bytes; a wrong guess costs one more allocation.
    read(bytes, None, bytes.len() / 24 + 4)
}

/// Reads the first value of a text, and keeps of it what the outline names.
///
/// # Errors
/// [`SyntaxError`], wherever in the value it is.
pub fn parse_outline<'a>(bytes: &'a [u8], outline: &Outline<'_>) -> Result<Tree<'a>, SyntaxError> {
    read(bytes, Some(outline), 64)
}

fn read<'a>(bytes: &'a [u8], outline: Option<&Outline<'_>>, expected: usize) -> Result<Tree<'a>, SyntaxError> {
    let entries = Vec::with_capacity(expected);
    let mut parser =
        Parser { scanner: Scanner::of(bytes), outline, entries, nesting: Vec::new(), open: Vec::new(), unread: None };
    if u32::try_from(bytes.len()).is_err() {
        return parser.scanner.fail("more than 4 GiB");
    }
    parser.document()?;
    Ok(Tree::new(bytes, parser.entries))
}

struct Parser<'a, 'o> {
    scanner: Scanner<'a>,
    outline: Option<&'o Outline<'o>>,
    entries: Vec<Entry>,
    /// The objects and arrays around this place, outermost first: the bracket that opened each.
    nesting: Vec<u8>,
    /// The same ones, down to the first whose members are not read.
    open: Vec<Open>,
    /// How deep the outermost of them is whose members are not read, if there is one.
    unread: Option<usize>,
}

/// An object or array whose end was not seen yet.
struct Open {
    /// Its entry; `None` for an item that is one too many.
    entry: Option<u32>,
    /// How many more items of it may be read.
    items: usize,
}

/// A position as an entry has it.
#[expect(clippy::cast_possible_truncation, reason = "`read` refuses larger texts")]
fn small(at: usize) -> u32 {
    at as u32
}

impl Parser<'_, '_> {
    fn document(&mut self) -> Result<(), SyntaxError> {
        self.scanner.space();
        let mut is_first = self.value(0..0)?;
        while let Some(&opening) = self.nesting.last() {
            let is_object = opening == b'{';
            let closing = if is_object { b'}' } else { b']' };
            self.scanner.space();
            match self.scanner.peek() {
                Some(byte) if byte == closing => {
                    self.scanner.at += 1;
                    self.close();
                    is_first = false;
                    continue;
                }
                Some(b',') if !is_first => {
                    self.scanner.at += 1;
                    self.scanner.space();
                    if self.scanner.peek() == Some(closing) {
                        return self.scanner.fail("a comma behind the last one");
                    }
                }
                _ if is_first => {}
                _ => return self.scanner.wrong(if is_object { "a comma or `}`" } else { "a comma or `]`" }),
            }
            let key = if is_object { self.key()? } else { 0..0 };
            is_first = self.value(key)?;
        }
        Ok(())
    }

    fn key(&mut self) -> Result<Range<usize>, SyntaxError> {
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

    /// Reads a value, or the opening of one: then it says so.
    fn value(&mut self, key: Range<usize>) -> Result<bool, SyntaxError> {
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
        let entry = self.begin(kind, start, key);
        match kind {
            Kind::Object | Kind::Array => {
                self.nesting.push(self.scanner.bytes[start]);
                self.scanner.at += 1;
                return Ok(true);
            }
            Kind::String => self.scanner.string()?,
            Kind::Number => self.scanner.number()?,
            Kind::Bool => self.scanner.word(if self.scanner.bytes[start] == b't' { "true" } else { "false" })?,
            Kind::Null => self.scanner.word("null")?,
        }
        if let Some(entry) = entry {
            self.end(entry);
        }
        Ok(false)
    }

    /// Makes the value's entry where it is read, and opens it where it is an object or array.
    fn begin(&mut self, kind: Kind, start: usize, key: Range<usize>) -> Option<u32> {
        if self.unread.is_some() {
            return None;
        }
        let has_members = matches!(kind, Kind::Object | Kind::Array);
        let is_wanted = self.takes_another();
        let entry = is_wanted.then(|| small(self.entries.len()));
        if has_members {
            if !is_wanted || !self.is_read(&key) {
                self.unread = Some(self.nesting.len() + 1);
            }
            self.open.push(Open { entry, items: self.outline.map_or(usize::MAX, |outline| outline.items) });
        }
        if is_wanted {
            let (key_start, key_end) = (small(key.start), small(key.end));
            self.entries.push(Entry { kind, start: small(start), end: 0, key_start, key_end, skip: 0 });
        }
        entry
    }

    /// Whether what is open takes another value: an array only as many items as the outline asks for.
    fn takes_another(&mut self) -> bool {
        match (self.nesting.last(), self.open.last_mut()) {
            (Some(b'['), Some(open)) if open.items == 0 => false,
            (Some(b'['), Some(open)) => {
                open.items -= 1;
                true
            }
            _ => true,
        }
    }

    /// Whether the members of an object or array are read that stands behind that key.
    fn is_read(&self, key: &Range<usize>) -> bool {
        let Some(outline) = self.outline else { return true };
        if self.nesting.is_empty() {
            return true;
        }
        let key = text::string(&self.scanner.bytes[key.clone()]);
        outline.fields.iter().any(|field| folds_to(&key, field))
    }

    /// The innermost object or array ends here.
    fn close(&mut self) {
        if self.unread.is_none_or(|depth| depth == self.nesting.len()) {
            self.unread = None;
            if let Some(entry) = self.open.pop().and_then(|open| open.entry) {
                self.end(entry);
            }
        }
        self.nesting.pop();
    }

    fn end(&mut self, index: u32) {
        let skip = small(self.entries.len());
        let entry = &mut self.entries[index as usize];
        entry.end = small(self.scanner.at);
        entry.skip = skip;
    }
}
