//! The figures that the decision works with: the policy's `[guard]`, with percentages turned into bytes of this host.

use std::time::Duration;

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
    /// More kills than this within a minute are a sign of wrong rules.
    pub kills_per_minute: usize,
}

impl Settings {
    /// What holds without a policy, on a host with that many bytes of RAM. The figures come from recorded series; see
    /// `docs/guard.md`.
    #[must_use]
    pub fn of_host(memory_total: u64) -> Settings {
        Settings {
            floor: memory_total / 20,
            highest_floor: memory_total / 20 * 3,
            swap_low: 10,
            storm: Sustained { share: 30, hold: Duration::from_secs(1) },
            thrash: Sustained { share: 40, hold: Duration::from_secs(2) },
            thrash_below: memory_total / 4,
            own_limit: Some(Sustained { share: 50, hold: Duration::from_secs(10) }),
            horizon: Duration::from_secs(10),
            kills_per_minute: 6,
        }
    }
}
