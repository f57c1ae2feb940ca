//! `immune-with-limit`: a limit, and nobody who could be killed for it.

use crate::lint::inspect_view::containers;
use crate::lint::rule::prelude::*;

pub(super) struct ImmuneWithLimit;

impl Rule for ImmuneWithLimit {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "immune-with-limit",
            summary: "a memory limit on a container at -1000",
            group: Group::Killing,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Spec, FileKind::ContainerInspect],
            why: prose! {
                /// At its limit, with nothing that may be killed, the container neither dies nor goes on: page faults
                /// are retried for ever, at full use of a core.
            },
            what: prose! {
                /// The spec sets a hard memory limit (`linux.resources.memory.limit` or `memory.max`) and `oomScoreAdj`
                /// -1000. System calls fail with ENOMEM; a fault in user space spins (kernel
                /// `pagefault_out_of_memory`).
            },
            fix: prose! {
                /// Raise `oomScoreAdj` so that the limit can be enforced, or take the limit away; `memory.high`
                /// throttles without a kill.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        if subject.kind == FileKind::ContainerInspect {
            return inspected(subject.root(), report);
        }
        let spec = subject.spec();
        let (Some((limit, bytes)), Some(score)) = (spec.hard_limit(), spec.is_immune()) else { return };
        report
            .at(
                &limit,
                format!("a limit of {bytes} bytes with nothing below it that may be killed: the container hangs there"),
            )
            .label("cannot be enforced")
            .related(&score, "because of this oom_score_adj")
            .emit();
    }
}

fn inspected(root: Node<'_>, report: &mut Report<'_>) {
    for container in containers(root) {
        let (Some((limit, bytes)), Some((score, -1000))) = (container.limit(), container.score()) else { continue };
        let message = format!(
            "{} has a limit of {bytes} bytes and nothing in it may be killed: it hangs there",
            container.name()
        );
        report.at(&limit, message).label("cannot be enforced").related(&score, "because of this oom_score_adj").emit();
    }
}
