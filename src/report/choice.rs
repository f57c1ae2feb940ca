//! Why this victim: the list of tasks, by what each used and by what the kernel made of that.

use super::event::OomEvent;
use super::kernel::{CounterKind, Layout, Task};

/// What a process used, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// Its id.
    pub pid: u32,
    /// Its name.
    pub name: Vec<u8>,
    /// What was resident.
    pub resident: u64,
    /// What was in swap.
    pub swap: u64,
    /// Its page tables.
    pub page_tables: u64,
    /// Its `oom_score_adj`.
    pub score: Option<i16>,
}

impl Usage {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.resident.saturating_add(self.swap).saturating_add(self.page_tables)
    }

    /// The kernel's badness, in bytes: what it used, and a thousandth of what may be used in all for each point of
    /// `oom_score_adj`.
    #[must_use]
    pub fn badness(&self, of: u64) -> i128 {
        i128::from(self.total()) + i128::from(self.score.unwrap_or(0)) * i128::from(of / 1000)
    }
}

/// Why a process was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The victim.
    pub victim: Usage,
    /// Which process came next, among those in the log.
    pub next: Option<Usage>,
    /// What may be used in all, in bytes, where the log tells; badness depends on it.
    pub of: Option<u64>,
}

fn usage(event: &OomEvent, task: &Task, page: u64) -> Usage {
    let layout: Layout = event.layout.filter(|it| fits(*it, task)).unwrap_or_else(|| task.own_layout());
    Usage {
        pid: task.pid,
        name: task.name.clone(),
        resident: task.resident().saturating_mul(page),
        swap: task.swap(layout).saturating_mul(page),
        page_tables: task.page_tables(layout, page),
        score: task.score(layout),
    }
}

/// Whether a line has the columns of a layout: `Tasks state` says less than the titles, which may be lost.
fn fits(layout: Layout, task: &Task) -> bool {
    let own = task.own_layout();
    match layout {
        Layout::Processor | Layout::PageTables => task.numbers.len() == 7,
        Layout::Bytes => own == Layout::Bytes,
        Layout::PageTablesAndMiddle | Layout::Split => own == layout,
    }
}

/// The processes of the list that used the most.
#[must_use]
pub fn largest(event: &OomEvent, count: usize) -> Vec<Usage> {
    let page = event.page();
    let mut all: Vec<Usage> = event.tasks.iter().map(|task| usage(event, task, page)).collect();
    all.sort_by(|one, other| other.total().cmp(&one.total()).then(one.pid.cmp(&other.pid)));
    all.dedup_by_key(|it| it.pid);
    all.truncate(count);
    all
}

/// What may be used in all: the machine's memory and swap, or the cgroup's limits.
fn total(event: &OomEvent) -> Option<u64> {
    if event.limit_path.is_none() && event.counters.is_empty() {
        let ram = event.bytes("ram")?.saturating_sub(event.bytes("reserved").unwrap_or(0));
        return Some(ram.saturating_add(event.swap.1?));
    }
    let limit = |kind| event.counters.iter().find(|it| it.kind == kind).map(|it| it.limit);
    let memory = limit(CounterKind::Memory)??;
    if let Some(both) = limit(CounterKind::MemoryAndSwap) {
        // Without a limit on both it is the machine's swap that counts, which the log does not tell here.
        return both;
    }
    Some(memory.saturating_add(limit(CounterKind::Swap)??))
}

/// Why the first victim was chosen, where the log has it in the list of tasks.
#[must_use]
pub fn of(event: &OomEvent) -> Option<Choice> {
    let page = event.page();
    // Before 5.1 a child may have died in place of the one that was chosen.
    let pid = event.chosen.as_ref().map(|it| it.0).or_else(|| event.killed.first().map(|it| it.pid))?;
    let all: Vec<Usage> = event.tasks.iter().map(|task| usage(event, task, page)).collect();
    let victim = all.iter().find(|it| it.pid == pid)?.clone();
    let of = total(event);
    let killable = all.into_iter().filter(|it| it.pid != pid && it.score != Some(-1000));
    let next = killable.max_by_key(|it| it.badness(of.unwrap_or(0)));
    Some(Choice { victim, next, of })
}

#[cfg(test)]
#[path = "choice_tests.rs"]
mod tests;
