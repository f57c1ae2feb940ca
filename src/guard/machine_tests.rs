//! The decision on made-up hosts: what users of other killers reported, and thousands of generated series.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::guard::sample::{Bound, Group, Host};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// A host whose figures a test changes from sample to sample.
struct Made {
    machine: Machine,
    sample: Sample,
}

fn job(id: u64, held: u64) -> Job {
    Job {
        id: JobId(id),
        bound: Bound { current: held, ..Bound::default() },
        group: None,
        private: held,
        shared: 0,
        kept: 0,
        protected: 0,
        reserve: 0,
        order: Order::Normal,
        standing: Standing::Killable,
        age: Duration::from_mins(1),
        populated: true,
    }
}

impl Made {
    fn new(total: u64, available: u64, jobs: Vec<Job>) -> Made {
        let zero = Some(Duration::ZERO);
        let host = Host {
            memory_total: total,
            memory_available: available,
            some_stall: zero,
            full_stall: zero,
            ..Host::default()
        };
        let at = Duration::from_secs(100);
        let sample = Sample { at, host, jobs, ..Sample::default() };
        Made { machine: Machine::new(Settings::of_host(total), 64), sample }
    }

    /// 100 ms later, of which all tasks stalled for `stalled` ms while reclaim scanned.
    fn tick(&mut self, stalled: u64) -> Action {
        self.sample.at += ARMED;
        let stall = |total: &mut Option<Duration>| *total = total.map(|it| it + Duration::from_millis(stalled));
        stall(&mut self.sample.host.full_stall);
        self.sample.host.pages_scanned += 100;
        self.machine.step(&self.sample).action
    }

    /// What comes within that many ticks: the first action, and the number of the tick.
    fn first(&mut self, ticks: usize, stalled: u64) -> Option<(usize, Action)> {
        (0..ticks).map(|number| (number, self.tick(stalled))).find(|(_, action)| *action != Action::Watch)
    }
}

#[allow(clippy::large_types_passed_by_value)]
fn victim(action: Option<(usize, Action)>) -> Option<u64> {
    match action {
        Some((_, Action::Kill(verdict))) => verdict.victim.map(|it| it.id.0),
        _ => None,
    }
}

/// talos#12526 and #13329: pods killed at 40 to 60 % memory use, as a busy disk made the pressure. syncloud/platform#769: three
/// applications killed with 10 GB free.
#[test]
fn pressure_alone_never_kills() {
    for available in [26, 40, 60, 95] {
        let mut host = Made::new(32 * GIB, 32 * GIB / 100 * available, vec![job(1, 8 * GIB), job(2, GIB)]);
        assert_eq!(host.first(600, 100), None, "{available} % available");
    }
}

/// systemd#32687 and #32304: both runners killed 16 s apart, for one shortage.
#[test]
fn one_shortage_takes_one_job() {
    let mut host = Made::new(GIB, 30 * MIB, vec![job(1, 400 * MIB), job(2, 390 * MIB)]);
    let first = victim(host.first(5, 0)).unwrap();
    assert_eq!(host.first(100, 100), None, "while the kill goes on");
    host.sample.jobs.retain(|job| job.id.0 != first);
    host.sample.host.memory_available = 430 * MIB;
    host.machine.ended(JobId(first));
    assert_eq!(host.first(600, 0), None, "afterwards");
}

#[test]
fn a_second_shortage_takes_a_second_job() {
    let mut host = Made::new(GIB, 30 * MIB, vec![job(1, 400 * MIB), job(2, 390 * MIB)]);
    let first = victim(host.first(5, 0)).unwrap();
    host.sample.jobs.retain(|job| job.id.0 != first);
    host.machine.ended(JobId(first));
    assert!(victim(host.first(5, 0)).is_some_and(|second| second != first));
}

