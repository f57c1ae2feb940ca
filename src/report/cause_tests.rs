//! Verdicts on single events.

use super::*;
use crate::report::advice;
use crate::report::kernel::{Counter, CounterKind, Invoked, Killed, Stat, Summary};

#[expect(clippy::unnecessary_wraps, reason = "as the field is")]
fn summary(constraint: Constraint) -> Option<Summary> {
    let (limit, task, name) = (None, None, b"x".to_vec());
    Some(Summary { constraint, cpuset: None, nodes: None, limit, task, name, pid: Some(7), user: None })
}

fn event(limit: Option<&str>, victim: &str) -> OomEvent {
    OomEvent {
        summary: summary(if limit.is_some() { Constraint::Cgroup } else { Constraint::None }),
        limit_path: limit.map(Into::into),
        victim_path: Some(victim.into()),
        killed: vec![Killed::default()],
        is_proven: true,
        ..OomEvent::default()
    }
}

fn counted(used: u64, stats: &[(Stat, u64)]) -> OomEvent {
    let counter = Counter { kind: CounterKind::Memory, used, limit: Some(used), hits: 1 };
    OomEvent { counters: vec![counter], stats: stats.to_vec(), ..event(Some("/a"), "/a") }
}

fn of(event: &OomEvent, container: Option<&Container>) -> (&'static str, Confidence) {
    let verdict = judge(event, container, None);
    (verdict.cause.id(), verdict.confidence)
}

#[test]
fn whose_limit_it_was_is_told_by_the_cgroups() {
    let id = "0123456789abcdef0123456789abcdef";
    let (step, pod) = ("y1k3mjdl2i9z0q8w7e6r5t4y3", format!("/kubepods/burstable/pod{id}"));
    let docker = format!("/system.slice/docker-{id}.scope");
    let cases = [
        (Some("/a".to_owned()), "/a".to_owned(), ("own-limit", Confidence::Certain)),
        (Some("/a".to_owned()), "/a/b".to_owned(), ("shared-limit", Confidence::Likely)),
        (Some(docker.clone()), format!("{docker}/init"), ("own-limit", Confidence::Likely)),
        (Some("/system.slice".to_owned()), docker.clone(), ("shared-limit", Confidence::Certain)),
        (Some("/buildkit".to_owned()), format!("/buildkit/{id}"), ("shared-limit", Confidence::Certain)),
        (Some(docker.clone()), format!("{docker}/buildkit/{step}"), ("shared-limit", Confidence::Certain)),
        (
            Some(format!("{docker}/buildkit/{step}")),
            format!("{docker}/buildkit/{step}/x"),
            ("own-limit", Confidence::Likely),
        ),
        (Some("/buildkit".to_owned()), "/buildkit/short/x".to_owned(), ("shared-limit", Confidence::Certain)),
        (Some(format!("/docker/{id}")), format!("/docker/{id}/docker/{id}"), ("shared-limit", Confidence::Certain)),
        (Some(pod.clone()), format!("{pod}/{id}{id}"), ("pod-limit", Confidence::Certain)),
        (None, docker, ("whole-machine", Confidence::Certain)),
    ];
    for (limit, victim, expected) in cases {
        assert_eq!(of(&event(limit.as_deref(), &victim), None), expected, "{limit:?} {victim}");
    }
}

#[test]
fn a_remembered_container_settles_it() {
    let container = Container { id: "x".into(), cgroup: "/jobs/x".into(), ..Container::default() };
    let known = [container];
    let own = event(Some("/jobs/x"), "/jobs/x/inner");
    let found = super::container(&own, &known).unwrap();
    assert_eq!(of(&own, Some(found)), ("own-limit", Confidence::Certain));
    assert_eq!(of(&event(Some("/jobs"), "/jobs/x"), Some(found)), ("shared-limit", Confidence::Certain));
    assert!(super::container(&event(None, "/jobs/y"), &known).is_none());
}

#[test]
fn without_the_summary_only_the_machine_can_be_told() {
    let with = |reach| OomEvent { reach, killed: vec![Killed::default()], is_proven: true, ..OomEvent::default() };
    assert_eq!(of(&with(Some(Reach::Machine)), None), ("whole-machine", Confidence::Likely));
    assert_eq!(of(&with(Some(Reach::Cgroup)), None), ("unknown-limit", Confidence::None));
    assert_eq!(of(&with(None), None), ("unknown", Confidence::None));
}

#[test]
fn what_may_be_forged_is_never_certain() {
    let forged = OomEvent { is_proven: false, ..event(None, "/a") };
    assert_eq!(of(&forged, None), ("whole-machine", Confidence::Likely));
}

#[test]
fn tmpfs_is_named_where_it_is_to_blame() {
    let of = |event: &OomEvent| advice::of(event, Cause::OwnLimit);
    assert!(of(&counted(1000, &[(Stat::Shared, 900)])).contains("tmpfs"));
    assert!(of(&counted(1000, &[(Stat::Dirty, 900)])).contains("slow disk"));
    assert!(of(&counted(1000, &[(Stat::Shared, 100)])).starts_with("give it a higher limit"));
}

