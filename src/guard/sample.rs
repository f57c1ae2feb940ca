//! What the guard knows at one moment: memory and pressure of the host and of each job. Plain values that fit a recording.

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use crate::policy::guard::Order;

/// One cgroup for as long as it exists: the inode of its directory, which is the kernel's cgroup id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub u64);

/// Everything that was read at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// When, on a monotonic clock that begins anywhere.
    #[serde(rename = "at_us", with = "microseconds")]
    pub at: Duration,
    /// Whether a PSI trigger fired since the sample before.
    pub pressed: bool,
    /// The host.
    pub host: Host,
    /// Cgroups above jobs that have a limit: a job group, a slice, the engine's container.
    pub groups: Vec<Group>,
    /// The jobs, each with a different id.
    pub jobs: Vec<Job>,
}

/// Times as whole microseconds, the unit of the kernel's `total=`.
mod microseconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    fn whole(time: Duration) -> u64 {
        u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
    }

    pub(super) fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(whole(*time))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_micros)
    }

    pub(super) mod optional {
        use super::{Deserialize, Deserializer, Duration, Serialize, Serializer, whole};

        // The shape of these functions is serde's.
        #[allow(clippy::ref_option)]
        pub(in super::super) fn serialize<S: Serializer>(time: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
            time.map(whole).serialize(to)
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
            Ok(Option::<u64>::deserialize(from)?.map(Duration::from_micros))
        }
    }
}

/// The host at one moment. Sizes are bytes, counters are cumulative since boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
    #[serde(rename = "some_stall_us", with = "microseconds::optional")]
    pub some_stall: Option<Duration>,
    /// `full total=` of `/proc/pressure/memory`; `None` without PSI.
    #[serde(rename = "full_stall_us", with = "microseconds::optional")]
    pub full_stall: Option<Duration>,
    /// Pages scanned by reclaim: `pgscan_kswapd` and `pgscan_direct` of `/proc/vmstat`.
    pub pages_scanned: u64,
    /// `workingset_refault_anon` and `_file` of `/proc/vmstat`. Recorded, and decides nothing: it is 0 in swap storms and
    /// high in innocent file loads.
    pub refaults: u64,
    /// `oom_kill` of `/proc/vmstat`: processes that the kernel's OOM killer killed.
    pub kernel_kills: u64,
}

/// How close a cgroup is to its own limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    /// `memory.current`
    pub current: u64,
    /// `memory.max`; `None` for no limit.
    pub limit: Option<u64>,
    /// `full total=` of its `memory.pressure`; `None` without PSI.
    #[serde(rename = "full_stall_us", with = "microseconds::optional")]
    pub full_stall: Option<Duration>,
    /// `max` of `memory.events`: how often it ran into its limit.
    pub limit_hits: u64,
    /// `oom_kill` of `memory.events`.
    pub kernel_kills: u64,
}

/// A cgroup with a limit that holds several jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Which cgroup.
    pub id: JobId,
    /// How close it is to its limit.
    pub bound: Bound,
}

/// One job at one moment. Sizes are bytes, counters are cumulative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Which job.
    pub id: JobId,
    /// How close it is to its own limit.
    pub bound: Bound,
    /// The nearest group above it that has a limit.
    pub group: Option<JobId>,
    /// What only a kill gives back: anonymous memory, its swap, and kernel memory without reclaimable slab.
    pub private: u64,
    /// tmpfs and shared memory that is charged to the job.
    pub shared: u64,
    /// As much of `shared` as a kill would not free, as it lies in a tmpfs that others have mounted too.
    pub kept: u64,
    /// `memory.min` or `memory.low`, the larger: what it may hold without counting as greedy.
    pub protected: u64,
    /// `guard_reserve` of its class: the same, said by the policy.
    pub reserve: u64,
    /// When its turn comes, by its class.
    pub order: Order,
    /// Whether the guard may kill it.
    pub standing: Standing,
    /// How long the job runs.
    #[serde(rename = "age_us", with = "microseconds")]
    pub age: Duration,
    /// Whether it still has processes (`populated` of `cgroup.events`).
    pub populated: bool,
}

impl Job {
    /// What a kill would free, in bytes; page cache is not among it, as it is there to be reclaimed.
    #[must_use]
    pub fn frees(&self) -> u64 {
        self.private.saturating_add(self.shared.saturating_sub(self.kept))
    }
}

/// Whether the guard may kill a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It is recorded what would have been done, no more. Nobody said that this job may be killed.
    #[default]
    Observed,
    /// oomshim started it, or the policy names it.
    Killable,
}

/// Why the guard acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// `MemAvailable` is below the floor, and so is `SwapFree` where there is swap.
    Exhaustion,
    /// `MemAvailable` is below the floor, and all tasks stall while reclaim scans.
    SwapStorm,
    /// All tasks stall while reclaim scans, though memory looks available: the page cache is what thrashes.
    Thrash,
    /// A job or a group of jobs is in a livelock at its own limit.
    OwnLimit,
}

impl Cause {
    /// All of them.
    pub const ALL: [Cause; 4] = [Cause::Exhaustion, Cause::SwapStorm, Cause::Thrash, Cause::OwnLimit];

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
