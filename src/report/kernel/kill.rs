//! The lines of `oom_kill_process()` and what surrounds it: who asked, who was chosen, what was killed.

use super::super::scan::{contains, integer, last_value, pid, positions, rsplit, split};
use super::{Line, NAME};

/// How far the shortage reached, by the message in front of a kill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// `Memory cgroup out of memory`
    Cgroup,
    /// `Out of memory`
    Machine,
    /// `Out of memory (oom_kill_allocating_task)`
    AllocatingTask,
}

/// Who asked for the memory that was not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoked {
    /// The name of the process.
    pub name: Vec<u8>,
    /// The logarithm of how many pages; -1 for sysrq.
    pub order: i64,
    /// Whether it asked for nothing (`gfp_mask=0x0()`): a page fault whose request failed elsewhere, before 5.16.
    pub is_leftover: bool,
    /// Its `oom_score_adj`.
    pub score: Option<i16>,
}

/// A process that was killed. Sizes are bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Killed {
    /// Its id.
    pub pid: u32,
    /// Its name.
    pub name: Vec<u8>,
    /// What it held; `None` where no line says so.
    pub sizes: Option<Sizes>,
    /// Its user's id.
    pub user: Option<u32>,
    /// Its `oom_score_adj`.
    pub score: Option<i16>,
}

/// What a process held when it was killed, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Its address space.
    pub virtual_size: u64,
    /// Anonymous memory that was resident.
    pub anonymous: u64,
    /// Pages of files that were resident.
    pub file: u64,
    /// tmpfs and shared memory that was resident.
    pub shared: u64,
    /// Its page tables, since 5.4.
    pub page_tables: Option<u64>,
}

impl Sizes {
    /// All that was resident.
    #[must_use]
    pub fn resident(&self) -> u64 {
        self.anonymous.saturating_add(self.file).saturating_add(self.shared)
    }
}

pub(super) fn read(text: &[u8]) -> Option<Line> {
    invoked(text)
        .or_else(|| chosen(text))
        .or_else(|| killed(text))
        .or_else(|| exiting(text))
        .or_else(|| unreaped(text))
        .or_else(|| {
            let end = b" are going to be killed due to memory.oom.group set";
            let path = text.strip_prefix(b"Tasks in ")?.strip_suffix(end)?;
            Some(Line::Group(super::cgroup::path(path)))
        })
}

const INVOKED: &[u8] = b" invoked oom-killer: ";

/// Whether a text begins with a name and `invoked oom-killer`.
pub(super) fn invoked_within_name(text: &[u8]) -> bool {
    let head = &text[..text.len().min(NAME + INVOKED.len())];
    contains(head, INVOKED)
}

fn invoked(text: &[u8]) -> Option<Line> {
    let (name, rest) = split(text, INVOKED)?;
    if name.len() > NAME {
        return None;
    }
    let score = last_value(rest, b"oom_score_adj=").and_then(|score| i16::try_from(score).ok());
    let order = last_value(rest, b"order=").unwrap_or(0);
    let is_leftover = rest.starts_with(b"gfp_mask=0x0(");
    Some(Line::Invoked(Invoked { name: name.to_owned(), order, is_leftover, score }))
}

/// The message before a kill, and what follows it.
fn reach(text: &[u8]) -> (Option<Reach>, &[u8]) {
    let messages = [
        (&b"Memory cgroup out of memory: "[..], Reach::Cgroup),
        (b"Out of memory: ", Reach::Machine),
        (b"Out of memory (oom_kill_allocating_task): ", Reach::AllocatingTask),
    ];
    let found = messages.into_iter().find_map(|(words, reach)| Some((Some(reach), text.strip_prefix(words)?)));
    found.unwrap_or((None, text))
}

/// `P (NAME) score S or sacrifice child`, the end of which a paste may have lost.
fn chosen(text: &[u8]) -> Option<Line> {
    let (reach, rest) = reach(text);
    let (number, rest) = split(rest.strip_prefix(b"Kill process ")?, b" (")?;
    let pid = pid(number)?;
    let (name, end) = rsplit(rest, b") score ").or_else(|| rsplit(rest, b")")).unwrap_or((rest, b""));
    let score = super::super::scan::leading(end).and_then(|(score, _)| u64::try_from(score).ok());
    Some(Line::Chosen { reach, pid, name: name[..name.len().min(NAME)].to_owned(), score })
}

/// `P (NAME) total-vm:…`; el7 has `P (NAME), UID 0, total-vm:…`, el6 `P, UID 0, (NAME) total-vm:…`. The sizes may have
/// been cut off, and even the name.
fn killed(text: &[u8]) -> Option<Line> {
    let (reach, rest) = reach(text);
    let rest = rest.strip_prefix(b"Killed process ")?;
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = rest.split_at(count);
    let pid = pid(number)?;
    let (mut user, rest) = match rest.strip_prefix(b", UID ").and_then(|rest| split(rest, b", ")) {
        Some((user, rest)) => (integer(user).and_then(|user| u32::try_from(user).ok()), rest),
        None => (None, rest.trim_ascii_start()),
    };
    // A number without anything behind it may have lost its end.
    let rest = rest.strip_prefix(b"(")?;
    let Some(at) = positions(rest, b" total-vm:").last() else {
        let (name, _) = rsplit(rest, b")").unwrap_or((rest, b""));
        let name = name[..name.len().min(NAME)].to_owned();
        return Some(Line::Killed(reach, Killed { pid, name, user, ..Killed::default() }));
    };
    let (mut name, sizes) = rest.split_at(at);
    if let Some((before, id)) = name.strip_suffix(b",").and_then(|name| rsplit(name, b"), UID ")) {
        (name, user) = (before, integer(id).and_then(|user| u32::try_from(user).ok()));
    } else {
        name = name.strip_suffix(b")").unwrap_or(name);
    }
    let kib =
        |key: &[u8]| last_value(sizes, key).and_then(|kib| u64::try_from(kib).ok()).map(|kib| kib.saturating_mul(1024));
    // Spelt `UID:` and `UID: ` in different versions.
    let user = user.or_else(|| last_value(sizes, b"UID:").and_then(|user| u32::try_from(user).ok()));
    let score = last_value(sizes, b"oom_score_adj:").and_then(|score| i16::try_from(score).ok());
    let sizes = Sizes {
        virtual_size: kib(b"total-vm:").unwrap_or(0),
        anonymous: kib(b"anon-rss:").unwrap_or(0),
        file: kib(b"file-rss:").unwrap_or(0),
        shared: kib(b"shmem-rss:").unwrap_or(0),
        page_tables: kib(b"pgtables:"),
    };
    Some(Line::Killed(reach, Killed { pid, name: name.to_owned(), sizes: Some(sizes), user, score }))
}

fn exiting(text: &[u8]) -> Option<Line> {
    let (reach, rest) = reach(text);
    let (rest, _) = rsplit(rest.strip_prefix(b"OOM victim ")?, b") is already exiting")?;
    let (number, name) = split(rest, b" (")?;
    Some(Line::Exiting { pid: pid(number)?, name: name.to_owned(), reach })
}

fn unreaped(text: &[u8]) -> Option<Line> {
    let rest = text.strip_prefix(b"oom_reaper: unable to reap pid:")?;
    super::super::scan::leading(rest).and_then(|(pid, _)| u32::try_from(pid).ok()).map(Line::Unreaped)
}
