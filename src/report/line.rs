//! What single records of the kernel say about running out of memory (`mm/oom_kill.c`, `mm/memcontrol.c` of 4.19 to
//! 6.x).
//!
//! Names of processes may hold anything, commas, parentheses and line breaks included, so every line is read from both
//! ends towards the name.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::scan::{integer, last_value, positions, rsplit, split};

/// The longest name of a process, in bytes.
const NAME: usize = 15;

/// The longest record that is read, in bytes. The kernel's have less than 1024; what is longer would cost more time
/// than it is worth.
const LONGEST: usize = 8 * 1024;

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// `NAME invoked oom-killer: …`
    Invoked(Invoked),
    /// `memory: usage …kB, limit …kB`, in bytes.
    Usage {
        /// What was charged.
        used: u64,
        /// The limit.
        limit: u64,
    },
    /// `shmem N` of the statistics of the cgroup that ran out, in bytes.
    Shared(u64),
    /// `Memory cgroup stats for P:`, and before 5.0 `Memory limit reached of cgroup P`: which cgroup ran out.
    Limited(PathBuf),
    /// `Memory cgroup stats for P: cache:…KB … shmem:…KB`, before 5.3: one for each cgroup of the tree that ran out,
    /// beginning at its top, each without what is below.
    Member {
        /// The cgroup.
        path: PathBuf,
        /// Its tmpfs and shared memory, in bytes.
        shared: u64,
    },
    /// `oom-kill:constraint=…`, since 5.0.
    Summary(Summary),
    /// `Task in A killed as a result of limit of B`, before 5.0.
    LimitOf {
        /// The cgroup that ran out.
        limit: PathBuf,
        /// The victim's.
        task: PathBuf,
    },
    /// `… Kill process P (NAME) score S or sacrifice child`, before 5.1: what was chosen, not yet what dies.
    Chosen(Reach),
    /// `… Killed process P (NAME) …`
    Killed(Option<Reach>, Killed),
    /// `Tasks in P are going to be killed due to memory.oom.group set`
    Group(PathBuf),
    /// `Out of memory and no killable processes...`
    NothingKillable,
    /// `Kernel panic - not syncing: …` for want of memory.
    Panic,
    /// `Kernel panic - not syncing: Out of memory: … panic_on_oom is enabled`, with the value of that sysctl.
    PanicOnOom(u8),
    /// `sysrq: Manual OOM execution`
    Manual,
}

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
    /// Its score.
    pub score: Option<i16>,
}

/// The line that names cgroups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Which memory the request was limited to.
    pub constraint: Constraint,
    /// The cgroup that ran out; `None` for the machine.
    pub limit: Option<PathBuf>,
    /// The victim's.
    pub task: PathBuf,
    /// The victim.
    pub pid: u32,
}

/// `CONSTRAINT_…`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constraint {
    /// Nothing: all of the machine's memory.
    None,
    /// The nodes of a cpuset.
    Cpuset,
    /// The nodes of a memory policy.
    Policy,
    /// A cgroup's limit.
    Cgroup,
    /// One that is not known here.
    Other,
}

/// A process that was killed. Sizes in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Killed {
    /// Its PID in the first namespace.
    pub pid: u32,
    /// Its name.
    pub name: Vec<u8>,
    /// The address space.
    pub virtual_size: u64,
    /// Anonymous pages in RAM.
    pub anonymous: u64,
    /// Mapped pages of files.
    pub file: u64,
    /// Mapped pages of tmpfs and shared memory.
    pub shared: u64,
    /// Page tables, since 5.4.
    pub page_tables: Option<u64>,
    /// Its user, since 5.3.
    pub user: Option<u32>,
    /// Its score, since 5.4.
    pub score: Option<i16>,
}

/// Reads a record; `None` when it is about something else.
#[must_use]
pub fn read(text: &[u8]) -> Option<Line> {
    if text.len() > LONGEST {
        return None;
    }
    killed(text)
        .or_else(|| text.strip_prefix(b"oom-kill:constraint=").and_then(summary))
        .or_else(|| invoked(text))
        .or_else(|| chosen(text))
        .or_else(|| limit_of(text))
        .or_else(|| {
            let rest = text.strip_prefix(b"Tasks in ")?;
            let end = b" are going to be killed due to memory.oom.group set";
            Some(Line::Group(path(rest.strip_suffix(end)?)))
        })
        .or_else(|| usage(text))
        .or_else(|| limited(text))
        .or_else(|| shared(text))
        .or_else(|| fixed(text))
}

fn fixed(text: &[u8]) -> Option<Line> {
    if let Some(why) = text.strip_prefix(b"Kernel panic - not syncing: ") {
        return match why {
            b"Out of memory: system-wide panic_on_oom is enabled" => Some(Line::PanicOnOom(1)),
            b"Out of memory: compulsory panic_on_oom is enabled" => Some(Line::PanicOnOom(2)),
            _ if why.starts_with(b"System is deadlocked on memory") || why.starts_with(b"Out of memory") => {
                Some(Line::Panic)
            }
            _ => None,
        };
    }
    if text.starts_with(b"Out of memory and no killable processes") {
        return Some(Line::NothingKillable);
    }
    let manual = text == b"sysrq: Manual OOM execution" || text == b"sysrq: SysRq : Manual OOM execution";
    manual.then_some(Line::Manual)
}

fn invoked(text: &[u8]) -> Option<Line> {
    let (name, rest) = split(text, b" invoked oom-killer: ")?;
    if name.len() > NAME {
        return None;
    }
    let score = last_value(rest, b"oom_score_adj=").and_then(|score| i16::try_from(score).ok());
    let order = last_value(rest, b"order=").unwrap_or(0);
    let is_leftover = rest.starts_with(b"gfp_mask=0x0(");
    Some(Line::Invoked(Invoked { name: name.to_owned(), order, is_leftover, score }))
}

