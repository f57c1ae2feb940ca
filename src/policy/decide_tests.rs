//! The decision, case by case.

use super::*;
use crate::policy::file;
use crate::runtime::argv::CgroupManager::{Disabled, Enabled};
use crate::spec::document::Document;
use crate::system::host::NoMemory;
use std::path::Path;

/// The bundle of a container that containerd's CRI plugin starts.
const SANDBOX: &str = "/run/containerd/io.containerd.runtime.v2.task/k8s.io/1";

const FULL: &str = r#"{"process":{},"linux":{"cgroupsPath":"/b/1","resources":{"memory":{"limit":1000}}}}"#;

fn score(number: i64) -> OomScoreAdj {
    OomScoreAdj::new(number).unwrap()
}

fn host(cgroups: Cgroups) -> Host {
    Host { cgroups, memory: Some(1 << 40), missing: Vec::new() }
}

fn policy(text: &str) -> Policy {
    file::parse(text, Path::new("p")).unwrap()
}

fn workload(text: &str) -> Workload<'static> {
    let text = text.to_owned().leak();
    Workload::of(Box::leak(Box::new(Document::parse(text.as_bytes()).unwrap())))
}

fn plan_of(spec: &str, cgroups: Cgroups, manager: CgroupManager) -> Plan {
    let workload = workload(spec);
    let class =
        classify(&policy("[class.build-step]\noom_score_adj=500\noom_group=true\nmemory_max=\"1KiB\"\n"), &workload);
    plan(&class.class.unwrap(), &workload, &host(cgroups), Some((score(500), score(500))), manager)
}

