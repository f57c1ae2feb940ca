//! Logs, a line at a time, in all the forms in which people have them: `/dev/kmsg`, dmesg's and journalctl's output,
//! syslog, JSON of many programs, and pastes of all of these that were quoted, wrapped or cut.

mod bytes;
mod element;
mod field;
mod json;
mod mark;
mod prefix;

use std::borrow::Cow;

pub use bytes::{InputError, Lines};
pub use prefix::Origin;

use super::kernel;
use super::time::Time;
use field::Fields;
use json::Json;
use prefix::Peeled;

/// An entry of a log: what the kernel or a program wrote at a time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// The text, escapes undone.
    pub text: Vec<u8>,
    /// When.
    pub time: Time,
    /// Who wrote it.
    pub origin: Origin,
    /// Whether the form says that the kernel itself wrote it (facility 0), which no other program can make it say.
    pub is_proven: bool,
    /// The number of its line in the log, from 1; 0 where it has none.
    pub line: u64,
}

/// What an entry may grow to, in bytes. A name has 15 and a path 4096: what grows further is no record of a kill.
const LONGEST: usize = 64 * 1024;

/// An entry that more lines may belong to.
#[derive(Debug)]
struct Pending {
    entry: Entry,
    /// Whether something that begins a line of a log stood before it.
    has_prefix: bool,
    /// How its last line ended.
    end: End,
}

/// How a line ended, which tells who broke it.
#[derive(Debug, Clone, Copy)]
struct End {
    /// Whether in a space.
    had_space: bool,
    /// How long it was, in bytes.
    length: usize,
}

/// Puts lines together to entries.
#[derive(Debug, Default)]
pub struct Reader {
    pending: Option<Pending>,
    json: Json,
    fields: Fields,
    /// Of a mail in quoted-printable: the line that goes on.
    soft: Option<Vec<u8>>,
    is_quoted_printable: bool,
    line: u64,
}

impl Reader {
    /// Takes the next line, without its line break, and puts the entries behind `out` that are complete with that.
    pub fn line(&mut self, line: &[u8], out: &mut Vec<Entry>) {
        self.line += 1;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        self.is_quoted_printable |= super::scan::contains(line, b"=3D");
        let soft = self.soft.take();
        if !self.is_quoted_printable {
            if let Some(held) = soft {
                self.whole(&[&held[..], b"="].concat(), out);
            }
            // Only the next line tells whether a sign at the end is a soft line break.
            match line.strip_suffix(b"=") {
                Some(begun) => self.soft = Some(begun.to_vec()),
                None => self.whole(line, out),
            }
            return;
        }
        let mut joined = soft.unwrap_or_default();
        match line.strip_suffix(b"=") {
            Some(begun) if joined.len() + begun.len() < LONGEST => {
                joined.extend_from_slice(begun);
                self.soft = Some(joined);
            }
            _ => {
                joined.extend_from_slice(line);
                self.whole(&mark::decode_quoted_printable(&joined), out);
            }
        }
    }

    fn whole(&mut self, line: &[u8], out: &mut Vec<Entry>) {
        let line = mark::clean(line);
        let unquoted = mark::unquote(&line);
        match self.json.line(&line, unquoted) {
            json::Taken::More => return,
            json::Taken::Value(value) => {
                self.flush(out);
                let mut messages = Vec::new();
                json::messages(&value, &mut messages);
                return messages.into_iter().for_each(|message| self.message(message, out));
            }
            // Lines that began as JSON and are none after all.
            json::Taken::Not(lines) => lines.iter().for_each(|line| self.text(line, out)),
        }
        match self.fields.line(unquoted) {
            field::Taken::More => {}
            field::Taken::Message(message) => {
                self.flush(out);
                self.message(message, out);
                self.text(&line, out);
            }
            field::Taken::Not => self.text(&line, out),
        }
    }

    /// The last entries, when no more lines come.
    pub fn finish(&mut self, out: &mut Vec<Entry>) {
        if let Some(soft) = self.soft.take() {
            self.whole(&[&soft[..], b"="].concat(), out);
        }
        self.json.finish().iter().for_each(|line| self.text(line, out));
        if let Some(message) = self.fields.finish() {
            self.message(message, out);
        }
        self.flush(out);
    }

    fn flush(&mut self, out: &mut Vec<Entry>) {
        out.extend(self.pending.take().map(|pending| pending.entry));
    }

