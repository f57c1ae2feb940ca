//! What single lines of the kernel say about running out of memory: `mm/oom_kill.c`, `mm/memcontrol.c` and
//! `mm/show_mem.c` (before 6.4 `mm/page_alloc.c`) of 3.10 to 6.18.
//!
//! Names of processes may hold anything, commas, parentheses and line breaks included, so every line is read from both
//! ends towards the name.

mod cgroup;
mod kill;
mod memory;
mod summary;
mod tasks;
mod wrap;

use std::path::PathBuf;

pub use cgroup::{Counter, CounterKind, Stat};
pub use kill::{Invoked, Killed, Reach};
pub use memory::{Buddies, Zone};
pub use summary::{Constraint, Summary};
pub use tasks::{Layout, Task};
pub(super) use wrap::{glue, wants_more};

use super::scan::{contains, split};

/// The longest name of a process, in bytes.
pub(super) const NAME: usize = 15;

/// The longest line that is read, in bytes. The kernel's have less than 1024; what is longer would cost more time than
/// it is worth.
const LONGEST: usize = 8 * 1024;

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// `NAME invoked oom-killer: …`
    Invoked(Invoked),
    /// `NAME: page allocation failure: order:O, …`: memory was short and nothing is killed.
    FailedAllocation(i64),
    /// `CPU: 1 PID: 2 Comm: NAME … RELEASE #1`: which kernel it is.
    Release(String),
    /// A frame of the call trace that only a cgroup's limit leads to.
    CgroupFrame,
    /// `memory: usage …kB, limit …kB, failcnt …`, and the other counters of a cgroup.
    Usage(Counter),
    /// `Memory cgroup stats for P:`, and before 5.0 `Memory limit reached of cgroup P`: which cgroup ran out.
    Limited(PathBuf),
    /// `Memory cgroup stats for P: cache:…KB … shmem:…KB`, before 5.3: one for each cgroup of the tree that ran out,
    /// beginning at its top, each without what is below.
    Member {
        /// The cgroup.
        path: PathBuf,
        /// What is charged to it.
        stats: Vec<(Stat, u64)>,
    },
    /// `shmem N` and the like, of the statistics of the cgroup that ran out, in bytes.
    Stats(Vec<(Stat, u64)>),
    /// `oom-kill:constraint=…`, since 5.0.
    Summary(Summary),
    /// `Task in A killed as a result of limit of B`, before 5.0. A pasted line may have lost its end.
    LimitOf {
        /// The cgroup that ran out.
        limit: PathBuf,
        /// The victim's.
        task: PathBuf,
    },
    /// `… Kill process P (NAME) score S or sacrifice child`, before 5.1: what was chosen, not yet what dies.
    Chosen {
        /// How far the shortage reached; `None` where the words in front are lost.
        reach: Option<Reach>,
        /// Who was chosen.
        pid: u32,
        /// Its name.
        name: Vec<u8>,
        /// In thousandths of what may be used in all.
        score: Option<u64>,
    },
    /// `… Killed process P (NAME) …`
    Killed(Option<Reach>, Killed),
    /// `OOM victim P (NAME) is already exiting. Skip killing the task`
    Exiting {
        /// The process.
        pid: u32,
        /// Its name.
        name: Vec<u8>,
        /// How far the shortage reached.
        reach: Option<Reach>,
    },
    /// `Tasks in P are going to be killed due to memory.oom.group set`
    Group(PathBuf),
    /// `oom_reaper: unable to reap pid:P (NAME)`
    Unreaped(u32),
    /// `Out of memory and no killable processes...`
    NothingKillable,
    /// `Kernel panic - not syncing: …` after running out of memory.
    Panic,
    /// `Kernel panic - not syncing: Out of memory: … panic_on_oom is enabled`, with the value of that sysctl.
    PanicOnOom(u8),
    /// `Kernel panic - not syncing: Attempted to kill init!`
    InitDied,
    /// `sysrq: Manual OOM execution`
    Manual,
    /// Counts of pages below `Mem-Info:`.
    Pages(Vec<(&'static str, u64)>),
    /// `Node 0 Normal free:…kB min:…kB …`
    Zone(Zone),
    /// `Node 0 Normal: 1*4kB 0*8kB … = 4kB`
    Buddies(Buddies),
    /// `Free swap  = …kB` and `Total swap = …kB`, in bytes.
    Swap(&'static str, u64),
    /// `Node 0 hugepages_total=…`: what hugetlb holds on a node, in bytes.
    Hugetlb(u64),
    /// A line of `Unreclaimable slab info:`: a cache and what it uses, in bytes.
    Slab(String, u64),
    /// The titles of the list of tasks.
    TaskTitles(Layout),
    /// A line of the list of tasks.
    Task(Task),
}

impl Line {
    /// Whether it is about running out of memory, and not only written along with that.
    pub(super) fn is_about_oom(&self) -> bool {
        !matches!(
            self,
            Line::Release(_)
                | Line::Stats(_)
                | Line::Pages(_)
                | Line::Zone(_)
                | Line::Buddies(_)
                | Line::Swap(..)
                | Line::Hugetlb(_)
                | Line::Slab(..)
                | Line::Task(_)
                | Line::InitDied
                | Line::Unreaped(_)
                | Line::CgroupFrame
        )
    }
}

/// Reads a line; `None` for one that says nothing about memory.
#[must_use]
pub fn read(text: &[u8]) -> Option<Line> {
    if text.len() > LONGEST {
        return None;
    }
    let text = text.trim_ascii_end();
    if let Some(rest) = text.strip_prefix(b"oom-kill:constraint=") {
        return summary::read(rest).map(Line::Summary);
    }
    kill::read(text)
        .or_else(|| cgroup::read(text))
        .or_else(|| fixed(text))
        .or_else(|| tasks::read(text))
        .or_else(|| memory::read(text))
        .or_else(|| frame(text))
}

/// Reads a record that may have many lines: a name with a line break is one, statistics are many.
#[must_use]
pub fn read_all(text: &[u8]) -> Vec<Line> {
    if !text.contains(&b'\n') {
        return read(text).into_iter().collect();
    }
    let whole = if text.starts_with(b"Memory cgroup stats for ") { None } else { read(text) };
    if let Some(whole) = whole {
        return vec![whole];
    }
    text.split(|&byte| byte == b'\n').filter_map(read).collect()
}

/// What a record of the kill begins with, whatever stands before it.
pub(super) fn starts(text: &[u8]) -> bool {
    const STARTS: [&[u8]; 19] = [
        b"oom-kill:constraint=",
        b"Out of memory: Kill",
        b"Out of memory (oom_kill_allocating_task)",
        b"Out of memory and no killable",
        b"Memory cgroup out of memory",
        b"Killed process ",
        b"Kill process ",
        b"Task in /",
        b"Tasks in /",
        b"Memory cgroup stats for",
        b"Memory limit reached of cgroup",
        b"memory: usage ",
        b"Kernel panic - not syncing: Out of memory",
        b"Kernel panic - not syncing: System is deadlocked on memory",
        b"Kernel panic - not syncing: Attempted to kill init",
        b"Tasks state (memory values in pages)",
        b"oom_reaper: ",
        b"sysrq: Manual OOM",
        b"SysRq : Manual OOM",
    ];
    STARTS.iter().any(|start| text.starts_with(start)) || kill::invoked_within_name(text)
}

/// Whether a line that was not understood speaks of running out of memory.
pub(super) fn mentions(text: &[u8]) -> bool {
    let has = |words: &[u8]| contains(text, words);
    has(b"ut of memory") || has(b"oom-kill") || has(b"oom_kill") || has(b"OOM kill") || has(b"OOM-kill")
}

fn fixed(text: &[u8]) -> Option<Line> {
    if let Some(why) = text.strip_prefix(b"Kernel panic - not syncing: ") {
        return match why {
            _ if contains(why, b"compulsory panic_on_oom is enabled") => Some(Line::PanicOnOom(2)),
            _ if contains(why, b"system-wide panic_on_oom is enabled") => Some(Line::PanicOnOom(1)),
            _ if why.starts_with(b"System is deadlocked on memory") || why.starts_with(b"Out of memory") => {
                Some(Line::Panic)
            }
            _ if why.starts_with(b"Attempted to kill init!") => Some(Line::InitDied),
            _ => None,
        };
    }
    if text.starts_with(b"Out of memory and no killable processes") {
        return Some(Line::NothingKillable);
    }
    let manual = text.strip_prefix(b"sysrq: ").unwrap_or(text);
    let manual = manual.strip_prefix(b"SysRq : ").unwrap_or(manual);
    if manual.starts_with(b"Manual OOM execution") && manual.len() < text.len() {
        return Some(Line::Manual);
    }
    None
}

/// Frames that lead to a cgroup's limit, and the line above a call trace that names the kernel.
fn frame(text: &[u8]) -> Option<Line> {
    if let Some(rest) = text.strip_prefix(b"CPU: ").or_else(|| text.strip_prefix(b"Pid: ")) {
        let (_, rest) = split(rest, b"omm: ")?;
        // `… Tainted: G  W  6.8.0-1 #33`: the word before the build number.
        let words: Vec<&[u8]> = rest.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
        let at = words.iter().rposition(|word| word.starts_with(b"#"))?;
        let release = words.get(at.checked_sub(1)?)?;
        let is_release = release.first().is_some_and(u8::is_ascii_digit) && release.contains(&b'.');
        return is_release.then(|| Line::Release(String::from_utf8_lossy(release).into_owned()));
    }
    if let Some((_, rest)) = split(text, b": page allocation failure: order:") {
        return super::scan::leading(rest).map(|(order, _)| Line::FailedAllocation(order));
    }
    // The functions of a call trace: ` mem_cgroup_out_of_memory+0xc2/0xd0`, with an address or a question mark before.
    let is_frame = contains(text, b"mem_cgroup_out_of_memory+0x") || contains(text, b"mem_cgroup_oom_synchronize+0x");
    is_frame.then_some(Line::CgroupFrame)
}

#[cfg(test)]
mod tests;
