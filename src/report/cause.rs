//! Why something was killed, as far as the evidence goes.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use super::event::Event;
use super::line::{Constraint, Reach};
use crate::containers::{self, Container};
use crate::escape;
use crate::rank::text::size;

/// Whose memory was short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The victim's own cgroup reached its limit.
    OwnLimit,
    /// A cgroup above the victim's reached its limit, which others use too.
    SharedLimit,
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

/// The path down to the component that looks like a container of an engine.
fn container_root(path: &Path) -> Option<PathBuf> {
    let is_id = |text: &str| text.len() >= 25 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_container = |name: &str| {
        let unit = name.strip_suffix(".scope").and_then(|unit| unit.rsplit_once('-'));
        is_id(name) || unit.is_some_and(|(_, id)| is_id(id)) || name.strip_prefix("libpod-").is_some_and(is_id)
    };
    let at = path
        .components()
        .position(|part| matches!(part, Component::Normal(name) if name.to_str().is_some_and(is_container)))?;
    Some(path.components().take(at + 1).collect())
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
        None if event.panicked || event.nothing_killable => {
            verdict(Cause::WholeMachine, Confidence::Likely, "the kernel found nothing to kill")
        }
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
    let tmpfs = event.shared.zip(event.used).filter(|(shared, used)| *shared > used / 2);
    if let Some((shared, used)) = tmpfs {
        return format!(
            "{} of its {} were tmpfs or shared memory, which killing a process does not free: give its tmpfs mounts a \
             size, or put what they hold on a disk",
            size(shared),
            size(used)
        );
    }
    if event.nothing_killable {
        return "every process was exempt from being killed: find who inherited -1000 (`oomshim doctor`)".to_owned();
    }
    let text = match cause {
        Cause::OwnLimit => "give it a higher limit, or make it need less: fewer jobs at a time, for one",
        Cause::SharedLimit => {
            "look at what else runs below that limit: give each its own limit, raise the shared one, or run fewer at a time"
        }
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
    containers::find_by_cgroup(known, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(limit: Option<&str>, victim: &str) -> Event {
        Event {
            constraint: Some(if limit.is_some() { Constraint::Cgroup } else { Constraint::None }),
            limit_path: limit.map(Into::into),
            victim_path: Some(victim.into()),
            is_proven: true,
            ..Event::default()
        }
    }

    fn of(event: &Event, container: Option<&Container>) -> (&'static str, Confidence) {
        let verdict = judge(event, container);
        (verdict.cause.id(), verdict.confidence)
    }

    #[test]
    fn whose_limit_it_was_is_told_by_the_cgroups() {
        let id = "0123456789abcdef0123456789abcdef";
        let docker = format!("/system.slice/docker-{id}.scope");
        let cases = [
            (Some("/a".to_owned()), "/a".to_owned(), ("own-limit", Confidence::Certain)),
            (Some("/a".to_owned()), "/a/b".to_owned(), ("shared-limit", Confidence::Likely)),
            (Some(docker.clone()), format!("{docker}/init"), ("own-limit", Confidence::Likely)),
            (Some("/system.slice".to_owned()), docker.clone(), ("shared-limit", Confidence::Certain)),
            (Some("/buildkit".to_owned()), format!("/buildkit/{id}"), ("shared-limit", Confidence::Certain)),
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
        let with = |reach| Event { reach, is_proven: true, ..Event::default() };
        assert_eq!(of(&with(Some(Reach::Machine)), None), ("whole-machine", Confidence::Likely));
        assert_eq!(of(&with(Some(Reach::Cgroup)), None), ("unknown", Confidence::None));
        assert_eq!(of(&with(None), None), ("unknown", Confidence::None));
    }

    #[test]
    fn what_may_be_forged_is_never_certain() {
        let forged = Event { is_proven: false, ..event(None, "/a") };
        assert_eq!(of(&forged, None), ("whole-machine", Confidence::Likely));
    }

    #[test]
    fn tmpfs_is_named_where_it_is_to_blame() {
        let full = Event { shared: Some(900), used: Some(1000), ..event(Some("/a"), "/a") };
        assert!(advice(&full, &Cause::OwnLimit).contains("tmpfs"));
        assert!(advice(&event(Some("/a"), "/a"), &Cause::OwnLimit).starts_with("give it a higher limit"));
    }
}
