//! Why something was killed, as far as the evidence goes.

use std::fmt;

use super::decision::Decision;
use super::event::OomEvent;
use super::kernel::{Constraint, Reach};
use super::limit::{limit_alone, limited, shown};
use crate::registry::{self, Container};
use crate::text::escape;

/// Whose memory was short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The victim's own cgroup reached its limit.
    OwnLimit,
    /// The limit of the victim's pod was reached, which is that of its containers together.
    PodLimit,
    /// A cgroup above the victim's reached its limit, which others use too.
    SharedLimit,
    /// A cgroup reached its limit, and nobody was killed for it.
    CgroupLimit,
    /// The machine ran out.
    WholeMachine,
    /// The memory of the nodes that the request was limited to ran out (cpuset or memory policy).
    Nodes,
    /// A person asked for it (sysrq-f).
    Manual,
    /// `oomshim guard` ended the job: it lowers the limit for that, and the kernel kills at it.
    Guard,
    /// A cgroup's limit, and the log does not tell which.
    UnknownLimit,
    /// What there is does not tell.
    Unknown,
}

impl Cause {
    /// A name for programs.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Cause::OwnLimit => "own-limit",
            Cause::PodLimit => "pod-limit",
            Cause::SharedLimit => "shared-limit",
            Cause::CgroupLimit => "cgroup-limit",
            Cause::WholeMachine => "whole-machine",
            Cause::Nodes => "memory-nodes",
            Cause::Manual => "manual",
            Cause::Guard => "guard",
            Cause::UnknownLimit => "unknown-limit",
            Cause::Unknown => "unknown",
        }
    }

    /// Whether it is the limit of some cgroup.
    #[must_use]
    pub fn is_limit(self) -> bool {
        matches!(
            self,
            Cause::OwnLimit | Cause::PodLimit | Cause::SharedLimit | Cause::CgroupLimit | Cause::UnknownLimit
        )
    }
}

/// How sure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// No evidence decides.
    None,
    /// The evidence fits, but leaves room, or may be forged.
    Likely,
    /// The kernel says so.
    Certain,
}

impl fmt::Display for Confidence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Confidence::None => "none",
            Confidence::Likely => "likely",
            Confidence::Certain => "certain",
        })
    }
}

/// A cause with what speaks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The cause.
    pub cause: Cause,
    /// How sure it is.
    pub confidence: Confidence,
    /// What speaks for it, in sentences.
    pub evidence: Vec<String>,
}

/// Judges an event; `container` is the first victim's, where oomshim started it, `guard` a kill of the guard's that led
/// to it.
#[must_use]
pub fn judge(event: &OomEvent, container: Option<&Container>, guard: Option<&Decision>) -> Verdict {
    let mut verdict = match guard {
        Some(kill) => verdict(
            Cause::Guard,
            Confidence::Certain,
            format!("oomshim guard recorded at that time that it ended this job: {}", escape::text(&kill.message)),
        ),
        None => decide(event, container),
    };
    if verdict.cause == Cause::WholeMachine && event.invoked.as_ref().is_some_and(|invoked| invoked.is_leftover) {
        verdict.confidence = Confidence::Likely;
        verdict.evidence.push(
            "gfp_mask=0x0 is a page fault whose own request failed before: on kernels before 5.16 that may be one at \
             the limit of a cgroup with nothing to kill, whatever the machine has left"
                .to_owned(),
        );
    }
    if !event.is_proven && verdict.confidence == Confidence::Certain {
        verdict.confidence = Confidence::Likely;
        verdict
            .evidence
            .push("this form of the log does not tell the kernel's lines from those of programs".to_owned());
    }
    verdict
}

pub(super) fn verdict(cause: Cause, confidence: Confidence, evidence: impl Into<String>) -> Verdict {
    Verdict { cause, confidence, evidence: vec![evidence.into()] }
}

fn decide(event: &OomEvent, container: Option<&Container>) -> Verdict {
    if event.manual {
        return verdict(
            Cause::Manual,
            Confidence::Certain,
            "the request came from sysrq, as order=-1 or a line of its own says",
        );
    }
    let is_nobody = event.killed.is_empty() && event.exiting.is_empty() && !event.is_cut;
    if is_nobody {
        return nobody(event);
    }
    // Kernels 5.0 to 5.1.18 write CONSTRAINT_NONE for a cgroup's limit too: the cgroup that ran out decides.
    match (event.constraint(), &event.limit_path, &event.victim_path) {
        (_, Some(limit), Some(victim)) => limited(limit, victim, container),
        (_, Some(limit), None) => limit_alone(limit),
        (Some(Constraint::Cpuset | Constraint::Policy), None, _) => nodes(event),
        (Some(Constraint::None), None, task) if task.is_some() => verdict(
            Cause::WholeMachine,
            Confidence::Certain,
            "the kernel's summary says global_oom, without any constraint",
        ),
        (Some(Constraint::None), None, None) if event.summary.as_ref().is_some_and(|it| it.pid.is_some()) => verdict(
            Cause::WholeMachine,
            Confidence::Certain,
            "the kernel's summary names no constraint and no cgroup: this kernel has no memory cgroups",
        ),
        _ => by_message(event),
    }
}

