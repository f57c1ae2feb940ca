//! The decision: which class a workload has, and what can be done about it on this host. Pure.

use std::fmt;

use super::Policy;
use super::class::{Adjust, Class};
use super::rule::ClassRef;
use crate::spec::edit::{Edit, MemoryFile};
use crate::spec::workload::Workload;
use crate::system::host::{Cgroups, Host};
use crate::system::oom_score_adj::OomScoreAdj;

/// The annotation by which a workload asks for a class that is at least as strict as the one it would get.
pub const CLASS_ANNOTATION: &str = "oomshim.class";

/// A workload's class and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The class; `None` for `keep`.
    pub class: Option<Class>,
    /// Where it comes from.
    pub because: Source,
    /// What came of the workload's own wish, if it had one.
    pub volunteer: Option<ClassRequest>,
}

/// Where a class comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The rule of that index in [`Policy::rules`].
    Rule(usize),
    /// No rule holds.
    Default,
    /// The caller named it (`oomshim-hook --class`).
    Named,
}

/// What came of a workload's wish for a class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClassRequest {
    /// Granted: it is not less strict than the rules.
    Granted,
    /// There is no class of that name.
    Unknown(String),
    /// Refused: the class's score is below the one the rules give.
    Milder(String),
    /// Refused: the rules leave this container alone.
    Kept(String),
}

impl Decision {
    /// The name of the class.
    #[must_use]
    pub fn name(&self) -> &str {
        self.class.as_ref().map_or("keep", |class| &class.name)
    }
}

/// The class of a workload: the first rule that holds, or the default; then what the workload volunteers for.
#[must_use]
pub fn classify(policy: &Policy, workload: &Workload<'_>) -> Decision {
    let rule = policy.rules.iter().position(|rule| rule.fails_on(workload).is_none());
    let (named, because) = match rule {
        Some(index) => (&policy.rules[index].class, Source::Rule(index)),
        None => (&policy.default, Source::Default),
    };
    let ruled = match named {
        ClassRef::Keep => None,
        // The file's reader let only known names through.
        ClassRef::Named(name) => policy.class(name),
    };
    let mut decision = Decision { class: ruled.cloned(), because, volunteer: None };
    let Some(wish) = workload.annotation(CLASS_ANNOTATION).next() else { return decision };
    let outcome = match (ruled, policy.class(wish)) {
        (Some(ruled), Some(_)) if ruled.name == wish => return decision,
        (None, _) => ClassRequest::Kept(wish.to_owned()),
        (_, None) => ClassRequest::Unknown(wish.to_owned()),
        (Some(ruled), Some(wanted)) if wanted.score < ruled.score => ClassRequest::Milder(wish.to_owned()),
        (Some(ruled), Some(wanted)) => {
            decision.class = Some(ruled.tightened_by(wanted));
            ClassRequest::Granted
        }
    };
    decision.volunteer = Some(outcome);
    decision
}

/// What is done to a spec, and what is not and why.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// The edits.
    pub edits: Vec<Edit>,
    /// The score that the class gives, where the process may not go so low: it gets the edit's instead.
    pub clamped_from: Option<OomScoreAdj>,
    /// What the class says and cannot be had here.
    pub skipped: Vec<Skipped>,
}

impl Plan {
    /// The score that the container gets.
    #[must_use]
    pub fn score(&self) -> Option<OomScoreAdj> {
        self.edits.iter().find_map(|edit| match edit {
            Edit::OomScoreAdj(score) => Some(*score),
            Edit::Memory(..) => None,
        })
    }

    /// Whether the container gets the score that its class gives.
    #[must_use]
    pub fn has_its_score(&self) -> bool {
        self.clamped_from.is_none() && !self.skipped.iter().any(|skipped| skipped.why == SkipReason::NoProcess)
    }
}

/// Something that the class says and that is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The field of the spec or the file of the cgroup.
    pub what: &'static str,
    /// Why it is not done.
    pub why: SkipReason,
}