/// talos#12526, a comment: it went on killing a cgroup whose pod was gone.
#[test]
fn an_empty_cgroup_is_no_victim() {
    let empty = Job { populated: false, ..job(1, 800 * MIB) };
    let mut host = Made::new(GIB, 30 * MIB, vec![empty, job(2, 50 * MIB)]);
    assert_eq!(victim(host.first(5, 0)), Some(2));
    let mut host = Made::new(GIB, 30 * MIB, vec![empty]);
    assert!(matches!(host.first(5, 0), Some((0, Action::Helpless(_, Helpless::NoCandidate)))));
}

/// systemd#36434 and #42385: never acted, as every candidate was below a floor of its own.
#[test]
fn small_jobs_are_candidates_where_there_are_no_others() {
    let mut host = Made::new(64 * GIB, GIB, (1..=100).map(|id| job(id, 600 * MIB)).collect());
    assert!(victim(host.first(5, 0)).is_some());
}

/// nohang#95: a tmpfs was full, and processes were killed in vain.
#[test]
fn nobody_dies_for_memory_that_no_kill_frees() {
    let tmpfs = Job { shared: 800 * MIB, kept: 800 * MIB, ..job(1, 3 * MIB) };
    let mut host = Made::new(GIB, 30 * MIB, vec![tmpfs, job(2, 2 * MIB)]);
    let Some((0, Action::Helpless(verdict, Helpless::NotTheirMemory))) = host.first(5, 0) else { panic!() };
    assert_eq!(verdict.ranking.together, 5 * MIB);
    assert_eq!(host.first(40, 0), None, "it is not said again at once");
}

/// The culprit may only be observed: then no neighbour dies for it.
#[test]
fn a_neighbour_never_dies_for_the_observed() {
    let greedy = Job { standing: Standing::Observed, ..job(1, 700 * MIB) };
    let mut host = Made::new(GIB, 30 * MIB, vec![greedy, job(2, 100 * MIB)]);
    let Some((0, Action::WouldKill(verdict))) = host.first(5, 0) else { panic!() };
    assert_eq!(verdict.victim.map(|it| it.id), Some(JobId(1)));
    assert_eq!(host.first(49, 0), None);
}

/// What the kernel kills is memory on its way back.
#[test]
fn nobody_dies_while_a_job_dies_already() {
    let mut host = Made::new(GIB, 60 * MIB, vec![job(1, 500 * MIB), job(2, 300 * MIB)]);
    assert_eq!(host.tick(0), Action::Watch);
    host.sample.jobs[0].bound.kernel_kills = 1;
    host.sample.host.memory_available = 10 * MIB;
    assert_eq!(host.first(40, 0), None);
    assert!(victim(host.first(20, 0)).is_some(), "it did not die within 5 s");
}

#[test]
fn too_many_kills_stop_the_guard() {
    let mut host = Made::new(GIB, 30 * MIB, (1..=20).map(|id| job(id, 45 * MIB)).collect());
    for _ in 0..6 {
        let victim = victim(host.first(5, 0)).unwrap();
        host.sample.jobs.retain(|job| job.id.0 != victim);
        host.machine.ended(JobId(victim));
    }
    assert!(matches!(host.first(5, 0), Some((_, Action::Helpless(_, Helpless::TooManyKills)))));
}

/// actions-runner-controller#4436 and moby#49801: a job at its own limit that reclaims its file pages for ever.
#[test]
fn a_livelock_at_the_own_limit_is_ended() {
    let bound =
        Bound { current: 199 * MIB, limit: Some(200 * MIB), full_stall: Some(Duration::ZERO), ..Bound::default() };
    let stuck = |host: &mut Made, group: bool| {
        let bound = if group { &mut host.sample.groups[0].bound } else { &mut host.sample.jobs[1].bound };
        bound.full_stall = bound.full_stall.map(|it| it + Duration::from_millis(60));
        bound.limit_hits += 3;
        host.tick(60)
    };
    let mut host = Made::new(GIB, 640 * MIB, vec![job(1, 300 * MIB), Job { bound, ..job(2, 190 * MIB) }]);
    let found = (0..150).find_map(|number| match stuck(&mut host, false) {
        Action::Kill(verdict) => Some((number, verdict.cause, verdict.victim.map(|it| it.id.0))),
        _ => None,
    });
    assert!(matches!(found, Some((100..=120, Cause::OwnLimit, Some(2)))), "{found:?}");

    let inside = |id, held| Job { group: Some(JobId(9)), ..job(id, held) };
    let mut host = Made::new(GIB, 640 * MIB, vec![job(1, 300 * MIB), inside(2, 60 * MIB), inside(3, 120 * MIB)]);
    host.sample.groups = vec![Group { id: JobId(9), bound }];
    let found = (0..150).find_map(|_| match stuck(&mut host, true) {
        Action::Kill(verdict) => verdict.victim.map(|it| it.id.0),
        _ => None,
    });
    assert_eq!(found, Some(3), "the largest of the group, and not the larger one outside");
}

