//! Which jobs are paused, when one may be, and when it goes on. Pure.
//!
//! Only with swap: what is stopped keeps its memory, and without a place to push it out to, the oldest job dies all the same.

use std::time::Duration;

use crate::guard::choose::Candidate;
use crate::guard::sample::{Cause, Host, JobId, Sample, Standing};

/// How many jobs are paused at once.
const PLACES: usize = 4;

/// A job goes on after so long whether it fits or not, and is not paused again: then it is killed if that is too much.
const LONGEST: Duration = Duration::from_mins(5);

#[derive(Debug, Clone, Copy)]
struct Paused {
    id: JobId,
    since: Duration,
    held: u64,
}

/// The jobs that are paused.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pauses([Option<Paused>; PLACES]);

impl Pauses {
    /// Whether that job is paused.
    pub(super) fn has(&self, id: JobId) -> bool {
        self.0.iter().flatten().any(|it| it.id == id)
    }

    /// Whether none is.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// The job to pause now: of those to blame the youngest that grows, if its memory fits into swap and another job goes on
    /// meanwhile.
    pub(super) fn choose<'a>(
        &self,
        cause: Cause,
        host: &Host,
        candidates: impl Iterator<Item = &'a Candidate>,
    ) -> Option<Candidate> {
        if cause == Cause::OwnLimit || self.0.iter().all(Option::is_some) {
            return None;
        }
        let running = || candidates.filter(|it| !self.has(it.id));
        let running: [Option<&Candidate>; crate::guard::choose::TOLD] = {
            let mut all = [None; crate::guard::choose::TOLD];
            for (place, candidate) in all.iter_mut().zip(running()) {
                *place = Some(candidate);
            }
            all
        };
        let fits = |it: &&&Candidate| {
            it.standing == Standing::Killable
                && it.growth > 0
                && it.frees.saturating_add(it.frees / 4) <= host.swap_free
        };
        let youngest = running.iter().flatten().filter(fits).min_by_key(|it| (it.age, it.id))?;
        (running.iter().flatten().count() > 1).then_some(**youngest)
    }

    /// Notes a job that is being paused.
    pub(super) fn add(&mut self, candidate: &Candidate, at: Duration) {
        if let Some(place) = self.0.iter_mut().find(|place| place.is_none()) {
            *place = Some(Paused { id: candidate.id, since: at, held: candidate.frees });
        }
    }

    /// The job that goes on now, the one that was paused first: it fits, or it is alone, or it has waited too long (then false).
    pub(super) fn resume(&mut self, sample: &Sample, floor: u64, may_wait: bool) -> Option<(JobId, bool)> {
        let is_there = |id: JobId| sample.jobs.iter().any(|job| job.id == id && job.populated);
        for place in &mut self.0 {
            if place.is_some_and(|it| !is_there(it.id)) {
                *place = None;
            }
        }
        let first = self.0.iter().flatten().min_by_key(|it| it.since).copied()?;
        let alone = !sample.jobs.iter().any(|job| job.populated && job.frees() > 0 && !self.has(job.id));
        let fits = sample.host.memory_available >= first.held.saturating_add(floor.saturating_mul(2));
        let waited_too_long = sample.at.saturating_sub(first.since) >= LONGEST;
        if may_wait && !alone && !fits && !waited_too_long {
            return None;
        }
        self.remove(first.id);
        Some((first.id, !waited_too_long))
    }

    /// Forgets a job that is killed.
    pub(super) fn remove(&mut self, id: JobId) {
        for place in &mut self.0 {
            if place.is_some_and(|it| it.id == id) {
                *place = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::sample::{Bound, Job, Order};

    const MIB: u64 = 1 << 20;

    fn candidate(id: u64, frees: u64, growth: u64, age: u64) -> Candidate {
        Candidate {
            id: JobId(id),
            frees: frees * MIB,
            growth: growth * MIB,
            score: frees * MIB,
            order: Order::Normal,
            standing: Standing::Killable,
            age: Duration::from_secs(age),
        }
    }

    fn host(available: u64, swap_free: u64) -> Host {
        Host {
            memory_total: 1000 * MIB,
            memory_available: available * MIB,
            swap_total: 1000 * MIB,
            swap_free: swap_free * MIB,
            ..Host::default()
        }
    }

    fn sample(at: u64, available: u64, jobs: &[u64]) -> Sample {
        let job = |&id: &u64| Job {
            id: JobId(id),
            bound: Bound::default(),
            group: None,
            private: 100 * MIB,
            shared: 0,
            kept: 0,
            protected: 0,
            reserve: 0,
            order: Order::Normal,
            standing: Standing::Killable,
            age: Duration::ZERO,
            populated: true,
        };
        Sample {
            at: Duration::from_secs(at),
            host: host(available, 500),
            jobs: jobs.iter().map(job).collect(),
            ..Sample::default()
        }
    }

    #[test]
    fn the_youngest_that_grows_is_paused() {
        let all = [candidate(1, 300, 10, 9), candidate(2, 300, 10, 6), candidate(3, 200, 0, 1)];
        let chosen = |pauses: &Pauses, cause, swap| pauses.choose(cause, &host(40, swap), all.iter()).map(|it| it.id.0);
        let mut pauses = Pauses::default();
        assert_eq!(chosen(&pauses, Cause::SwapStorm, 900), Some(2));
        assert_eq!(chosen(&pauses, Cause::SwapStorm, 300), None, "there is no room for it in swap");
        assert_eq!(chosen(&pauses, Cause::OwnLimit, 900), None, "nobody else would have what it holds");
        pauses.add(&all[1], Duration::ZERO);
        assert_eq!(chosen(&pauses, Cause::SwapStorm, 900), Some(1));
        let alone = pauses.choose(Cause::SwapStorm, &host(40, 900), all[..2].iter());
        assert_eq!(alone, None, "nobody would go on meanwhile");
    }

    #[test]
    fn what_is_paused_goes_on_when_it_fits() {
        let mut pauses = Pauses::default();
        pauses.add(&candidate(2, 300, 10, 6), Duration::from_secs(10));
        let resumed = |mut pauses: Pauses, sample: Sample| {
            pauses.resume(&sample, 50 * MIB, true).map(|(id, again)| (id.0, again))
        };
        assert_eq!(resumed(pauses, sample(11, 200, &[1, 2])), None);
        assert_eq!(resumed(pauses, sample(11, 401, &[1, 2])), Some((2, true)), "it fits");
        assert_eq!(resumed(pauses, sample(11, 100, &[2])), Some((2, true)), "it is alone");
        assert_eq!(resumed(pauses, sample(400, 100, &[1, 2])), Some((2, false)), "it has waited too long");
        assert_eq!(resumed(pauses, sample(11, 401, &[1])), None, "it is gone");
        assert!(!pauses.is_empty() && pauses.has(JobId(2)));
        assert_eq!(pauses.resume(&sample(11, 100, &[1, 2]), 50 * MIB, false), Some((JobId(2), true)), "after a reload");
        assert!(pauses.is_empty());
    }
}