#[test]
fn the_first_rule_that_holds_decides() {
    let text = "[[rule]]\nclass=\"keep\"\nmatch.hostname=\"a*\"\n[[rule]]\nclass=\"daemon\"\nmatch.cgroup=\"/d\"\n";
    let policy = policy(text);
    let of = |spec: &str| {
        let decision = classify(&policy, &workload(spec));
        (decision.name().to_owned(), decision.because)
    };
    assert_eq!(of(r#"{"hostname":"ab","linux":{"cgroupsPath":"/d"}}"#), ("keep".into(), Source::Rule(0)));
    assert_eq!(of(r#"{"hostname":"b","linux":{"cgroupsPath":"/d"}}"#), ("daemon".into(), Source::Rule(1)));
    assert_eq!(of(r#"{"hostname":"b"}"#), ("build-step".into(), Source::Default));
}

/// A container of those annotations, bundle and cgroup, and the class that the built-in rules give it.
fn built_in_class(annotations: &str, bundle: &str, cgroup: &str) -> String {
    let spec = format!(
        r#"{{"annotations":{{{annotations}}},"process":{{"args":["/catatonit"]}},"linux":{{"cgroupsPath":"{cgroup}"}}}}"#
    );
    classify(&policy(""), &workload(&spec).named(None, bundle.into())).name().to_owned()
}

#[test]
fn sandboxes_are_known_by_what_their_engine_decides() {
    let id = "3f".repeat(32);
    let of = |annotations: &str, bundle: &str, cgroup: &str| {
        built_in_class(annotations, &bundle.replace("ID", &id), &cgroup.replace("ID", &id))
    };
    let cri = r#""io.kubernetes.cri.container-type":"sandbox""#;
    let cri_o = r#""io.kubernetes.cri-o.ContainerType":"sandbox""#;
    let containerd = "/run/containerd/io.containerd.runtime.v2.task/k8s.io/ID";
    let moby = "/run/containerd/io.containerd.runtime.v2.task/moby/ID";
    let storage = "/run/containers/storage/overlay-containers/ID/userdata";
    assert_eq!(of(cri, containerd, "/kubepods/x/ID"), "keep");
    assert_eq!(
        of(cri, "/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/ID", "kubepods.slice:cri-containerd:ID"),
        "keep"
    );
    assert_eq!(of(cri_o, storage, "kubepods-pod1.slice:crio:ID"), "keep");
    assert_eq!(of(cri_o, storage, "/kubepods/pod1/crio-ID"), "keep");
    for (annotations, bundle, cgroup) in [
        (cri, moby, "/docker/ID"),
        (cri_o, moby, "/x/crio-/ID"),
        (cri, storage, "machine.slice:libpod:ID"),
        (cri_o, storage, "machine.slice:libpod:ID"),
        (cri_o, storage, "a:crio:b.slice:libpod:ID"),
        (cri_o, storage, "/crio-x/libpod-ID"),
        ("", containerd, "/kubepods/x/ID"),
    ] {
        assert_eq!(of(annotations, bundle, cgroup), "build-step", "{annotations} {bundle} {cgroup}");
    }
}

#[test]
fn the_infra_container_of_podman_is_kept() {
    let class = |spec: &str| classify(&policy(""), &workload(spec)).name().to_owned();
    assert_eq!(class(include_str!("../../testdata/specs/podman-pod-infra.json")), "keep");
    assert_eq!(class(include_str!("../../testdata/specs/podman-pod-member.json")), "build-step");
    assert_eq!(class(include_str!("../../testdata/specs/podman-default.json")), "build-step");
}

#[test]
fn a_workload_may_ask_for_a_stricter_class() {
    let policy = policy("[class.victim]\noom_score_adj=900\n[class.mild]\noom_score_adj=100\n");
    let of = |annotations: &str| classify(&policy, &workload(&format!("{{\"annotations\":{{{annotations}}}}}")));
    let granted = of(r#""oomshim.class":"victim""#);
    assert_eq!((granted.name(), granted.request.clone()), ("victim", Some(ClassRequest::Granted)));
    assert_eq!(granted.class.unwrap().oom_group, OomGroup::Set, "the group kill of the class it would have had stays");
    assert_eq!(of(r#""oomshim.class":"mild""#).request, Some(ClassRequest::Milder("mild".into())));
    assert_eq!(of(r#""oomshim.class":"daemon""#).name(), "build-step");
    assert_eq!(of(r#""oomshim.class":"keep""#).request, Some(ClassRequest::Unknown("keep".into())));
    assert_eq!(of(r#""oomshim.class":"build-step""#).request, None);
    let kept = r#"{"annotations":{"oomshim.class":"victim","io.kubernetes.cri.container-type":"sandbox"}}"#;
    let kept = classify(&policy, &workload(kept).named(None, SANDBOX.into()));
    assert_eq!((kept.class, kept.request), (None, Some(ClassRequest::Kept("victim".into()))));
}

#[test]
fn what_is_kept_is_never_immune() {
    let policy = policy("[[rule]]\nclass=\"keep\"\nmatch.hostname=\"t\"\ntrust_workload=true\n");
    let of = |spec: &str, inherited: i64| {
        let workload = workload(spec).named(None, SANDBOX.into());
        let decision = classify(&policy, &workload);
        assert!(decision.class.is_none(), "{spec}");
        plan_to_keep(&policy, &decision, &workload, score(inherited)).score().map(OomScoreAdj::get)
    };
    let sandbox = |process: &str| {
        format!(r#"{{"annotations":{{"io.kubernetes.cri.container-type":"sandbox"}},"process":{process}}}"#)
    };
    assert_eq!(of(&sandbox("{}"), -1000), Some(0), "nobody gains immunity by an annotation");
    assert_eq!(of(&sandbox("{}"), 0), None);
    assert_eq!(of(&sandbox(r#"{"oomScoreAdj":-998}"#), -999), None, "what Kubernetes gives a sandbox");
    assert_eq!(of(&sandbox(r#"{"oomScoreAdj":-1000}"#), -1000), Some(-998));
    assert_eq!(of(&sandbox(r#"{"oomScoreAdj":-999}"#), 0), Some(-998));
    for process in ["{}", r#"{"oomScoreAdj":-1000}"#] {
        assert_eq!(of(&format!(r#"{{"hostname":"t","process":{process}}}"#), -1000), None, "the administrator said so");
    }
}

#[test]
fn memory_settings_are_added_only_where_they_work() {
    let group = Edit::Memory(MemoryFile::OomGroup, 1);
    let cases = [
        (FULL, Cgroups::V2, Enabled, None),
        (FULL, Cgroups::V1, Enabled, Some(SkipReason::CgroupV1)),
        (
            FULL,
            Cgroups::V2WithoutMemory(NoMemory::Delegated),
            Enabled,
            Some(SkipReason::NoController(NoMemory::Delegated)),
        ),
        (FULL, Cgroups::V2, Disabled, Some(SkipReason::CgroupsDisabled)),
        (r#"{"process":{},"linux":{"cgroupsPath":"/b"}}"#, Cgroups::V2, Enabled, Some(SkipReason::NoResources)),
        (
            r#"{"process":{},"linux":{"cgroupsPath":"","resources":{}}}"#,
            Cgroups::V2,
            Enabled,
            Some(SkipReason::NoCgroup),
        ),
    ];
    for (spec, cgroups, manager, why) in cases {
        let plan = plan_of(spec, cgroups, manager);
        assert_eq!(plan.edits[0], Edit::OomScoreAdj(score(500)));
        assert_eq!(plan.edits.contains(&group), why.is_none(), "{spec}");
        let skipped = plan.skipped.iter().find(|skipped| skipped.what == "memory.oom.group");
        assert_eq!(skipped.map(|skipped| skipped.why), why, "{spec}");
    }
}

#[test]
fn a_lower_limit_of_the_engine_stays() {
    let plan = plan_of(FULL, Cgroups::V2, Enabled);
    assert_eq!(plan.skipped, [Skipped { what: "memory.max", why: SkipReason::EngineLower(1000) }]);
    let plan = plan_of(&FULL.replace("1000", "2000"), Cgroups::V2, Enabled);
    assert!(plan.edits.contains(&Edit::Memory(MemoryFile::Max, 1024)));
}

#[test]
fn a_score_below_the_floor_is_clamped_and_said() {
    let policy = policy("");
    let workload = workload(FULL);
    let daemon = policy.class("daemon").unwrap();
    let clamped = plan(daemon, &workload, &host(Cgroups::V2), Some((OomScoreAdj::MIN, OomScoreAdj::ZERO)), Enabled);
    assert_eq!((clamped.score(), clamped.clamped_from), (Some(OomScoreAdj::ZERO), Some(OomScoreAdj::MIN)));
    assert!(!clamped.has_its_score());
    let free = plan(daemon, &workload, &host(Cgroups::V2), Some((OomScoreAdj::MIN, OomScoreAdj::MIN)), Enabled);
    assert!(free.has_its_score() && free.clamped_from.is_none());
}

#[test]
fn the_wanted_score_meets_what_was_asked_or_inherited() {
    let of = |adjust: &str, spec: &str, inherited: i64| {
        let policy = policy(&format!("[class.build-step]\noom_score_adj=500\nadjust=\"{adjust}\"\n"));
        let wanted =
            wanted_score(policy.class("build-step").unwrap(), &workload(spec), Around::started_from(score(inherited)));
        wanted.map(OomScoreAdj::get)
    };
    let (unset, asked) = (r#"{"process":{}}"#, r#"{"process":{"oomScoreAdj":-5}}"#);
    assert_eq!((of("fill", asked, 900), of("fill", unset, 900)), (None, Some(500)));
    assert_eq!((of("set", asked, 900), of("set", unset, -1000)), (Some(500), Some(500)));
    assert_eq!((of("raise", unset, -1000), of("raise", asked, 900)), (Some(500), Some(500)));
    assert_eq!(of("raise", unset, 900), Some(900), "a step never stands below its daemon");
}

/// The settings of the class `x` with those lines, for that `unified`.
fn settings_of(lines: &str, unified: &str, missing: &[MemoryFile]) -> Vec<(&'static str, Result<u64, SkipReason>)> {
    let policy = policy(&format!("[class.x]\noom_score_adj=5\n{lines}\n"));
    let spec = format!(r#"{{"linux":{{"cgroupsPath":"/b/1","resources":{{"unified":{unified}}}}}}}"#);
    let host = Host { missing: missing.to_vec(), ..host(Cgroups::V2) };
    let workload = workload(&spec);
    settings(policy.class("x").unwrap(), &workload, &host).map(|(file, value)| (file.name(), value)).collect()
}

#[test]
fn a_limit_of_the_engine_is_read_as_the_kernel_reads_it() {
    let of = |unified: &str| settings_of("memory_max=\"8GiB\"", unified, &[]).remove(0).1;
    assert_eq!(of(r#"{"memory.max":"1G"}"#), Err(SkipReason::EngineLower(1 << 30)));
    assert_eq!(of(r#"{"memory.max":"0x40000000"}"#), Err(SkipReason::EngineLower(1 << 30)));
    assert_eq!(of(r#"{"memory.max":"16g"}"#), Ok(8 << 30));
    assert_eq!(of(r#"{"memory.max":"max"}"#), Ok(8 << 30));
    assert_eq!(of(r#"{"memory.max":"1GB"}"#), Err(SkipReason::EngineUnreadable));
    assert_eq!(of("{}"), Ok(8 << 30));
}

#[test]
fn the_group_flag_is_set_cleared_or_left() {
    let flagged = r#"{"memory.oom.group":"1"}"#;
    let of = |line: &str, unified: &str| settings_of(line, unified, &[]).first().map(|(_, value)| *value);
    assert_eq!((of("oom_group=true", flagged), of("oom_group=true", "{}")), (Some(Ok(1)), Some(Ok(1))));
    assert_eq!((of("oom_group=false", flagged), of("oom_group=false", "{}")), (Some(Ok(0)), None));
    assert_eq!((of("", flagged), of("", "{}")), (None, None));
}

#[test]
fn a_file_that_the_kernel_lacks_is_skipped() {
    let lines = "oom_group=true\nmemory_max=\"1G\"\nswap_max=0";
    assert_eq!(
        settings_of(lines, "{}", &[MemoryFile::SwapMax, MemoryFile::OomGroup]),
        [
            ("memory.oom.group", Err(SkipReason::NoFile)),
            ("memory.max", Ok(1 << 30)),
            ("memory.swap.max", Err(SkipReason::NoFile))
        ]
    );
}

#[test]
fn above_the_engine_means_its_own_number() {
    let policy = policy("[class.x]\noom_score_adj=500\nabove_engine=100\n");
    let class = policy.class("x").unwrap();
    let of = |spec: &str, engine: i64| {
        wanted_score(class, &workload(spec), Around::started_from(score(engine))).map(OomScoreAdj::get)
    };
    let unset = r#"{"process":{}}"#;
    assert_eq!((of(unset, -1000), of(unset, 400), of(unset, 938)), (Some(500), Some(500), Some(1000)));
    assert_eq!((of(unset, 850), of(r#"{"process":{"oomScoreAdj":850}}"#, 850)), (Some(950), Some(950)));
    assert_eq!(of(r#"{"process":{"oomScoreAdj":990}}"#, 850), Some(990), "never lowered");
    let room = |engine: i64| room_above(class, score(engine));
    assert_eq!((room(900), room(901), room(1000)), (None, Some(99), Some(0)));
}
