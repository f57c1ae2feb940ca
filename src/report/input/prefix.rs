//! What stands before the kernel's words: priorities, times, hosts and identifiers, in any order that programs write
//! them, and behind what is not known at all.

use super::super::kernel;
use super::super::scan::{contains, leading, split};
use super::super::time::Time;
use super::element::{bracket, element, facility, kernel_name, kmsg};
use super::mark::unescape;

/// Who wrote a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Origin {
    /// The kernel, or nothing says who.
    #[default]
    Kernel,
    /// A program, by its name in the log; empty where only its facility is known.
    Program(Vec<u8>),
}

/// A line without what stood before its text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is something that stood there or not")]
pub(super) struct Peeled {
    pub(super) text: Vec<u8>,
    pub(super) time: Time,
    pub(super) origin: Origin,
    /// Whether the form says that the kernel wrote it (facility 0).
    pub(super) is_proven: bool,
    /// Whether anything that begins a line of a log stood before the text.
    pub(super) has_prefix: bool,
    /// Whether a name, a facility or a clock says that it is the kernel's.
    pub(super) is_kernels: bool,
    /// Whether it goes on with the text of the line before (`/dev/kmsg`).
    pub(super) is_continued: bool,
}

/// How far into a line the kernel's words are looked for, in words.
const WORDS: usize = 64;

/// Takes a line apart.
pub(super) fn peel(line: &[u8]) -> Peeled {
    if let Some(peeled) = kmsg(line) {
        return peeled;
    }
    let mut peeled = Peeled::default();
    let mut rest = line;
    // What was known before something was passed over that is not.
    let mut known: Option<(Peeled, &[u8])> = None;
    let mut is_host = false;
    let may_skip = kernel::mentions(line) || has_kernel_time(line) || has_words(line);
    let mut skipped = 0;
    loop {
        let was_kernels = peeled.is_kernels;
        if let Some(after) = element(rest, &mut peeled, line.len() - rest.len()) {
            rest = after;
            is_host = false;
            // Its name or its clock stands before the kernel's words, whatever stood before that.
            if peeled.is_kernels && !was_kernels || peeled.origin != Origin::Kernel {
                known = None;
            }
            if peeled.origin != Origin::Kernel {
                break;
            }
            continue;
        }
        if let Some(after) = host(rest, &peeled, is_host).filter(|after| is_named(after)) {
            rest = after;
            is_host = true;
            continue;
        }
        if kernel::starts(rest) {
            known = None;
            break;
        }
        if let Some((name, text)) = program(rest, &peeled, is_host).filter(|(_, text)| !is_clocked(text)) {
            peeled.origin = Origin::Program(name.to_owned());
            peeled.has_prefix = true;
            rest = text;
            known = None;
            break;
        }
        if let Some(after) = host(rest, &peeled, is_host) {
            rest = after;
            is_host = true;
            continue;
        }
        if peeled.is_kernels && !may_be_behind(rest) {
            break;
        }
        // Something else: look behind the next word.
        let next = next_word(rest);
        let Some(next) = next.filter(|_| may_skip && skipped < WORDS) else { break };
        known.get_or_insert_with(|| (peeled.clone(), rest));
        skipped += 1;
        rest = next;
    }
    if let Some((at_known, text)) = known {
        peeled = at_known;
        rest = text;
    } else {
        peeled.is_proven &= skipped == 0;
    }
    peeled.text = unescape(rest, false).into_owned();
    peeled
}

/// Whether the kernel's words may stand further on in a text that is the kernel's.
fn may_be_behind(text: &[u8]) -> bool {
    has_words(text) || kernel::mentions(text)
}

/// What is behind the next mark that something may begin behind.
fn next_word(text: &[u8]) -> Option<&[u8]> {
    let is_mark = |(at, byte): (usize, &u8)| match byte {
        b' ' | b'\t' | b'"' | b'\'' | b'`' | b'>' | b'|' => true,
        // `grep -n` has the number of the line before it, `grep -A` with a hyphen.
        b':' | b'-' => matches!(text.get(at + 1), Some(b'[' | b'<')),
        _ => false,
    };
    text.iter().enumerate().position(is_mark).map(|at| &text[at + 1..])
}

fn has_words(line: &[u8]) -> bool {
    contains(line, b"Killed process ")
        || contains(line, b"Tasks in /")
        || contains(line, b"Task in /")
        || contains(line, b"emory: usage ")
        || contains(line, b"Memory cgroup ")
        || contains(line, b"Kernel panic")
        || contains(line, b"Manual OOM")
        || contains(line, b"oom_reaper")
        || contains(line, b"Tasks state")
        || contains(line, b"kern:")
        || contains(line, b"kernel:")
}

/// Whether `[  123.456789]` is anywhere.
fn has_kernel_time(line: &[u8]) -> bool {
    memchr::memchr_iter(b'[', line).any(|at| {
        let inner = line[at + 1..].trim_ascii_start();
        leading(inner).is_some_and(|(_, rest)| {
            rest.first() == Some(&b'.') && rest.get(1..7).is_some_and(|micros| micros.iter().all(u8::is_ascii_digit))
        })
    })
}

/// A host behind a time, and before what else may stand there.
fn host<'a>(rest: &'a [u8], peeled: &Peeled, is_host: bool) -> Option<&'a [u8]> {
    if is_host || peeled.time.is_unknown() {
        return None;
    }
    let (host, after) = split(rest, b" ")?;
    let is_name = !host.is_empty() && host.len() <= 64 && !b":]".contains(host.last()?);
    let is_name =
        is_name && host.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._:".contains(byte) || !byte.is_ascii());
    let goes_on =
        is_named(after) || kernel::starts(after) && !kernel::starts(rest) || program(after, peeled, true).is_some();
    (is_name && goes_on).then_some(after)
}

/// Whether the kernel's clock or a priority is what a text begins with: then it is the kernel's, whoever passed it on.
fn is_clocked(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    text.starts_with(b"<") || text.starts_with(b"[") && has_kernel_time(&text[..text.len().min(40)])
}

/// Whether a text begins with what says that it is the kernel's.
fn is_named(text: &[u8]) -> bool {
    let other = || Peeled { has_prefix: true, ..Peeled::default() };
    kernel_name(text).is_some()
        || text.starts_with(b"[") && bracket(text, &mut other()).is_some()
        || facility(text, &mut other(), 1).is_some()
}

/// `NAME[123]: `, and behind a time on the wall and a host `NAME: ` too, with what stands behind it.
fn program<'a>(rest: &'a [u8], peeled: &Peeled, is_host: bool) -> Option<(&'a [u8], &'a [u8])> {
    let end = rest.iter().take(64).position(|byte| b" [:".contains(byte))?;
    let (name, behind) = rest.split_at(end);
    let is_name =
        !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_./@()+\\".contains(byte));
    if !is_name {
        return None;
    }
    let text = match behind.strip_prefix(b"[") {
        Some(pid) => {
            let (_, after) = leading(pid)?;
            after.strip_prefix(b"]:")?
        }
        None if is_host && peeled.time.wall.is_some() && !peeled.is_kernels => behind.strip_prefix(b": ")?,
        None => return None,
    };
    Some((name, text.strip_prefix(b" ").unwrap_or(text)))
}

#[cfg(test)]
#[path = "prefix_tests.rs"]
mod tests;