fn usage(text: &[u8]) -> Option<Line> {
    let rest = text.strip_prefix(b"memory: usage ")?;
    let (used, rest) = split(rest, b"kB, limit ")?;
    let (limit, _) = split(rest, b"kB")?;
    Some(Line::Usage { used: integer(used)?.saturating_mul(1024), limit: integer(limit)?.saturating_mul(1024) })
}

fn limit_of(text: &[u8]) -> Option<Line> {
    let rest = text.strip_prefix(b"Task in ")?;
    let (task, limit) = split(rest, b" killed as a result of limit of ")?;
    Some(Line::LimitOf { limit: path(limit), task: path(task) })
}

fn limited(text: &[u8]) -> Option<Line> {
    if let Some(limit) = text.strip_prefix(b"Memory limit reached of cgroup ") {
        return Some(Line::Limited(path(limit)));
    }
    let rest = text.strip_prefix(b"Memory cgroup stats for ")?;
    if let Some(limit) = rest.strip_suffix(b":") {
        return Some(Line::Limited(path(limit)));
    }
    let (name, numbers) = rsplit(rest, b": cache:")?;
    let shared = u64::try_from(last_value(numbers, b" shmem:")?).ok()?;
    Some(Line::Member { path: path(name), shared: shared.saturating_mul(1024) })
}

/// `shmem N`: a record of its own, or before 6.4 a line of the one that has all statistics.
fn shared(text: &[u8]) -> Option<Line> {
    let is_it = text.starts_with(b"shmem ") || text.starts_with(b"anon ") || text.starts_with(b"cache ");
    let mut lines = text.split(|&byte| byte == b'\n').filter(|_| is_it);
    lines.find_map(|line| line.strip_prefix(b"shmem ").and_then(integer)).map(Line::Shared)
}

/// `C,nodemask=N,cpuset=P,mems_allowed=M,oom_memcg=A,task_memcg=B,task=NAME,pid=P,uid=U`, or `global_oom` for `oom_memcg=A`.
fn summary(text: &[u8]) -> Option<Line> {
    let (constraint, rest) = split(text, b",")?;
    let constraint = match constraint {
        b"CONSTRAINT_NONE" => Constraint::None,
        b"CONSTRAINT_CPUSET" => Constraint::Cpuset,
        b"CONSTRAINT_MEMORY_POLICY" => Constraint::Policy,
        b"CONSTRAINT_MEMCG" => Constraint::Cgroup,
        _ => Constraint::Other,
    };
    let (rest, _user) = rsplit(rest, b",uid=")?;
    let (rest, pid) = rsplit(rest, b",pid=")?;
    let pid = u32::try_from(integer(pid)?).ok()?;
    let (paths, _name) =
        positions(rest, b",task=").map(|at| (&rest[..at], &rest[at + 6..])).find(|(_, name)| name.len() <= NAME)?;
    // A list of node numbers stands between the cpuset and the cgroups.
    let cgroups = positions(paths, b",mems_allowed=").find_map(|at| {
        let rest = &paths[at + 14..];
        let end = rest.iter().position(|byte| !byte.is_ascii_digit() && !b",-".contains(byte)).unwrap_or(rest.len());
        rest[end..]
            .strip_prefix(b"oom_memcg=")
            .map(Some)
            .or_else(|| rest[end..].strip_prefix(b"global_oom").map(|_| None))
            .map(|limit| (limit, &rest[end..]))
    })?;
    let (limit, task) = match cgroups {
        (Some(both), _) => {
            let splits = || positions(both, b",task_memcg=").map(|at| (&both[..at], &both[at + 12..]));
            // A path may hold anything; but a victim is always below what ran out.
            let fitting = splits().find(|(limit, task)| path(task).starts_with(path(limit)));
            let (limit, task) = fitting.or_else(|| splits().next())?;
            (Some(path(limit)), path(task))
        }
        (None, all) => (None, path(split(all, b",task_memcg=")?.1)),
    };
    Some(Line::Summary(Summary { constraint, limit, task, pid }))
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

fn chosen(text: &[u8]) -> Option<Line> {
    let (reach, rest) = reach(text);
    let (_, end) = rsplit(rest.strip_prefix(b"Kill process ")?, b") score ")?;
    end.ends_with(b" or sacrifice child").then_some(Line::Chosen(reach?))
}

fn killed(text: &[u8]) -> Option<Line> {
    let (reach, rest) = reach(text);
    let (pid, rest) = split(rest.strip_prefix(b"Killed process ")?, b" (")?;
    let pid = u32::try_from(integer(pid)?).ok()?;
    let (name, sizes) = rsplit(rest, b") total-vm:")?;
    let sizes = [b"total-vm:", sizes].concat();
    let kib = |key: &[u8]| {
        last_value(&sizes, key).and_then(|kib| u64::try_from(kib).ok()).map(|kib| kib.saturating_mul(1024))
    };
    // Spelt `UID:` and `UID: ` in different versions.
    let user = last_value(&sizes, b"UID:").and_then(|user| u32::try_from(user).ok());
    let score = last_value(&sizes, b"oom_score_adj:").and_then(|score| i16::try_from(score).ok());
    Some(Line::Killed(
        reach,
        Killed {
            pid,
            name: name.to_owned(),
            virtual_size: kib(b"total-vm:").unwrap_or(0),
            anonymous: kib(b"anon-rss:").unwrap_or(0),
            file: kib(b"file-rss:").unwrap_or(0),
            shared: kib(b"shmem-rss:").unwrap_or(0),
            page_tables: kib(b"pgtables:"),
            user,
            score,
        },
    ))
}

fn path(text: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(text))
}

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;