/// Why something is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkipReason {
    /// The spec has no object `process`.
    NoProcess,
    /// The memory controller is on cgroup v1, where runtimes refuse `unified` altogether.
    CgroupV1,
    /// Nobody delegated the memory controller to this user.
    NotDelegated,
    /// The command line says `--cgroup-manager disabled`.
    CgroupsDisabled,
    /// The spec has no `linux.resources`: a runtime without rights on cgroups fails on any.
    NoResources,
    /// The spec has no `linux.cgroupsPath`, so the container may share the engine's cgroup.
    NoCgroup,
    /// The engine set a limit that is not higher, bytes.
    EngineLower(u64),
    /// The machine's RAM is not known, so a percentage says nothing.
    MemoryUnknown,
}

impl fmt::Display for SkipReason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            SkipReason::NoProcess => "the spec has no process",
            SkipReason::CgroupV1 => "the memory controller is on cgroup v1",
            SkipReason::NotDelegated => "the memory controller is not delegated to this user",
            SkipReason::CgroupsDisabled => "the engine disabled cgroups for this container",
            SkipReason::NoResources => "the spec has no linux.resources",
            SkipReason::NoCgroup => "the spec has no linux.cgroupsPath",
            SkipReason::EngineLower(limit) => {
                return write!(out, "the engine's own limit is not higher ({limit} bytes)");
            }
            SkipReason::MemoryUnknown => "the size of the machine's RAM is not known",
        };
        out.write_str(text)
    }
}

/// The score that a class gives a workload, before it is clamped to what the process may write.
///
/// `inherited` is the score that the container has where the spec asks for none: a step of a daemon at +900 must not
/// come to stand below its daemon. `None` where the class fills only what is unset and the engine set it.
#[must_use]
pub fn wanted_score(class: &Class, workload: &Workload<'_>, inherited: Option<OomScoreAdj>) -> Option<OomScoreAdj> {
    let asked = workload.asked.score;
    match class.adjust {
        Adjust::Fill if asked.is_some() => None,
        Adjust::Raise => Some(class.score_for(asked.or(inherited))),
        Adjust::Fill | Adjust::Set => Some(class.score_for(asked)),
    }
}

/// What becomes of a workload that is to be left alone: nothing, unless it would inherit what protects its engine.
///
/// Where the engine asks for a score, as those of Kubernetes do for a pod's sandbox, that one stays. Where it asks for
/// none, a workload that could choose to match a rule of class `keep` would choose immunity. `trust_workload` on the
/// rule says that it may.
#[must_use]
pub fn plan_to_keep(policy: &Policy, decision: &Decision, workload: &Workload<'_>, inherited: OomScoreAdj) -> Plan {
    let trusted = matches!(decision.because, Source::Rule(index) if policy.rules[index].trust_workload);
    let asked = &workload.asked;
    let is_left = trusted || asked.score.is_some() || !asked.has_process || inherited >= OomScoreAdj::ZERO;
    Plan { edits: if is_left { Vec::new() } else { vec![Edit::OomScoreAdj(OomScoreAdj::ZERO)] }, ..Plan::default() }
}

/// What to do to the spec of a workload of that class.
///
/// `score` is the score that the class gives ([`wanted_score`]) and the one nearest to it that this process may write
/// ([`crate::system::process::Process::lowest_own_score`]).
#[must_use]
pub fn plan(
    class: &Class,
    workload: &Workload<'_>,
    host: &Host,
    score: Option<(OomScoreAdj, OomScoreAdj)>,
    cgroups_disabled: bool,
) -> Plan {
    let mut plan = Plan::default();
    if let Some((wanted, score)) = score {
        if workload.asked.has_process {
            plan.clamped_from = (score != wanted).then_some(wanted);
            plan.edits.push(Edit::OomScoreAdj(score));
        } else {
            plan.skipped.push(Skipped { what: "process.oomScoreAdj", why: SkipReason::NoProcess });
        }
    }
    let obstacle = obstacle(workload, host, cgroups_disabled);
    for (file, value) in settings(class, workload, host) {
        let edit = obstacle.map_or(value, Err);
        match edit {
            Ok(value) => plan.edits.push(Edit::Memory(file, value)),
            Err(why) => plan.skipped.push(Skipped { what: file.name(), why }),
        }
    }
    plan
}

