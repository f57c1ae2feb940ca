//! The four conditions of which each is enough. Pressure alone never is: without swap it comes 0.3 s before the kernel's
//! kill, and a disk that is busy with page cache makes it as well as memory that runs out.

use std::time::Duration;

use super::history::{Since, Window};
use super::sample::{Bound, Cause, Host};
use super::settings::Settings;

/// Over how long the stall of the host is measured.
const SHARE_WINDOW: Duration = Duration::from_secs(1);

/// Over how long the stall of a job is measured: it is read once a second while nothing else happens.
const OWN_SHARE_WINDOW: Duration = Duration::from_secs(3);

/// How the host stands, as the conditions see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outlook {
    /// Below this `MemAvailable` memory is exhausted, in bytes; it rises with the rate at which memory is used up.
    pub floor: u64,
    /// How fast `MemAvailable` fell over the last seconds, in bytes a second.
    pub fall: u64,
    /// Percent of the last second in which all tasks stalled.
    pub full_share: u64,
    /// Whether reclaim scanned within the last second.
    pub scanning: bool,
    /// Whether there is no swap left, or none at all.
    pub without_swap: bool,
    /// How long the storm has lasted.
    pub storm: Option<Duration>,
    /// How long the thrash has lasted.
    pub thrash: Option<Duration>,
    /// Whether to look every 100 ms: a condition is near.
    pub near: bool,
    /// Which condition holds.
    pub cause: Option<Cause>,
}

/// What the conditions remember of the host.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostConditions {
    available: Window,
    full: Window,
    scanned: Window,
    storm: Since,
    thrash: Since,
}

impl HostConditions {
    /// Looks at the host. `returning` is the memory of jobs that die right now, which is on its way back.
    pub fn look(&mut self, at: Duration, host: &Host, returning: u64, settings: &Settings) -> Outlook {
        self.available.push(at, host.memory_available);
        self.scanned.push(at, host.pages_scanned);
        if let Some(full) = host.full_stall {
            self.full.push(at, microseconds(full));
        }
        let fall = self.available.fall();
        let floor = settings.floor.max(fall.min(settings.highest_floor));
        let available = host.memory_available.saturating_add(returning);
        let low = available < floor;
        let full_share = self.full.share(SHARE_WINDOW);
        let scanning = self.scanned.rise(SHARE_WINDOW) > 0;
        let without_swap = host.swap_total == 0
            || u128::from(host.swap_free) * 100 < u128::from(host.swap_total) * u128::from(settings.swap_low);
        let storm = self.storm.note(at, low && scanning && full_share > settings.storm.share);
        let thrashing = scanning && full_share > settings.thrash.share && available < settings.thrash_below;
        let thrash = self.thrash.note(at, thrashing);
        let lasts = |since: Option<Duration>, hold: Duration| since.is_some_and(|it| it >= hold);
        let cause = if low && without_swap {
            Some(Cause::Exhaustion)
        } else if lasts(storm, settings.storm.hold) {
            Some(Cause::SwapStorm)
        } else if lasts(thrash, settings.thrash.hold) {
            Some(Cause::Thrash)
        } else {
            None
        };
        let soon = host.memory_available < floor.saturating_mul(2) || host.memory_available / 5 < fall;
        let near = soon || storm.is_some() || thrash.is_some();
        Outlook { floor, fall, full_share, scanning, without_swap, storm, thrash, near, cause }
    }

    /// After a kill everything has to hold again for its full time.
    pub fn restart(&mut self) {
        self.storm.clear();
        self.thrash.clear();
        self.full.clear();
        self.available.clear();
    }
}

/// What the condition on a cgroup's own limit remembers of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct OwnLimit {
    full: Window,
    hits: Window,
    kills: Window,
    since: Since,
}

/// How a cgroup stands at its own limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OwnLimitOutlook {
    /// Percent of the last seconds in which all of its tasks stalled.
    pub full_share: u64,
    /// How long it has been in a livelock.
    pub livelock: Option<Duration>,
    /// Whether that is long enough.
    pub holds: bool,
}

impl OwnLimit {
    /// Looks at a cgroup. Within 5 % of its limit, stalled, running into the limit, and nobody killed: the kernel goes on
    /// reclaiming the same file pages and never calls it out of memory.
    pub fn look(&mut self, at: Duration, bound: &Bound, settings: &Settings) -> OwnLimitOutlook {
        let (Some(limit), Some(full), Some(rule)) = (bound.limit, bound.full_stall, settings.own_limit) else {
            return OwnLimitOutlook::default();
        };
        self.full.push(at, microseconds(full));
        self.hits.push(at, bound.limit_hits);
        self.kills.push(at, bound.kernel_kills);
        let full_share = self.full.share(OWN_SHARE_WINDOW);
        let stuck = bound.current >= limit - limit / 20
            && full_share > rule.share
            && self.hits.rise(OWN_SHARE_WINDOW) > 0
            && self.kills.rise(OWN_SHARE_WINDOW) == 0;
        let livelock = self.since.note(at, stuck);
        OwnLimitOutlook { full_share, livelock, holds: livelock.is_some_and(|it| it >= rule.hold) }
    }
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
