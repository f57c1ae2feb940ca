//! The figures that the decision works with: the policy's `[guard]`, with percentages turned into bytes of this host.

use std::time::Duration;

use crate::policy::class::Size;
use crate::policy::guard::{self as policy, Guard};

/// A share of time that has to be exceeded for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sustained {
    /// Percent of the time in which all tasks stalled.
    pub share: u64,
    /// For how long.
    pub hold: Duration,
}

/// What the decision works with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Below this `MemAvailable` memory is exhausted, in bytes. Fast growth raises it, up to `highest_floor`.
    pub floor: u64,
    /// The highest floor in bytes.
    pub highest_floor: u64,
    /// Below this percentage of swap there is no swap left.
    pub swap_low: u64,
    /// Swap storm.
    pub storm: Sustained,
    /// Thrash.
    pub thrash: Sustained,
    /// Above this `MemAvailable` nothing is thrash, in bytes.
    pub thrash_below: u64,
    /// Livelock at a job's own limit; `None` for off.
    pub own_limit: Option<Sustained>,
    /// How far ahead growth is counted.
    pub horizon: Duration,
    /// Whether jobs are paused before one is killed.
    pub pause: bool,
    /// More kills than this within a minute are a sign of wrong rules.
    pub kills_per_minute: usize,
}

impl Settings {
    /// What the policy says, on a host with that many bytes of RAM.
    #[must_use]
    pub fn of_policy(guard: &Guard, memory_total: u64) -> Settings {
        let bytes = |size: Size| size.bytes(Some(memory_total)).unwrap_or(0);
        let sustained = |it: policy::Sustained| Sustained { share: u64::from(it.share), hold: it.hold };
        let floor = bytes(guard.floor);
        Settings {
            floor,
            highest_floor: (memory_total / 20 * 3).max(floor),
            swap_low: u64::from(guard.swap_low),
            storm: sustained(guard.storm),
            thrash: sustained(guard.thrash),
            thrash_below: bytes(guard.thrash_below),
            own_limit: guard.own_limit.map(sustained),
            horizon: guard.horizon,
            pause: guard.on_pressure == policy::OnPressure::PauseThenKill,
            kills_per_minute: usize::from(guard.kills_per_minute),
        }
    }

    /// What holds without a policy. The figures come from recorded series; see `docs/guard.md`.
    #[must_use]
    pub fn of_host(memory_total: u64) -> Settings {
        Settings::of_policy(&Guard::default(), memory_total)
    }
}
