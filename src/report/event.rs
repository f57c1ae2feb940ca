//! One time that memory ran out, with all that the kernel says about it.

use std::path::PathBuf;

use super::kernel::{
    Buddies, Constraint, Counter, CounterKind, Invoked, Killed, Layout, Reach, Stat, Summary, Task, Zone,
};
use super::time::Time;

/// A shortage of memory and what the kernel did about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a line that was there or not")]
pub struct OomEvent {
    /// When it began, by its first line.
    pub time: Time,
    /// The number of its first line in the log; 0 where it has none.
    pub line: u64,
    /// Who asked for memory; the kernel leaves that line out when there are many.
    pub invoked: Option<Invoked>,
    /// The kernel's release, as `6.1.0-27-amd64`.
    pub release: Option<String>,
    /// How far the shortage reached, by the message in front of the kills.
    pub reach: Option<Reach>,
    /// The line that names the cgroups and the victim, since 5.0.
    pub summary: Option<Summary>,
    /// The cgroup that ran out.
    pub limit_path: Option<PathBuf>,
    /// The first victim's cgroup.
    pub victim_path: Option<PathBuf>,
    /// The counters of the cgroup that ran out.
    pub counters: Vec<Counter>,
    /// What its memory was used for, in bytes.
    pub stats: Vec<(Stat, u64)>,
    /// The cgroup that was killed as a group.
    pub group: Option<PathBuf>,
    /// Who was chosen, before 5.1: it or a child of it was killed. The score is in thousandths.
    pub chosen: Option<(u32, Vec<u8>, Option<u64>)>,
    /// What was killed, in the order of the lines, each process once.
    pub killed: Vec<Killed>,
    /// What was chosen to be killed and was exiting already.
    pub exiting: Vec<(u32, Vec<u8>)>,
    /// Whose memory could not be taken back in time.
    pub unreaped: Vec<u32>,
    /// Whether there was nothing to kill.
    pub nothing_killable: bool,
    /// Whether the kernel panicked.
    pub panicked: bool,
    /// `vm.panic_on_oom`, where that is why it panicked.
    pub panic_on_oom: Option<u8>,
    /// Whether a person asked for it (sysrq-f).
    pub manual: bool,
    /// Whether the call trace is one of a cgroup's limit.
    pub has_cgroup_frame: bool,
    /// What filled the machine, by the names of `Mem-Info`, in pages.
    pub pages: Vec<(&'static str, u64)>,
    /// Its zones.
    pub zones: Vec<Zone>,
    /// The free blocks of its zones.
    pub buddies: Vec<Buddies>,
    /// Free swap and all swap, in bytes.
    pub swap: (Option<u64>, Option<u64>),
    /// What hugetlb holds, in bytes.
    pub hugetlb: u64,
    /// The caches of slab that the kernel lists as large, in bytes.
    pub slabs: Vec<(String, u64)>,
    /// The columns of the list of tasks.
    pub layout: Option<Layout>,
    /// The list of tasks.
    pub tasks: Vec<Task>,
    /// Whether the log ends, or goes on with something else, before it says what was killed.
    pub is_cut: bool,
    /// The order of a page allocation that failed, with which nothing is killed.
    pub failed_order: Option<i64>,
    /// Whether the form of the log proves that the kernel wrote all of the lines.
    pub is_proven: bool,
}

impl OomEvent {
    /// The counter that reached its limit, and the first one where none tells.
    #[must_use]
    pub fn counter(&self) -> Option<&Counter> {
        // A charge is refused when a whole batch of pages does not fit; the counter then stands a little below.
        let is_full = |it: &&Counter| {
            it.kind != CounterKind::Swap && it.limit.is_some_and(|limit| it.used.saturating_add(512 << 10) >= limit)
        };
        let full = || self.counters.iter().filter(is_full);
        full().find(|it| it.hits > 0).or_else(|| full().next()).or_else(|| self.counter_of(CounterKind::Memory))
    }

    fn counter_of(&self, kind: CounterKind) -> Option<&Counter> {
        self.counters.iter().find(|it| it.kind == kind)
    }

    /// What was charged to the cgroup that ran out, in bytes.
    #[must_use]
    pub fn used(&self) -> Option<u64> {
        self.counter().map(|it| it.used)
    }

    /// Its limit in bytes.
    #[must_use]
    pub fn limit(&self) -> Option<u64> {
        self.counter().and_then(|it| it.limit)
    }

    /// A statistic of it, in bytes.
    #[must_use]
    pub fn stat(&self, stat: Stat) -> Option<u64> {
        let mut values = self.stats.iter().filter(|(other, _)| *other == stat).map(|(_, value)| *value);
        let first = values.next()?;
        Some(values.fold(first, u64::saturating_add))
    }

    /// A count of `Mem-Info`, in bytes.
    #[must_use]
    pub fn bytes(&self, name: &str) -> Option<u64> {
        let pages = self.pages.iter().find(|(other, _)| *other == name)?.1;
        Some(pages.saturating_mul(self.page()))
    }

    /// The size of a page: what the smallest free blocks have, or what the list of tasks and the kill have in common.
    #[must_use]
    pub fn page(&self) -> u64 {
        if let Some(buddies) = self.buddies.first() {
            return buddies.page;
        }
        let same = self.killed.iter().find_map(|killed| {
            let task = self.tasks.iter().find(|task| task.pid == killed.pid)?;
            killed.sizes?.virtual_size.checked_div(task.virtual_size())
        });
        same.filter(|page| page.is_power_of_two() && (4096..=65536).contains(page)).unwrap_or(4096)
    }

    /// Which memory the request was limited to.
    #[must_use]
    pub fn constraint(&self) -> Option<Constraint> {
        self.summary.as_ref().map(|it| it.constraint)
    }

    /// Whether it tells what the kernel did, and not only that memory was short.
    pub(super) fn is_worth_telling(&self) -> bool {
        self.has_ended()
            || self.panicked
            || self.chosen.is_some()
            || self.group.is_some()
            || self.summary.is_some()
            || self.victim_path.is_some()
    }

    /// Whether the kernel has done what it could: all that it says about the shortage comes before, but for groups.
    pub(super) fn has_ended(&self) -> bool {
        !self.killed.is_empty() || self.nothing_killable || !self.exiting.is_empty()
    }

    /// Whether numbers or the name of a cgroup at its limit are there.
    pub(super) fn usage_is_told(&self) -> bool {
        !self.counters.is_empty() || self.limit_path.is_some()
    }

    /// Whether no line says yet what was done.
    pub(super) fn lacks_kill(&self) -> bool {
        self.killed.is_empty() && self.exiting.is_empty() && !self.nothing_killable && !self.panicked
    }

    /// Whether PID 1 is among the victims, which the kernel panics for.
    #[must_use]
    pub fn killed_init(&self) -> bool {
        self.killed.iter().any(|it| it.pid == 1)
    }
}
