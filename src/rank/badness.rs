//! The kernel's sum: how bad a process is, in pages, and who is exempt (`oom_badness`, `mm/oom_kill.c`).

use std::fmt;

use super::kernel::Kernel;
use super::task::{Memory, Task};
use crate::system::oom_score_adj::OomScoreAdj;

/// What the sum depends on besides the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Whose rules.
    pub kernel: Kernel,
    /// The size of a page in bytes.
    pub page: u64,
    /// What may be used in all, in pages: RAM and swap of the machine, or the limits of the cgroup that runs out.
    pub total: u64,
    /// Whether PID 1 is the init of the whole machine, and not one of a container.
    pub initial_namespace: bool,
}

/// Why the kernel never picks a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exemption {
    /// Its score is -1000.
    Score,
    /// It is the machine's init.
    Init,
    /// It runs in its parent's memory, between vfork and exec.
    Vfork,
    /// It is a thread of the kernel.
    KernelThread,
    /// It has no memory any more.
    Ended,
}

impl fmt::Display for Exemption {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Exemption::Score => "its oom_score_adj is -1000",
            Exemption::Init => "it is the machine's init",
            Exemption::Vfork => "it runs in its parent's memory, between vfork and exec",
            Exemption::KernelThread => "it is a thread of the kernel",
            Exemption::Ended => "it has ended and holds no memory",
        })
    }
}

/// The parts of a badness, in pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Badness {
    /// What the process has in RAM, in swap and in page tables.
    pub usage: u64,
    /// What its score adds; negative for a negative score.
    pub adjustment: i64,
    /// The sum, as the kernel compares it.
    pub points: i64,
}

impl Rules {
    /// Why the process is exempt, if it is.
    #[must_use]
    pub fn exemption(&self, task: &Task) -> Option<Exemption> {
        if task.pid == 1 && self.initial_namespace {
            return Some(Exemption::Init);
        }
        if task.is_kernel_thread {
            return Some(Exemption::KernelThread);
        }
        match task.memory {
            None => Some(Exemption::Ended),
            Some(_) if task.score == OomScoreAdj::MIN => Some(Exemption::Score),
            Some(_) => None,
        }
    }

    /// The badness of a process with that memory and that score.
    #[must_use]
    pub fn badness(&self, memory: &Memory, score: OomScoreAdj) -> Badness {
        let pages = |bytes: u64| bytes / self.page;
        let usage = pages(memory.resident()) + pages(memory.swap) + pages(memory.page_tables);
        // Divided first, as the kernel does it: below 1000 pages a score counts for nothing.
        let thousandth = i64::try_from(self.total / 1000).unwrap_or(i64::MAX);
        let adjustment = thousandth.saturating_mul(i64::from(score.get()));
        let points = i64::try_from(usage).unwrap_or(i64::MAX).saturating_add(adjustment);
        let points = if self.kernel.clamps_to_one() { points.max(1) } else { points };
        Badness { usage, adjustment, points }
    }
}

/// Whether a process seems to run in its parent's memory: the parent waits for it, and theirs is the same size to the
/// page. The kernel knows; outside nothing shows it.
#[must_use]
pub fn is_vfork_child(task: &Task, parent: &Task) -> bool {
    parent.state == b'D' && task.memory.is_some() && task.memory == parent.memory
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(release: &str, total: u64) -> Rules {
        let kernel = Kernel::parse(release).unwrap();
        Rules { kernel, page: 4096, total, initial_namespace: true }
    }

    fn score(number: i64) -> OomScoreAdj {
        OomScoreAdj::new(number).unwrap()
    }

    fn memory(pages: [u64; 5]) -> Memory {
        let [anonymous, file, shared, swap, page_tables] = pages.map(|pages| pages * 4096);
        Memory { anonymous, file, shared, swap, page_tables, virtual_size: 1 << 40 }
    }

    fn task(pid: u32, adj: i64, held: Option<Memory>) -> Task {
        Task {
            pid,
            parent: 1,
            name: (*b"x").into(),
            score: score(adj),
            memory: held,
            state: b'S',
            is_kernel_thread: false,
        }
    }

    #[test]
    fn the_sum_is_the_kernels() {
        // Usage, score, total in pages: points.
        let cases = [
            ([100, 20, 3, 40, 5], 0, 1_000_000, 168),
            ([100, 0, 0, 0, 0], 500, 1_000_000, 100 + 500_000),
            ([100, 0, 0, 0, 0], -999, 1_000_000, 100 - 999_000),
            // 1 999 / 1000 is 1, not 1.999.
            ([0, 0, 0, 0, 0], 1000, 1_999, 1000),
            ([7, 0, 0, 0, 0], 1000, 999, 7),
        ];
        for (pages, adj, total, points) in cases {
            assert_eq!(
                rules("6.12", total).badness(&memory(pages), score(adj)).points,
                points,
                "{pages:?} {adj} {total}"
            );
        }
    }

    #[test]
    fn old_kernels_make_all_of_zero_and_less_alike() {
        let of = |release: &str, adj| rules(release, 1_000_000).badness(&memory([100, 0, 0, 0, 0]), score(adj)).points;
        assert_eq!((of("5.8", -500), of("5.8", -999), of("5.9", -500)), (1, 1, 100 - 500_000));
        assert_eq!(of("5.8", 0), 100);
    }

    #[test]
    fn the_exempt_are_told_with_the_reason() {
        let held = Some(memory([1, 0, 0, 0, 0]));
        let kernel_thread = Task { is_kernel_thread: true, ..task(5, 0, None) };
        let cases = [
            (task(1, 0, held), Some(Exemption::Init)),
            (task(9, -1000, held), Some(Exemption::Score)),
            (task(9, -999, held), None),
            (task(9, 0, None), Some(Exemption::Ended)),
            (kernel_thread, Some(Exemption::KernelThread)),
        ];
        for (task, expected) in cases {
            assert_eq!(rules("6.12", 1000).exemption(&task), expected, "{task:?}");
        }
        let inner = Rules { initial_namespace: false, ..rules("6.12", 1000) };
        assert_eq!(inner.exemption(&task(1, 0, held)), None, "a container's init is a process like others");
    }

    #[test]
    fn a_vfork_child_looks_like_its_waiting_parent() {
        let held = Some(memory([1, 2, 3, 0, 5]));
        let parent = Task { state: b'D', ..task(8, 0, held) };
        assert!(is_vfork_child(&task(9, 0, held), &parent));
        assert!(!is_vfork_child(&task(9, 0, held), &task(8, 0, held)), "the parent runs");
        assert!(!is_vfork_child(&task(9, 0, Some(memory([1, 2, 4, 0, 5]))), &parent));
    }
}