    /// What JSON or fields say.
    fn message(&mut self, message: json::Message, out: &mut Vec<Entry>) {
        let json::Message { text, time, source } = message;
        match source {
            json::Source::Kernel { is_proven } => {
                out.push(Entry { text, time, origin: Origin::Kernel, is_proven, line: self.line });
            }
            json::Source::Program(name) => {
                let origin = Origin::Program(name);
                out.push(Entry { text, time, origin, is_proven: false, line: self.line });
            }
            json::Source::Unknown => {
                for line in text.split(|&byte| byte == b'\n') {
                    let line = mark::clean(line);
                    let mut peeled = prefix::peel(mark::unquote(&line));
                    peeled.time.or(time.clone());
                    peeled.is_proven = false;
                    let end = End { had_space: false, length: line.len() };
                    self.peeled(peeled, end, out);
                }
                self.flush(out);
            }
        }
    }

    /// A line of text.
    fn text(&mut self, line: &[u8], out: &mut Vec<Entry>) {
        let unquoted = mark::unquote(line);
        if unquoted.is_empty() {
            // A blank line ends nothing that still needs more.
            return;
        }
        // JSON that was cut: who wrote what is in it may be in the part that is lost.
        let mut peeled = if unquoted.starts_with(b"{\"") {
            Peeled { text: unquoted.to_owned(), ..Peeled::default() }
        } else {
            prefix::peel(unquoted)
        };
        peeled.is_proven &= unquoted.as_ptr() == line.as_ptr();
        let end = End { had_space: line.last().is_some_and(u8::is_ascii_whitespace), length: line.len() };
        // `/dev/kmsg` puts ` KEY=value` lines behind a record.
        if line.starts_with(b" ") && is_key(unquoted) && self.pending.as_ref().is_some_and(|it| it.entry.is_proven) {
            return self.flush(out);
        }
        // The journal indents the rest of a message by the length of what stands before it.
        let is_indented = line.starts_with(b"      ") && !peeled.has_prefix && !kernel::starts(&peeled.text);
        if is_indented && let Some(pending) = self.pending.as_mut().filter(|it| it.has_prefix) {
            if pending.entry.text.len() < LONGEST {
                pending.entry.text.push(b'\n');
                pending.entry.text.extend_from_slice(&peeled.text);
            }
            return;
        }
        self.peeled(peeled, end, out);
    }

    fn peeled(&mut self, peeled: Peeled, end: End, out: &mut Vec<Entry>) {
        if let Some(pending) = &mut self.pending {
            let is_room = pending.entry.text.len() + peeled.text.len() < LONGEST;
            if peeled.is_continued && is_room {
                pending.entry.text.extend_from_slice(&peeled.text);
                pending.end = end;
                return;
            }
            let goes_on = !peeled.has_prefix
                && pending.entry.origin == Origin::Kernel
                && (pending.has_prefix && pending.entry.text.is_empty()
                    || kernel::wants_more(&pending.entry.text, &peeled.text)
                        && kernel::read_all(&peeled.text).is_empty());
            if goes_on && is_room {
                // A mailer breaks at a space before column 79, a terminal where it is full.
                let End { had_space, length } = pending.end;
                kernel::glue(&mut pending.entry.text, had_space, length < 79, &peeled.text);
                pending.end = end;
                return;
            }
        }
        self.flush(out);
        let Peeled { text, time, origin, is_proven, has_prefix, .. } = peeled;
        let entry = Entry { text, time, origin, is_proven, line: self.line };
        self.pending = Some(Pending { entry, has_prefix, end });
    }
}

/// ` SUBSYSTEM=memory`
fn is_key(text: &[u8]) -> bool {
    let name = text.iter().take_while(|byte| byte.is_ascii_uppercase() || **byte == b'_').count();
    name > 0 && text.get(name) == Some(&b'=')
}

/// All entries of a saved log that is in memory.
#[must_use]
pub fn all(log: &[u8]) -> Vec<Entry> {
    let mut lines = Lines::new(log);
    let mut reader = Reader::default();
    let mut entries = Vec::new();
    while let Ok(Some(line)) = lines.read() {
        reader.line(line, &mut entries);
    }
    reader.finish(&mut entries);
    entries
}

/// Text for people: bytes that are no UTF-8 are shown as U+FFFD.
pub(super) fn lossy(text: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(text)
}

#[cfg(test)]
#[path = "input_tests.rs"]
mod tests;