/// Which nodes the request was limited to.
fn nodes(event: &OomEvent) -> Verdict {
    let summary = event.summary.as_ref();
    let list = summary.and_then(|it| it.nodes.as_deref()).filter(|nodes| !nodes.is_empty());
    let list = list.map_or_else(String::new, |nodes| format!(": nodes {nodes}"));
    let evidence = if event.constraint() == Some(Constraint::Policy) {
        format!(
            "the kernel's summary says that a memory policy limited the request to some of the machine's nodes{list}"
        )
    } else {
        let cpuset =
            summary.and_then(|it| it.cpuset.as_deref()).map_or_else(String::new, |it| format!(" {}", shown(it)));
        format!(
            "the kernel's summary says that cpuset{cpuset} limited the request to some of the machine's nodes{list}"
        )
    };
    verdict(Cause::Nodes, Confidence::Certain, evidence)
}

/// Nobody was killed, so that there is no summary. Numbers of a cgroup's usage are there only if it was a cgroup's limit.
fn nobody(event: &OomEvent) -> Verdict {
    let is_cgroup = event.usage_is_told() || event.has_cgroup_frame;
    match event.panic_on_oom {
        Some(_) if is_cgroup => verdict(
            Cause::CgroupLimit,
            Confidence::Certain,
            "vm.panic_on_oom is 2, so that the kernel panicked before it chose anybody; it told a cgroup's usage before",
        ),
        Some(1) => verdict(
            Cause::WholeMachine,
            Confidence::Certain,
            "vm.panic_on_oom is 1, so that the kernel panicked before it chose anybody; at a cgroup's limit it does not",
        ),
        Some(_) => verdict(
            Cause::WholeMachine,
            Confidence::Likely,
            "vm.panic_on_oom is 2, so that the kernel panicked before it chose anybody; no cgroup's usage is in the log",
        ),
        None if is_cgroup => verdict(
            Cause::CgroupLimit,
            Confidence::Certain,
            "the kernel told a cgroup's usage and found nothing to kill in it",
        ),
        None if event.panicked => verdict(
            Cause::WholeMachine,
            Confidence::Likely,
            "the kernel found nothing to kill and panicked, which it does not do at a cgroup's limit",
        ),
        None => verdict(
            Cause::CgroupLimit,
            Confidence::Likely,
            "the kernel found nothing to kill and did not panic, as it would for the whole machine",
        ),
    }
}

/// Only the words in front of the kill are there: kernels before 5.0 have no summary, and it is left out when kills come
/// fast.
fn by_message(event: &OomEvent) -> Verdict {
    // Until 5.0 a kill is announced in words that went away with 5.1.
    let is_old = event.chosen.is_some();
    match event.reach {
        Some(Reach::Machine | Reach::AllocatingTask) => verdict(
            Cause::WholeMachine,
            Confidence::Likely,
            if is_old {
                "the kill says \"Out of memory\" and not \"Memory cgroup out of memory\"; this kernel tells no more"
            } else {
                "the kill says \"Out of memory\" and not \"Memory cgroup out of memory\"; its summary is not in the log"
            },
        ),
        Some(Reach::Cgroup) => verdict(
            Cause::UnknownLimit,
            Confidence::None,
            if is_old {
                "a cgroup's limit was reached, but the line that names it is not in the log"
            } else {
                "a cgroup's limit was reached, but the line that names it is not in the log: the kernel leaves it out \
                 when kills come fast"
            },
        ),
        None if event.usage_is_told() || event.has_cgroup_frame || event.constraint() == Some(Constraint::Cgroup) => {
            verdict(
                Cause::UnknownLimit,
                Confidence::None,
                "a cgroup's limit was reached, but the line that names it is not in the log",
            )
        }
        None if !event.pages.is_empty() => verdict(
            Cause::WholeMachine,
            Confidence::Likely,
            "the kernel told what filled the machine, which it does not for a cgroup's limit",
        ),
        None => verdict(
            Cause::Unknown,
            Confidence::None,
            "neither a summary nor a message in front of the kill is in the log",
        ),
    }
}

/// The container that was hit, alive or deleted lately.
#[must_use]
pub fn container<'a>(event: &OomEvent, known: &'a [Container]) -> Option<&'a Container> {
    let path = event.victim_path.as_deref().or(event.group.as_deref())?;
    registry::find_by_cgroup(known, path)
}

#[cfg(test)]
#[path = "cause_tests.rs"]
mod tests;