#[test]
fn where_nobody_died_only_a_panic_speaks_for_the_whole_machine() {
    let cases = [
        (Some(1), true, None, ("whole-machine", Confidence::Certain)),
        (Some(2), true, None, ("whole-machine", Confidence::Likely)),
        (Some(2), true, Some(1), ("cgroup-limit", Confidence::Certain)),
        (None, true, None, ("whole-machine", Confidence::Likely)),
        (None, false, None, ("cgroup-limit", Confidence::Likely)),
        (None, false, Some(1), ("cgroup-limit", Confidence::Certain)),
    ];
    for (panic_on_oom, panicked, used, expected) in cases {
        let nothing_killable = panic_on_oom.is_none();
        let counters = used.map(|used| counted(used, &[]).counters).unwrap_or_default();
        let event =
            OomEvent { panic_on_oom, panicked, counters, nothing_killable, is_proven: true, ..OomEvent::default() };
        assert_eq!(of(&event, None), expected, "{panic_on_oom:?} {panicked} {used:?}");
        assert_eq!(advice::of(&event, Cause::CgroupLimit).contains("vm.panic_on_oom=0"), panic_on_oom.is_some());
    }
}

#[test]
fn a_page_fault_that_leaked_out_of_a_cgroup_is_not_certain() {
    let invoked = Invoked { name: b"sh".to_vec(), order: 0, is_leftover: true, score: None };
    let leaked = OomEvent { invoked: Some(invoked), ..event(None, "/a") };
    assert_eq!(of(&leaked, None), ("whole-machine", Confidence::Likely));
}

#[test]
fn the_cgroup_decides_where_the_constraint_says_none() {
    let old = OomEvent { summary: summary(Constraint::None), ..event(Some("/a"), "/a") };
    assert_eq!(of(&old, None), ("own-limit", Confidence::Certain));
}

#[test]
fn a_kernel_without_cgroups_means_the_machine() {
    let plain = OomEvent { summary: summary(Constraint::None), victim_path: None, ..event(None, "/") };
    assert_eq!(of(&plain, None), ("whole-machine", Confidence::Certain));
}

#[test]
fn the_nodes_and_their_cpuset_are_named() {
    let mut it = event(None, "/a");
    it.summary =
        summary(Constraint::Cpuset).map(|it| Summary { cpuset: Some("test".into()), nodes: Some("0-1".into()), ..it });
    let verdict = judge(&it, None, None);
    assert_eq!(verdict.cause, Cause::Nodes);
    assert!(verdict.evidence[0].contains("cpuset test") && verdict.evidence[0].contains("nodes 0-1"), "{verdict:?}");
}

#[test]
fn a_limit_without_its_victims_cgroup_is_likely() {
    let of = |limit: &str| {
        let event = OomEvent { victim_path: None, ..event(Some(limit), "/") };
        of(&event, None)
    };
    assert_eq!(of("/kubepods/burstable/pod0123456789abcdef"), ("pod-limit", Confidence::Likely));
    assert_eq!(of("/kubepods.slice"), ("shared-limit", Confidence::Likely));
    assert_eq!(of("/leaker"), ("own-limit", Confidence::Likely));
}

#[test]
fn a_damaged_line_proves_nothing() {
    assert_eq!(of(&event(Some("/kubepodss/x"), "/kubepods/x"), None), ("unknown-limit", Confidence::None));
}

#[test]
fn nothing_killable_does_not_prove_who_was_exempt() {
    let mut it = OomEvent { nothing_killable: true, ..OomEvent::default() };
    assert!(!advice::of(&it, Cause::CgroupLimit).contains("every process"));
    it.time = crate::report::time::Time::since_boot(4_900_000);
    assert!(advice::of(&it, Cause::WholeMachine).contains("starting"));
}

#[test]
fn the_limit_that_the_guard_lowered_is_not_the_jobs() {
    use crate::report::Context;
    use crate::report::time::Time;
    let kill = Decision {
        since_boot: 5_000_000,
        when: None,
        is_kill: true,
        cgroup: Some("/jobs/x".into()),
        container: None,
        message: "the floor".into(),
        outcome: Vec::new(),
        picture: None,
        record: serde_json::Value::Null,
    };
    let context = Context { guard: vec![kill], ..Context::default() };
    let at = |limit: &str, seconds: u64| OomEvent {
        time: Time::since_boot(seconds * 1_000_000),
        limit_path: Some(limit.into()),
        ..event(Some(limit), "/jobs/x/sub")
    };
    let of = |limit: &str, seconds| context.report(at(limit, seconds)).verdict.cause.id();
    assert_eq!((of("/jobs/x", 6), of("/jobs/x", 500), of("/jobs", 6)), ("guard", "shared-limit", "shared-limit"));
}
