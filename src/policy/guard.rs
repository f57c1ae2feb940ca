//! What `[guard]` says, and what a class says of the guard: when `oomshim guard` acts, on which cgroups, and in which order.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::class::Size;
use super::rule::Pattern;
use crate::system::oom_score_adj::OomScoreAdj;

/// What `[guard]` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// Whether jobs are killed at all.
    pub mode: Mode,
    /// What comes before a kill.
    pub on_pressure: OnPressure,
    /// Cgroups of jobs that are observed, as globs of whole paths below the cgroup file system; `*` stays within one name.
    pub watch: Vec<Pattern>,
    /// The same for those that may be killed as well.
    pub kill: Vec<Pattern>,
    /// What is never a job, whatever the other two say.
    pub never: Vec<Pattern>,
    /// Below this `MemAvailable` memory is exhausted.
    pub floor: Size,
    /// Below this percentage of swap none is left.
    pub swap_low: u8,
    /// Swap storm: percent of stall, for how long.
    pub storm: Sustained,
    /// Thrash: percent of stall, for how long.
    pub thrash: Sustained,
    /// Above this `MemAvailable` nothing is thrash.
    pub thrash_below: Size,
    /// Livelock at a job's own limit; `None` for off.
    pub own_limit: Option<Sustained>,
    /// How far ahead growth is counted.
    pub horizon: Duration,
    /// How long a kill may wait for the kernel to count an out-of-memory kill; zero: not at all.
    pub report_budget: Duration,
    /// Whether a line goes to the error output of the job that is killed.
    pub tell_step: bool,
    /// After so many kills within a minute the guard only records.
    pub kills_per_minute: u8,
    /// Whether decisions go to the events socket.
    pub events: bool,
    /// Where to write metrics for Prometheus' textfile collector.
    pub metrics: Option<PathBuf>,
}

/// Whether jobs are killed at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Those that may be killed are.
    Kill,
    /// It is only recorded what would have been done.
    Observe,
}

impl Mode {
    /// The word for it in the policy.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Mode::Kill => "kill",
            Mode::Observe => "observe",
        }
    }
}

/// What the guard does about a shortage of the whole machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnPressure {
    /// It kills.
    Kill,
    /// With swap, it stops the newest job that grows and pushes it out, lets it go on when it fits, and kills where that was not
    /// enough.
    PauseThenKill,
}

/// A share of time that has to be exceeded for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sustained {
    /// Percent of the time in which all tasks stalled, 1..=100.
    pub share: u8,
    /// For how long.
    pub hold: Duration,
}

impl Default for Guard {
    fn default() -> Self {
        Guard {
            mode: Mode::Kill,
            on_pressure: OnPressure::Kill,
            watch: Vec::new(),
            kill: Vec::new(),
            never: Vec::new(),
            floor: Size::Percent(5),
            swap_low: 10,
            storm: Sustained { share: 30, hold: Duration::from_secs(1) },
            thrash: Sustained { share: 40, hold: Duration::from_secs(2) },
            thrash_below: Size::Percent(25),
            own_limit: Some(Sustained { share: 50, hold: Duration::from_secs(10) }),
            horizon: Duration::from_secs(10),
            report_budget: Duration::from_millis(100),
            tell_step: true,
            kills_per_minute: 6,
            events: false,
            metrics: None,
        }
    }
}

/// What a class says of the guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClassGuard {
    /// When a job's turn comes.
    pub order: Order,
    /// How much a job may hold before it counts.
    pub reserve: Size,
}

impl Default for ClassGuard {
    fn default() -> Self {
        ClassGuard { order: Order::Normal, reserve: Size::Bytes(0) }
    }
}

impl ClassGuard {
    /// What a class with that `oom_score_adj` has that says nothing about the guard. One below 0 is for daemons, which are
    /// never candidates.
    #[must_use]
    pub fn of_class(oom_score_adj: OomScoreAdj) -> ClassGuard {
        let order = if oom_score_adj < OomScoreAdj::ZERO { Order::Never } else { Order::Normal };
        ClassGuard { order, ..ClassGuard::default() }
    }

    /// What a job of this class gets that asked for `other`: never less strict than this class.
    #[must_use]
    pub fn tightened_by(self, other: ClassGuard) -> ClassGuard {
        let reserve = if self.reserve == other.reserve { self.reserve } else { Size::Bytes(0) };
        ClassGuard { order: self.order.min(other.order), reserve }
    }
}

/// When a job's turn comes among those that are to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// It counts four times.
    First,
    /// It counts as it is.
    #[default]
    Normal,
    /// It counts a quarter.
    Last,
    /// It is no candidate.
    Never,
}

impl Order {
    /// The word for it in the policy.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Order::First => "first",
            Order::Normal => "normal",
            Order::Last => "last",
            Order::Never => "never",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_request_spares_nobody() {
        let class = |order, reserve| ClassGuard { order, reserve: Size::Bytes(reserve) };
        let own = class(Order::Normal, 0);
        assert_eq!(own.tightened_by(class(Order::Never, 1 << 30)), own);
        assert_eq!(own.tightened_by(class(Order::First, 0)), class(Order::First, 0));
    }
}