#[test]
fn samples_are_rare_until_something_is_near() {
    let mut host = Made::new(GIB, 800 * MIB, vec![]);
    let pace = |host: &mut Made| {
        host.sample.at += ARMED;
        host.machine.step(&host.sample).pace
    };
    assert_eq!(pace(&mut host), IDLE);
    host.sample.host.memory_available = 90 * MIB;
    assert_eq!(pace(&mut host), ARMED, "within twice the floor");
    host.sample.host.memory_available = 800 * MIB;
    assert!((0..90).all(|_| pace(&mut host) == ARMED), "for ten seconds more");
    for _ in 0..50 {
        pace(&mut host);
    }
    assert_eq!(pace(&mut host), IDLE);
    host.sample.pressed = true;
    assert_eq!(pace(&mut host), ARMED, "a trigger fired");
}

/// A job of a generated series: how much it holds in 1/1000 of RAM, how that changes each sample, its class.
fn any_job() -> impl Strategy<Value = (u64, i64, u8, bool)> {
    (0_u64..900, -20_i64..60, 0_u8..8, any::<bool>())
}

/// One generated sample: ms since the last, `MemAvailable` in 1/1000, stall in percent of the time, whether a counter begins anew.
fn any_moment(available: std::ops::Range<u64>) -> impl Strategy<Value = (u64, u64, u64, bool)> {
    let lag = prop_oneof![8 => 80_u64..130, 1 => 900_u64..1100, 1 => 1000_u64..5000];
    (lag, available, 0_u64..101, prop::bool::weighted(0.02))
}

struct Generated {
    made: Made,
    jobs: Vec<(u64, i64, u8, bool)>,
    reversed: bool,
}

impl Generated {
    fn new(total: u64, jobs: Vec<(u64, i64, u8, bool)>) -> Generated {
        let made = Made::new(total, total, Vec::new());
        Generated { made, jobs, reversed: false }
    }

