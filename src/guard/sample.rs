//! What the guard knows at one moment: memory and pressure of the host and of each job. Plain values that fit a recording.

use std::time::Duration;

/// One job for as long as its cgroup exists: the inode of the cgroup's directory, which is the kernel's cgroup id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

/// The host at one moment. Sizes are bytes, counters are cumulative since boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Host {
    /// `MemTotal`
    pub memory_total: u64,
    /// `MemAvailable`
    pub memory_available: u64,
    /// `SwapTotal`, 0 without swap.
    pub swap_total: u64,
    /// `SwapFree`
    pub swap_free: u64,
    /// `some total=` of `/proc/pressure/memory`; `None` without PSI.
    pub some_stall: Option<Duration>,
    /// `full total=` of `/proc/pressure/memory`; `None` without PSI.
    pub full_stall: Option<Duration>,
    /// Pages scanned by reclaim: `pgscan_kswapd` and `pgscan_direct` of `/proc/vmstat`.
    pub pages_scanned: u64,
    /// `workingset_refault_anon` and `_file` of `/proc/vmstat`. Recorded, and decides nothing: it is 0 in swap storms and
    /// high in innocent file loads.
    pub refaults: u64,
    /// `oom_kill` of `/proc/vmstat`: processes that the kernel's OOM killer killed.
    pub kernel_kills: u64,
}

/// One job at one moment. Sizes are bytes, counters are cumulative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job {
    /// Which job.
    pub id: JobId,
    /// `memory.current`
    pub current: u64,
    /// What only a kill gives back: anonymous memory, its swap, and kernel memory without reclaimable slab.
    pub private: u64,
    /// tmpfs and shared memory that is charged to the job. A kill frees it only where the job owns it alone.
    pub shared: u64,
    /// `memory.min` or `memory.low`, the larger: what it may hold without counting as greedy.
    pub protected: u64,
    /// The lowest `memory.max` from the job up to the root; `None` for no limit.
    pub limit: Option<u64>,
    /// `full total=` of the job's `memory.pressure`; `None` without PSI.
    pub full_stall: Option<Duration>,
    /// `max` of `memory.events`: how often the job ran into its limit.
    pub limit_hits: u64,
    /// `oom_kill` of `memory.events`.
    pub kernel_kills: u64,
    /// How long the job's cgroup exists.
    pub age: Duration,
    /// Whether it still has processes (`populated` of `cgroup.events`).
    pub populated: bool,
}

impl Job {
    /// The size by which jobs are compared: what is not page cache.
    #[must_use]
    pub fn unreclaimable(&self) -> u64 {
        self.private.saturating_add(self.shared)
    }
}

/// Why the guard acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// `MemAvailable` is below the floor, and so is `SwapFree` where there is swap.
    Exhaustion,
    /// `MemAvailable` is below the floor and all tasks stall while reclaim scans.
    SwapStorm,
    /// All tasks stall while reclaim scans, though memory looks available: the page cache is what thrashes.
    Thrash,
    /// The job is in a livelock at its own limit.
    OwnLimit,
}

impl Cause {
    /// The word for it in records, metrics and messages.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Cause::Exhaustion => "exhaustion",
            Cause::SwapStorm => "swap-storm",
            Cause::Thrash => "thrash",
            Cause::OwnLimit => "own-limit",
        }
    }
}
