//! The last minutes of memory and pressure, kept in a fixed place: what a kill is drawn from afterwards.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::sample::{JobId, Sample};

/// How many jobs of a moment are kept, the largest.
const JOBS: usize = 8;

/// How many moments: two minutes and a half at the pace of an armed guard, or 25 minutes of an idle one.
const LENGTH: usize = 1500;

/// One moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Moment {
    /// When, in microseconds of the monotonic clock.
    pub at_us: u64,
    /// `MemTotal`
    pub memory_total: u64,
    /// `MemAvailable`
    pub memory_available: u64,
    /// `SwapFree`
    pub swap_free: u64,
    /// `full total=` in microseconds.
    pub full_stall_us: u64,
    /// The largest jobs and what a kill of each would free; the last ones may be empty.
    pub jobs: [Option<(JobId, u64)>; JOBS],
}

impl Moment {
    /// What is kept of a sample.
    #[must_use]
    pub fn of(sample: &Sample) -> Moment {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let mut jobs = [None; JOBS];
        for job in &sample.jobs {
            let own = (job.id, job.frees());
            let smaller = |kept: &Option<(JobId, u64)>| kept.is_none_or(|(_, frees)| frees < own.1);
            if let Some(place) = jobs.iter().position(smaller) {
                jobs[place..].rotate_right(1);
                jobs[place] = Some(own);
            }
        }
        Moment {
            at_us: micros(sample.at),
            memory_total: sample.host.memory_total,
            memory_available: sample.host.memory_available,
            swap_free: sample.host.swap_free,
            full_stall_us: sample.host.full_stall.map_or(0, micros),
            jobs,
        }
    }
}

/// The last moments.
#[derive(Debug)]
pub struct Ring {
    moments: Vec<Moment>,
    next: usize,
}

impl Default for Ring {
    fn default() -> Self {
        Ring { moments: Vec::with_capacity(LENGTH), next: 0 }
    }
}

impl Ring {
    /// Adds a moment in place of the oldest.
    pub fn push(&mut self, moment: Moment) {
        if self.moments.len() < LENGTH {
            self.moments.push(moment);
        } else {
            self.moments[self.next] = moment;
        }
        self.next = (self.next + 1) % LENGTH;
    }

    /// The moments that are not older than `span`, in the order of their time.
    #[must_use]
    pub fn last(&self, span: Duration) -> Vec<Moment> {
        let split = if self.moments.len() < LENGTH { 0 } else { self.next };
        let (late, early) = self.moments.split_at(split);
        let mut moments = [early, late].concat();
        let newest = moments.last().map_or(0, |it| it.at_us);
        let span = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        moments.retain(|moment| newest.saturating_sub(moment.at_us) <= span);
        moments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_falls_out() {
        let mut ring = Ring::default();
        for number in 0..4000 {
            ring.push(Moment { at_us: number * 100_000, ..Moment::default() });
        }
        let all = ring.last(Duration::from_hours(1));
        assert_eq!((all.len(), all[0].at_us), (LENGTH, 250_000_000));
        assert!(all.is_sorted_by_key(|it| it.at_us));
        assert_eq!(ring.last(Duration::from_secs(1)).len(), 11);
        assert_eq!(ring.moments.capacity(), LENGTH);
    }
}