/// What a class says about the files of the memory controller, in the order of the files.
pub fn settings<'a>(
    class: &'a Class,
    workload: &'a Workload<'_>,
    host: &'a Host,
) -> impl Iterator<Item = (MemoryFile, Result<u64, SkipReason>)> + 'a {
    let group = class.oom_group.then_some((MemoryFile::OomGroup, Ok(1)));
    let limits = class.limits().map(|(file, size)| {
        let Some(bytes) = size.bytes(host.memory) else { return (file, Err(SkipReason::MemoryUnknown)) };
        match workload.asked.limit(file) {
            Some(limit) if limit <= bytes => (file, Err(SkipReason::EngineLower(limit))),
            _ => (file, Ok(bytes)),
        }
    });
    group.into_iter().chain(limits)
}

/// Why no setting of the memory controller can be added to this spec on this host.
fn obstacle(workload: &Workload<'_>, host: &Host, cgroups_disabled: bool) -> Option<SkipReason> {
    match host.cgroups {
        Cgroups::V1 => return Some(SkipReason::CgroupV1),
        Cgroups::V2WithoutMemory => return Some(SkipReason::NotDelegated),
        Cgroups::V2 => {}
    }
    if cgroups_disabled {
        return Some(SkipReason::CgroupsDisabled);
    }
    if !workload.asked.has_resources {
        return Some(SkipReason::NoResources);
    }
    (!workload.has_cgroup()).then_some(SkipReason::NoCgroup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::file;
    use crate::spec::document::Document;
    use std::path::Path;

    const FULL: &str = r#"{"process":{},"linux":{"cgroupsPath":"/b/1","resources":{"memory":{"limit":1000}}}}"#;

    fn score(number: i64) -> OomScoreAdj {
        OomScoreAdj::new(number).unwrap()
    }

    fn host(cgroups: Cgroups) -> Host {
        Host { cgroups, memory: Some(1 << 40) }
    }

    fn policy(text: &str) -> Policy {
        file::parse(text, Path::new("p")).unwrap()
    }

    fn workload(text: &str) -> Workload<'static> {
        let text = text.to_owned().leak();
        Workload::of(Box::leak(Box::new(Document::parse(text.as_bytes()).unwrap())))
    }

    fn plan_of(spec: &str, cgroups: Cgroups, disabled: bool) -> Plan {
        let workload = workload(spec);
        let class = classify(
            &policy("[class.build-step]\noom_score_adj=500\noom_group=true\nmemory_max=\"1KiB\"\n"),
            &workload,
        );
        plan(&class.class.unwrap(), &workload, &host(cgroups), Some((score(500), score(500))), disabled)
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
        let sandbox = r#"{"annotations":{"io.kubernetes.cri.container-type":"sandbox"}}"#;
        assert_eq!(of(sandbox).0, "keep");
        assert_eq!(of(r#"{"annotations":{"io.kubernetes.cri-o.ContainerType":"sandbox"}}"#).0, "keep");
    }

    #[test]
    fn a_workload_may_volunteer_to_die_first_and_for_nothing_else() {
        let policy = policy("[class.victim]\noom_score_adj=900\n[class.mild]\noom_score_adj=100\n");
        let of = |annotations: &str| classify(&policy, &workload(&format!("{{\"annotations\":{{{annotations}}}}}")));
        let granted = of(r#""oomshim.class":"victim""#);
        assert_eq!((granted.name(), granted.volunteer.clone()), ("victim", Some(ClassRequest::Granted)));
        assert!(granted.class.unwrap().oom_group, "the group kill of the class it would have had stays");
        assert_eq!(of(r#""oomshim.class":"mild""#).volunteer, Some(ClassRequest::Milder("mild".into())));
        assert_eq!(of(r#""oomshim.class":"daemon""#).name(), "build-step");
        assert_eq!(of(r#""oomshim.class":"keep""#).volunteer, Some(ClassRequest::Unknown("keep".into())));
        assert_eq!(of(r#""oomshim.class":"build-step""#).volunteer, None);
        let kept = of(r#""oomshim.class":"victim","io.kubernetes.cri.container-type":"sandbox""#);
        assert_eq!((kept.class, kept.volunteer), (None, Some(ClassRequest::Kept("victim".into()))));
    }

    #[test]
    fn what_is_kept_does_not_inherit_immunity() {
        let text = "[[rule]]\nclass=\"keep\"\nmatch.hostname=\"t\"\ntrust_workload=true\n";
        let policy = policy(text);
        let of = |spec: &str, inherited: i64| {
            let workload = workload(spec);
            let decision = classify(&policy, &workload);
            assert!(decision.class.is_none(), "{spec}");
            plan_to_keep(&policy, &decision, &workload, score(inherited)).score().map(OomScoreAdj::get)
        };
        let sandbox = |process: &str| {
            format!(r#"{{"annotations":{{"io.kubernetes.cri.container-type":"sandbox"}},"process":{process}}}"#)
        };
        assert_eq!(of(&sandbox("{}"), -1000), Some(0), "nobody gains immunity by an annotation");
        assert_eq!(of(&sandbox("{}"), 0), None);
        assert_eq!(
            of(&sandbox(r#"{"oomScoreAdj":-998}"#), -999),
            None,
            "a pod's sandbox keeps what Kubernetes gave it"
        );
        assert_eq!(of(r#"{"hostname":"t","process":{}}"#, -1000), None, "the administrator said so");
    }

    #[test]
    fn memory_settings_are_added_only_where_they_work() {
        let group = Edit::Memory(MemoryFile::OomGroup, 1);
        let cases = [
            (FULL, Cgroups::V2, false, None),
            (FULL, Cgroups::V1, false, Some(SkipReason::CgroupV1)),
            (FULL, Cgroups::V2WithoutMemory, false, Some(SkipReason::NotDelegated)),
            (FULL, Cgroups::V2, true, Some(SkipReason::CgroupsDisabled)),
            (r#"{"process":{},"linux":{"cgroupsPath":"/b"}}"#, Cgroups::V2, false, Some(SkipReason::NoResources)),
            (
                r#"{"process":{},"linux":{"cgroupsPath":"","resources":{}}}"#,
                Cgroups::V2,
                false,
                Some(SkipReason::NoCgroup),
            ),
        ];
        for (spec, cgroups, disabled, why) in cases {
            let plan = plan_of(spec, cgroups, disabled);
            assert_eq!(plan.edits[0], Edit::OomScoreAdj(score(500)));
            assert_eq!(plan.edits.contains(&group), why.is_none(), "{spec}");
            let skipped = plan.skipped.iter().find(|skipped| skipped.what == "memory.oom.group");
            assert_eq!(skipped.map(|skipped| skipped.why), why, "{spec}");
        }
    }

    #[test]
    fn a_lower_limit_of_the_engine_stays() {
        let plan = plan_of(FULL, Cgroups::V2, false);
        assert_eq!(plan.skipped, [Skipped { what: "memory.max", why: SkipReason::EngineLower(1000) }]);
        let plan = plan_of(&FULL.replace("1000", "2000"), Cgroups::V2, false);
        assert!(plan.edits.contains(&Edit::Memory(MemoryFile::Max, 1024)));
    }

    #[test]
    fn a_score_below_the_floor_is_clamped_and_said() {
        let policy = policy("");
        let workload = workload(FULL);
        let daemon = policy.class("daemon").unwrap();
        let clamped = plan(daemon, &workload, &host(Cgroups::V2), Some((OomScoreAdj::MIN, OomScoreAdj::ZERO)), false);
        assert_eq!((clamped.score(), clamped.clamped_from), (Some(OomScoreAdj::ZERO), Some(OomScoreAdj::MIN)));
        assert!(!clamped.has_its_score());
        let free = plan(daemon, &workload, &host(Cgroups::V2), Some((OomScoreAdj::MIN, OomScoreAdj::MIN)), false);
        assert!(free.has_its_score() && free.clamped_from.is_none());
    }

    #[test]
    fn the_wanted_score_meets_what_was_asked_or_inherited() {
        let of = |adjust: &str, spec: &str, inherited: i64| {
            let policy = policy(&format!("[class.build-step]\noom_score_adj=500\nadjust=\"{adjust}\"\n"));
            let wanted = wanted_score(policy.class("build-step").unwrap(), &workload(spec), Some(score(inherited)));
            wanted.map(OomScoreAdj::get)
        };
        let (unset, asked) = (r#"{"process":{}}"#, r#"{"process":{"oomScoreAdj":-5}}"#);
        assert_eq!((of("fill", asked, 900), of("fill", unset, 900)), (None, Some(500)));
        assert_eq!((of("set", asked, 900), of("set", unset, -1000)), (Some(500), Some(500)));
        assert_eq!((of("raise", unset, -1000), of("raise", asked, 900)), (Some(500), Some(500)));
        assert_eq!(of("raise", unset, 900), Some(900), "a step never stands below its daemon");
    }
}
