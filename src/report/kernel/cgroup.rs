//! The lines about a cgroup that reached a limit: its counters and its statistics.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::super::scan::{integer, last_value, leading, rsplit, split};
use super::Line;

/// Which counter of a cgroup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CounterKind {
    /// `memory.max`, `memory.limit_in_bytes`
    Memory,
    /// v1's `memory.memsw.limit_in_bytes`
    MemoryAndSwap,
    /// v1's `memory.kmem.limit_in_bytes`
    KernelMemory,
    /// v2's `memory.swap.max`
    Swap,
}

/// A counter of a cgroup, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter {
    /// Which.
    pub kind: CounterKind,
    /// What was charged.
    pub used: u64,
    /// The limit; `None` for no limit.
    pub limit: Option<u64>,
    /// How often it was reached.
    pub hits: u64,
}

/// What a cgroup's memory is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stat {
    /// Anonymous memory.
    Anonymous,
    /// Page cache, tmpfs included.
    File,
    /// tmpfs and shared memory.
    Shared,
    /// Page cache that is not yet written.
    Dirty,
    /// Slab that cannot be reclaimed.
    Slab,
    /// Kernel stacks and page tables.
    Kernel,
}

/// The names of the statistics: since 5.3 with a number behind a space, before that with `:…KB`.
const STATS: [(&[u8], Stat); 12] = [
    (b"anon", Stat::Anonymous),
    (b"rss", Stat::Anonymous),
    (b"file", Stat::File),
    (b"cache", Stat::File),
    (b"shmem", Stat::Shared),
    (b"file_dirty", Stat::Dirty),
    (b"dirty", Stat::Dirty),
    (b"file_writeback", Stat::Dirty),
    (b"writeback", Stat::Dirty),
    (b"slab_unreclaimable", Stat::Slab),
    (b"kernel_stack", Stat::Kernel),
    (b"pagetables", Stat::Kernel),
];

fn stat(name: &[u8]) -> Option<Stat> {
    STATS.iter().find(|(other, _)| *other == name).map(|(_, stat)| *stat)
}

/// From this many KiB on a limit is none: `PAGE_COUNTER_MAX` with pages of 64 KiB, `RES_COUNTER_MAX` before 3.19.
const UNLIMITED: u64 = 9_007_199_254_740_000;

pub(super) fn path(text: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(text))
}

pub(super) fn read(text: &[u8]) -> Option<Line> {
    limit_of(text).or_else(|| usage(text)).or_else(|| limited(text)).or_else(|| shown(text))
}

fn usage(text: &[u8]) -> Option<Line> {
    let kinds = [
        (&b"memory: "[..], CounterKind::Memory),
        (b"memory+swap: ", CounterKind::MemoryAndSwap),
        (b"kmem: ", CounterKind::KernelMemory),
        (b"swap: ", CounterKind::Swap),
    ];
    let (kind, rest) = kinds.into_iter().find_map(|(name, kind)| Some((kind, text.strip_prefix(name)?)))?;
    let (used, rest) = split(rest.strip_prefix(b"usage ")?, b"kB, limit ")?;
    let (limit, rest) = leading(rest)?;
    let limit = u64::try_from(limit).ok()?;
    let hits = last_value(rest, b"failcnt ").and_then(|hits| u64::try_from(hits).ok()).unwrap_or(0);
    let limit = (limit < UNLIMITED).then(|| limit.saturating_mul(1024));
    Some(Line::Usage(Counter { kind, used: integer(used)?.saturating_mul(1024), limit, hits }))
}

fn limit_of(text: &[u8]) -> Option<Line> {
    let (task, limit) = split(text.strip_prefix(b"Task in ")?, b" killed as a result of limit of ")?;
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
    let Some((name, numbers)) = rsplit(rest, b": cache:") else {
        // Since 5.3 the numbers are on lines of their own, which may be of the same record.
        let (name, _) = split(rest, b":\n").or_else(|| rsplit(rest, b": "))?;
        return Some(Line::Limited(path(name)));
    };
    let fields = numbers.split(u8::is_ascii_whitespace).map(|field| split(field, b":"));
    let mut stats: Vec<(Stat, u64)> =
        fields.flatten().filter_map(|(name, value)| Some((stat(name)?, kib(value)?))).collect();
    stats.extend(
        leading(numbers).and_then(|(cache, _)| Some((Stat::File, u64::try_from(cache).ok()?.saturating_mul(1024)))),
    );
    Some(Line::Member { path: path(name), stats })
}

/// `…KB` in bytes.
fn kib(value: &[u8]) -> Option<u64> {
    integer(value.strip_suffix(b"KB")?).map(|kib| kib.saturating_mul(1024))
}

/// `shmem N`: a line of its own, or before 6.4 one of the record that has all statistics.
fn shown(text: &[u8]) -> Option<Line> {
    let stats: Vec<(Stat, u64)> = text
        .split(|&byte| byte == b'\n')
        .map(|line| {
            let (name, value) = split(line, b" ")?;
            Some((stat(name), integer(value)?))
        })
        // One line that is none makes it something else.
        .take_while(Option::is_some)
        .flatten()
        .filter_map(|(stat, value)| Some((stat?, value)))
        .collect();
    (!stats.is_empty()).then_some(Line::Stats(stats))
}
