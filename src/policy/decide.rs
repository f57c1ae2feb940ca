//! The decision: which class a workload has, and what can be done about it on this host. Pure.

use super::Policy;
use super::class::{Adjust, Class, OomGroup};
use super::rule::ClassRef;
pub use super::skip::{SkipReason, Skipped};
use crate::runtime::argv::CgroupManager;
use crate::spec::edit::Edit;
use crate::spec::workload::{RequestedLimit, Workload};
use crate::system::host::{Cgroups, Host};
use crate::system::memory_file::MemoryFile;
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
    pub request: Option<ClassRequest>,
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

/// The class of a workload: the first rule that holds, or the default; then what the workload asks for.
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
    let mut decision = Decision { class: ruled.cloned(), because, request: None };
    let Some(wish) = workload.annotation(CLASS_ANNOTATION).next() else { return decision };
    let outcome = match (ruled, policy.class(wish)) {
        (Some(ruled), Some(_)) if ruled.name == wish => return decision,
        (None, _) => ClassRequest::Kept(wish.to_owned()),
        (_, None) => ClassRequest::Unknown(wish.to_owned()),
        (Some(ruled), Some(wanted)) if wanted.oom_score_adj < ruled.oom_score_adj => {
            ClassRequest::Milder(wish.to_owned())
        }
        (Some(ruled), Some(wanted)) => {
            decision.class = Some(ruled.tightened_by(wanted));
            ClassRequest::Granted
        }
    };
    decision.request = Some(outcome);
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

/// Scores around a container that has not started yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Around {
    /// The one that the container has where its spec asks for none.
    pub inherited: Option<OomScoreAdj>,
    /// The engine's own, which it hands down to the programs that it starts, this one too.
    pub engine: Option<OomScoreAdj>,
}

impl Around {
    /// Of a container that is started by a process with that score.
    #[must_use]
    pub fn started_from(own: OomScoreAdj) -> Self {
        Around { inherited: Some(own), engine: Some(own) }
    }
}

/// The score that a class gives a workload, before it is clamped to what the process may write.
///
/// A step of a daemon at +900 must not come to stand below its daemon, so what is inherited counts where the spec asks
/// for none. `None` where the class fills only what is unset and the engine set it.
#[must_use]
pub fn wanted_score(class: &Class, workload: &Workload<'_>, around: Around) -> Option<OomScoreAdj> {
    let asked = workload.asked.score;
    let score = match class.adjust {
        Adjust::Fill if asked.is_some() => return None,
        Adjust::Raise => class.oom_score_adj_for(asked.or(around.inherited)),
        Adjust::Fill | Adjust::Set => class.oom_score_adj_for(asked),
    };
    let above = class.above_engine.zip(around.engine).map(|(above, engine)| engine.raised_by(above));
    Some(above.map_or(score, |above| score.max(above)))
}

/// How far above the engine a container of that class can come, where that is less than the class says.
#[must_use]
pub fn room_above(class: &Class, engine: OomScoreAdj) -> Option<u16> {
    let room = u16::try_from(OomScoreAdj::MAX.get() - engine.get()).unwrap_or(0);
    class.above_engine.filter(|above| *above > room).map(|_| room)
}

/// The lowest `oom_score_adj` that class `keep` leaves: that of a pod's sandbox.
const LOWEST_KEPT: OomScoreAdj = OomScoreAdj::SANDBOX;

/// What becomes of a workload that is to be left alone: nothing, unless it would be immune.
///
/// Where the engine asks for a score, as those of Kubernetes do for a pod's sandbox, that one stays down to -998. Where
/// it asks for none, the container would inherit what protects its engine, and gets 0. Otherwise whoever can choose to
/// match a rule of class `keep` could choose immunity. `trust_workload` on the rule says that it may.
#[must_use]
pub fn plan_to_keep(policy: &Policy, decision: &Decision, workload: &Workload<'_>, inherited: OomScoreAdj) -> Plan {
    let trusted = matches!(decision.because, Source::Rule(index) if policy.rules[index].trust_workload);
    if trusted || !workload.asked.has_process {
        return Plan::default();
    }
    let score = match workload.asked.score {
        Some(asked) => (asked < LOWEST_KEPT).then_some(LOWEST_KEPT),
        None => (inherited < OomScoreAdj::ZERO).then_some(OomScoreAdj::ZERO),
    };
    Plan { edits: score.map(Edit::OomScoreAdj).into_iter().collect(), ..Plan::default() }
}

/// What to do to the spec of a workload of that class.
///
/// `score` is the score that the class gives ([`wanted_score`]) and the one nearest to it that this process may write
/// ([`crate::system::own_score::OwnScore::lowest`]).
#[must_use]
pub fn plan(
    class: &Class,
    workload: &Workload<'_>,
    host: &Host,
    score: Option<(OomScoreAdj, OomScoreAdj)>,
    cgroup_manager: CgroupManager,
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
    let obstacle = obstacle(workload, host, cgroup_manager);
    for (file, value) in settings(class, workload, host) {
        match obstacle.map_or(value, Err) {
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
    let group = match class.oom_group {
        OomGroup::Set => Some(1),
        // A new cgroup has 0.
        OomGroup::Clear => workload.asked.oom_group.then_some(0),
        OomGroup::Leave => None,
    };
    let group = group.map(|value| (MemoryFile::OomGroup, Ok(value)));
    let limits = class.limits().map(|(file, size)| {
        let Some(bytes) = size.bytes(host.memory) else { return (file, Err(SkipReason::MemoryUnknown)) };
        match workload.asked.limit(file) {
            Some(RequestedLimit::Bytes(limit)) if limit <= bytes => (file, Err(SkipReason::EngineLower(limit))),
            Some(RequestedLimit::Unreadable) => (file, Err(SkipReason::EngineUnreadable)),
            Some(RequestedLimit::Bytes(_)) | None => (file, Ok(bytes)),
        }
    });
    group
        .into_iter()
        .chain(limits)
        .map(|(file, value)| if host.missing.contains(&file) { (file, Err(SkipReason::NoFile)) } else { (file, value) })
}

/// Why no setting of the memory controller can be added to this spec on this host.
fn obstacle(workload: &Workload<'_>, host: &Host, cgroup_manager: CgroupManager) -> Option<SkipReason> {
    match host.cgroups {
        Cgroups::V1 => return Some(SkipReason::CgroupV1),
        Cgroups::V2WithoutMemory(why) => return Some(SkipReason::NoController(why)),
        Cgroups::V2 => {}
    }
    if cgroup_manager == CgroupManager::Disabled {
        return Some(SkipReason::CgroupsDisabled);
    }
    if !workload.asked.has_resources {
        return Some(SkipReason::NoResources);
    }
    (!workload.has_cgroup()).then_some(SkipReason::NoCgroup)
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
