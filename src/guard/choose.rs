//! Which job is to blame: its size, and what it grows in the next seconds, by its class. Pure and deterministic.
//!
//! Size alone chooses wrong: a steady job of 420 MiB would die for one of 366 MiB that takes 50 MiB more each second. So
//! would growth alone: a leak of 1 MiB/s beside a job that took everything and stopped.

use std::cmp::Reverse;
use std::time::Duration;

use super::sample::{Job, JobId, Order, Standing};
use super::settings::Settings;

/// How many candidates a verdict tells of.
pub const TOLD: usize = 5;

/// What speaks for and against killing a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Which job.
    pub id: JobId,
    /// What a kill would free, in bytes.
    pub frees: u64,
    /// How fast that rises, in bytes a second; 0 where it falls.
    pub growth: u64,
    /// The blame in bytes: what it holds beyond what it may, and what it grows within the horizon, times its class.
    pub score: u64,
    /// When its turn comes, by its class.
    pub order: Order,
    /// Whether it may be killed.
    pub standing: Standing,
    /// How long it runs: what would be lost.
    pub age: Duration,
}

impl Candidate {
    /// What speaks for and against a job that grows at that rate; `None` for one that is no candidate.
    #[must_use]
    pub fn of(job: &Job, growth: i64, settings: &Settings) -> Option<Candidate> {
        if !job.populated || job.order == Order::Never {
            return None;
        }
        let frees = job.frees();
        let growth = u64::try_from(growth).unwrap_or(0);
        let ahead = u128::from(growth) * settings.horizon.as_millis() / 1000;
        let over = frees.saturating_sub(job.protected.saturating_add(job.reserve));
        let score = u128::from(over) + ahead;
        let score = match job.order {
            Order::First => score * 4,
            Order::Last => score / 4,
            Order::Normal | Order::Never => score,
        };
        let score = u64::try_from(score).unwrap_or(u64::MAX);
        Some(Candidate { id: job.id, frees, growth, score, order: job.order, standing: job.standing, age: job.age })
    }
}

/// The candidates, those to blame first, and what they would free together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ranking {
    told: [Option<Candidate>; TOLD],
    /// How many candidates there are.
    pub count: usize,
    /// What all of them would free, in bytes.
    pub together: u64,
}

impl Ranking {
    /// Ranks candidates. The order in which they come makes no difference.
    pub fn of(candidates: impl Iterator<Item = Candidate>) -> Ranking {
        let mut ranking = Ranking::default();
        for candidate in candidates {
            ranking.count += 1;
            ranking.together = ranking.together.saturating_add(candidate.frees);
            let key = |it: &Candidate| (Reverse(it.score), it.age, Reverse(it.frees), it.id);
            let place = ranking.told.iter().position(|other| other.is_none_or(|other| key(&candidate) < key(&other)));
            if let Some(place) = place {
                ranking.told[place..].rotate_right(1);
                ranking.told[place] = Some(candidate);
            }
        }
        ranking
    }

    /// The first of them, at most [`TOLD`].
    pub fn told(&self) -> impl Iterator<Item = &Candidate> {
        self.told.iter().flatten()
    }

    /// The one to kill, where that much memory is missing; `None` where killing them all would not help.
    ///
    /// Among equals, those with three quarters of the highest score, it is the one that runs for the shortest time:
    /// without swap nothing but a kill helps, and then the least work is lost. A small one that would not make up for what
    /// is missing is no equal.
    #[must_use]
    pub fn victim(&self, missing: u64) -> Option<Candidate> {
        let first = *self.told().next()?;
        if first.frees == 0 || self.together < missing {
            return None;
        }
        let equal = |it: &&Candidate| {
            it.score >= first.score / 4 * 3
                && it.order == first.order
                && it.frees >= missing.min(first.frees)
                && it.standing == first.standing
        };
        self.told().filter(equal).min_by_key(|it| (it.age, Reverse(it.frees), it.id)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::sample::Bound;

    const MIB: u64 = 1 << 20;

    fn candidate(id: u64, frees: u64, growth: i64, age: u64) -> Candidate {
        let job = Job {
            id: JobId(id),
            bound: Bound::default(),
            group: None,
            private: frees * MIB,
            shared: 0,
            kept: 0,
            protected: 0,
            reserve: 0,
            order: Order::Normal,
            standing: Standing::Killable,
            age: Duration::from_secs(age),
            populated: true,
        };
        Candidate::of(&job, growth * 1_048_576, &Settings::of_host(954 * MIB)).unwrap()
    }

    fn victim(candidates: &[Candidate], missing: u64) -> Option<u64> {
        let forward = Ranking::of(candidates.iter().copied()).victim(missing * MIB);
        let backward = Ranking::of(candidates.iter().rev().copied()).victim(missing * MIB);
        assert_eq!(forward, backward, "the order in which jobs are listed");
        forward.map(|it| it.id.0)
    }

    #[test]
    fn the_grower_dies_and_not_the_larger() {
        assert_eq!(victim(&[candidate(1, 420, 0, 60), candidate(2, 366, 50, 7)], 40), Some(2));
        assert_eq!(victim(&[candidate(1, 420, 0, 60), candidate(2, 366, 200, 7)], 40), Some(2));
        // A leak beside a job that took everything and stopped.
        assert_eq!(victim(&[candidate(1, 20_000, 0, 60), candidate(2, 300, 1, 600)], 40), Some(1));
    }

    #[test]
    fn among_equals_least_work_is_lost() {
        let equals = [candidate(1, 450, 10, 9), candidate(2, 430, 10, 6), candidate(3, 410, 12, 3)];
        assert_eq!(victim(&equals, 40), Some(3));
        assert_eq!(victim(&equals, 420), Some(2), "one that does not make up for what is missing is no equal");
    }

    #[test]
    fn nobody_dies_where_it_would_not_help() {
        assert_eq!(victim(&[candidate(1, 10, 0, 1), candidate(2, 20, 0, 1)], 40), None);
        assert_eq!(
            victim(&[candidate(1, 30, 0, 1), candidate(2, 20, 0, 1)], 40),
            Some(1),
            "two small ones help together"
        );
        assert_eq!(victim(&[candidate(1, 0, 0, 1)], 0), None);
        assert_eq!(victim(&[], 0), None);
    }

    #[test]
    fn what_a_kill_does_not_free_does_not_count() {
        let job = Job {
            id: JobId(1),
            bound: Bound::default(),
            group: None,
            private: 10 * MIB,
            shared: 500 * MIB,
            kept: 480 * MIB,
            protected: 0,
            reserve: 0,
            order: Order::First,
            standing: Standing::Killable,
            age: Duration::ZERO,
            populated: true,
        };
        let settings = Settings::of_host(954 * MIB);
        let of = |job: Job| Candidate::of(&job, 0, &settings).map(|it| (it.frees / MIB, it.score / MIB));
        assert_eq!(of(job), Some((30, 120)));
        assert_eq!(of(Job { order: Order::Last, reserve: 10 * MIB, ..job }), Some((30, 5)));
        assert_eq!(of(Job { order: Order::Never, ..job }), None);
        assert_eq!(of(Job { populated: false, ..job }), None, "an empty cgroup cannot be killed");
    }

    #[test]
    fn ranking_holds_the_first_of_many() {
        let ranking = Ranking::of((0..100).map(|id| candidate(id, id, 0, 1)));
        let ids: Vec<u64> = ranking.told().map(|it| it.id.0).collect();
        assert_eq!((ids, ranking.count, ranking.together / MIB), (vec![99, 98, 97, 96, 95], 100, 4950));
    }
}