    fn advance(&mut self, number: usize, moment: (u64, u64, u64, bool)) -> Action {
        let (lag, available, stall, reset) = moment;
        let sample = &mut self.made.sample;
        sample.at += Duration::from_millis(lag);
        let total = sample.host.memory_total;
        sample.host.memory_available = total / 1000 * available;
        sample.host.pages_scanned += stall;
        let more = Duration::from_millis(lag * stall / 100);
        sample.host.full_stall = if reset { Some(Duration::ZERO) } else { sample.host.full_stall.map(|it| it + more) };
        sample.jobs.clear();
        for (place, (held, change, kind, reverse)) in self.jobs.iter().enumerate() {
            let number = if *reverse { 40 - number.min(40) } else { number };
            let held = i64::try_from(*held).unwrap() + change * i64::try_from(number).unwrap();
            let held = total / 1000 * u64::try_from(held.clamp(0, 1000)).unwrap();
            let order = [Order::First, Order::Last, Order::Never, Order::Normal][usize::from(*kind).min(3)];
            let populated = *kind != 4 || number % 3 == 0;
            let standing = if *kind == 5 { Standing::Observed } else { Standing::Killable };
            sample.jobs.push(Job { order, standing, populated, ..job(place as u64 + 1, held) });
        }
        if self.reversed {
            sample.jobs.reverse();
        }
        self.made.machine.step(&self.made.sample).action
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_dies_while_a_quarter_is_available(
        total in (512 * MIB)..(1024 * GIB),
        jobs in prop::collection::vec(any_job(), 0..6),
        moments in prop::collection::vec(any_moment(252..1001), 1..80),
    ) {
        let mut series = Generated::new(total, jobs);
        for (number, moment) in moments.into_iter().enumerate() {
            prop_assert_eq!(series.advance(number, moment), Action::Watch);
        }
    }

    #[test]
    fn a_true_condition_is_answered_within_three_seconds(
        total in (512 * MIB)..(1024 * GIB),
        jobs in prop::collection::vec(any_job(), 0..6),
        before in prop::collection::vec(any_moment(0..1001), 0..30),
        short in prop::collection::vec((80_u64..130, 0_u64..49, 0_u64..101, Just(false)), 60..61),
    ) {
        let mut series = Generated::new(total, jobs);
        for (number, moment) in before.into_iter().enumerate() {
            series.advance(number, moment);
        }
        // What is under way ends, and then there is no swap and less available than the lowest floor.
        if let Phase::Waiting(Some(id), _) = series.made.machine.phase {
            series.made.machine.ended(id);
        }
        series.made.machine.kills = [None; REMEMBERED];
        let quiet = (5000, 1000, 0, false);
        series.advance(0, quiet);
        series.advance(0, quiet);
        let begin = series.made.sample.at;
        let mut answered = None;
        for (number, moment) in short.into_iter().enumerate() {
            let dying = series.made.machine.tracks.values().any(|track| track.dying.is_some());
            if !dying && series.advance(number, moment) != Action::Watch {
                answered = Some(series.made.sample.at);
                break;
            }
        }
        let answered = answered.map(|at| at.checked_sub(begin).unwrap());
        prop_assert!(answered.is_some_and(|it| it <= Duration::from_secs(3)), "{:?}", answered);
    }

    #[test]
    fn there_are_never_two_kills_at_once(
        total in (512 * MIB)..(1024 * GIB),
        jobs in prop::collection::vec(any_job(), 1..6),
        moments in prop::collection::vec(any_moment(0..300), 1..120),
        ends in prop::collection::vec(any::<bool>(), 120),
    ) {
        let mut series = Generated::new(total, jobs);
        let mut under_way: Option<(JobId, Duration)> = None;
        for (number, moment) in moments.into_iter().enumerate() {
            let action = series.advance(number, moment);
            let at = series.made.sample.at;
            if let Action::Kill(verdict) = action {
                let victim = verdict.victim.unwrap();
                let waited = under_way.is_none_or(|(_, begun)| at.checked_sub(begun).unwrap() >= DEADLINE);
                prop_assert!(waited, "a second kill {:?} after the first", under_way.map(|it| at.checked_sub(it.1).unwrap()));
                prop_assert!(victim.frees > 0 && victim.order != Order::Never && victim.standing == Standing::Killable);
                let job = series.made.sample.jobs.iter().find(|job| job.id == victim.id).unwrap();
                prop_assert!(job.populated);
                under_way = Some((victim.id, at));
            }
            if let Some((id, _)) = under_way && ends[number] {
                series.made.machine.ended(id);
                under_way = None;
            }
        }
    }

    #[test]
    fn the_order_of_jobs_makes_no_difference(
        jobs in prop::collection::vec(any_job(), 1..8),
        moments in prop::collection::vec(any_moment(0..400), 1..60),
    ) {
        let mut forward = Generated::new(8 * GIB, jobs.clone());
        let mut backward = Generated::new(8 * GIB, jobs);
        backward.reversed = true;
        for (number, moment) in moments.into_iter().enumerate() {
            prop_assert_eq!(forward.advance(number, moment), backward.advance(number, moment));
        }
    }
}
