//! Why something was killed, as far as the evidence goes.

use std::fmt;
use std::path::{Path, PathBuf};

use super::event::Event;
use super::line::{Constraint, Reach};
use crate::registry::{self, Container};
use crate::text::escape;
use crate::text::size::size;

/// Whose memory was short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The victim's own cgroup reached its limit.
    OwnLimit,
    /// A cgroup above the victim's reached its limit, which others use too.
    SharedLimit,
    /// A cgroup reached its limit, and nobody died for it.
    CgroupLimit,
    /// The machine ran out.
    WholeMachine,
    /// The memory of the nodes that the request was limited to ran out (cpuset or memory policy).
    Nodes,
    /// A person asked for it (sysrq-f).
    Manual,
    /// What there is does not tell.
    Unknown,
}

impl Cause {
    /// A name for programs.
    #[must_use]
    pub fn id(&self) -> &'static str {
        match self {
            Cause::OwnLimit => "own-limit",
            Cause::SharedLimit => "shared-limit",
            Cause::CgroupLimit => "cgroup-limit",
            Cause::WholeMachine => "whole-machine",
            Cause::Nodes => "memory-nodes",
            Cause::Manual => "manual",
            Cause::Unknown => "unknown",
        }
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

/// Judges an event; `container` is the first victim's, where oomshim started it.
#[must_use]
pub fn judge(event: &Event, container: Option<&Container>) -> Verdict {
    let mut verdict = decide(event, container);
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

fn verdict(cause: Cause, confidence: Confidence, evidence: impl Into<String>) -> Verdict {
    Verdict { cause, confidence, evidence: vec![evidence.into()] }
}

fn decide(event: &Event, container: Option<&Container>) -> Verdict {
    if event.manual {
        return verdict(
            Cause::Manual,
            Confidence::Certain,
            "the request came from sysrq, as order=-1 or its own record says",
        );
    }
    if event.killed.is_empty() {
        return nobody(event);
    }
    match (event.constraint, &event.limit_path, &event.victim_path) {
        (Some(Constraint::Cgroup), Some(limit), Some(victim)) => limited(limit, victim, container),
        (Some(Constraint::Cpuset | Constraint::Policy), ..) => verdict(
            Cause::Nodes,
            Confidence::Certain,
            "the kernel's summary names a constraint to some of the machine's memory nodes",
        ),
        (Some(Constraint::None), None, _) => verdict(
            Cause::WholeMachine,
            Confidence::Certain,
            "the kernel's summary says global_oom, without any constraint",
        ),
        _ => by_message(event),
    }
}

/// Nobody was killed, so that there is no summary. Numbers of a cgroup's usage are there only if it was a cgroup's limit.
fn nobody(event: &Event) -> Verdict {
    let is_cgroup = event.usage_is_told();
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

/// The cgroup that ran out is named.
fn limited(limit: &Path, victim: &Path, container: Option<&Container>) -> Verdict {
    let shown = |path: &Path| escape::bytes(path.as_os_str().as_encoded_bytes());
    let at = shown(limit);
    if let Some(container) = container {
        return if container.owns(limit) {
            verdict(Cause::OwnLimit, Confidence::Certain, format!("cgroup {at}, which ran out, is the container's own"))
        } else {
            verdict(
                Cause::SharedLimit,
                Confidence::Certain,
                format!("cgroup {at}, which ran out, is above the container's {}", shown(victim)),
            )
        };
    }
    if limit == victim {
        return verdict(
            Cause::OwnLimit,
            Confidence::Certain,
            format!("cgroup {at}, which ran out, is the victim's own"),
        );
    }
    // Without a record of the container, only its cgroup's name tells where it begins.
    match container_root(victim) {
        Some(root) if limit.starts_with(&root) => verdict(
            Cause::OwnLimit,
            Confidence::Likely,
            format!("cgroup {at}, which ran out, seems to be inside of the victim's container"),
        ),
        Some(root) => verdict(
            Cause::SharedLimit,
            Confidence::Certain,
            format!("cgroup {at}, which ran out, is above the victim's container {}", shown(&root)),
        ),
        None => verdict(
            Cause::SharedLimit,
            Confidence::Likely,
            format!("cgroup {at}, which ran out, is above the victim's {}", shown(victim)),
        ),
    }
}

/// The path down to the last component that looks like a container of an engine: there are containers in containers.
fn container_root(path: &Path) -> Option<PathBuf> {
    let is_id = |text: &str| text.len() >= 25 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_container = |name: &str| {
        // A static pod's name is as long as an id.
        if name.starts_with("pod") {
            return false;
        }
        let unit = name.strip_suffix(".scope").and_then(|unit| unit.rsplit_once('-'));
        is_id(name) || unit.is_some_and(|(_, id)| is_id(id)) || name.strip_prefix("libpod-").is_some_and(is_id)
    };
    path.ancestors().find_map(|outer| {
        let is_step = outer.parent().is_some_and(|parent| parent.ends_with("buildkit"));
        (is_step || outer.file_name()?.to_str().is_some_and(is_container)).then(|| outer.to_owned())
    })
}

/// Only the words in front of the kill are there: the summary is left out when kills come fast.
fn by_message(event: &Event) -> Verdict {
    match event.reach {
        Some(Reach::Machine | Reach::AllocatingTask) => verdict(
            Cause::WholeMachine,
            Confidence::Likely,
            "the kill says \"Out of memory\" and not \"Memory cgroup out of memory\"; its summary is not in the log",
        ),
        Some(Reach::Cgroup) => verdict(
            Cause::Unknown,
            Confidence::None,
            "a cgroup's limit was reached, but the record that names it is not in the log: the kernel leaves it out when kills come fast",
        ),
        None => verdict(
            Cause::Unknown,
            Confidence::None,
            "neither a summary nor a message in front of the kill is in the log",
        ),
    }
}

/// What to do next, in a sentence or two.
#[must_use]
pub fn advice(event: &Event, cause: &Cause) -> String {
    if event.panic_on_oom.is_some() {
        return "set vm.panic_on_oom=0, with which the kernel kills somebody instead".to_owned();
    }
    if event.nothing_killable {
        return "every process was exempt from being killed: find who inherited -1000 (`oomshim doctor`)".to_owned();
    }
    let tmpfs = event.shared.zip(event.used).filter(|(shared, used)| *shared > used / 2);
    if let Some((shared, used)) = tmpfs {
        return format!(
            "{} of its {} were tmpfs or shared memory, which killing a process does not free: give its tmpfs mounts a \
             size, or put what they hold on a disk",
            size(shared),
            size(used)
        );
    }
    let text = match cause {
        Cause::OwnLimit => "give it a higher limit, or make it need less: fewer jobs at a time, for one",
        Cause::SharedLimit => {
            "look at what else runs below that limit: give each its own limit, raise the shared one, or run fewer at a time"
        }
        Cause::CgroupLimit => "give it a higher limit, and let something in it be killed",
        Cause::WholeMachine => {
            "run less at a time on this machine, give each job a limit of its own, or add memory; `oomshim rank` tells who is next"
        }
        Cause::Nodes => "widen the cpuset or the memory policy, or run less at a time on those nodes",
        Cause::Manual => "ask who wrote to sysrq",
        Cause::Unknown => "keep the log from the start: `oomshim report --follow`, or the journal's JSON",
    };
    text.to_owned()
}

/// The container that was hit, alive or deleted lately.
#[must_use]
pub fn container<'a>(event: &Event, known: &'a [Container]) -> Option<&'a Container> {
    let path = event.victim_path.as_deref().or(event.group.as_deref())?;
    registry::find_by_cgroup(known, path)
}

#[cfg(test)]
#[path = "cause_tests.rs"]
mod tests;
