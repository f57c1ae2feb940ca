//! `immune-step`: a container that the kernel never kills.

use crate::lint::change;
use crate::lint::inspect_view::containers;
use crate::lint::rule::prelude::*;
use crate::spec::edit::Edit;
use crate::system::oom_score_adj::OomScoreAdj;

pub(super) struct ImmuneStep;

impl Rule for ImmuneStep {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "immune-step",
            summary: "process.oomScoreAdj is -1000 in a container",
            group: Group::Score,
            severity: Severity::Error,
            confidence: Confidence::Medium,
            fixable: Fixable::Unsafe,
            kinds: &[FileKind::Spec, FileKind::ContainerInspect],
            why: prose! {
                /// The kernel never kills a process at -1000; when everything that eats memory is at -1000 and nothing
                /// else is left, it panics.
            },
            what: prose! {
                /// `process.oomScoreAdj` is -1000. Every process of the container inherits it, `memory.oom.group`
                /// spares it, and its tmpfs stays pinned. In what looks like a build step (BuildKit's host name, cgroup
                /// or directory) it is certain that nobody wants this; a daemon that runs in a container may be meant
                /// to have it.
            },
            fix: prose! {
                /// Give the step 500. A daemon in a container gets -1000 through a rule of oomshim's policy on its
                /// cgroup, bundle or an `io.kubernetes.cri` annotation, and its steps do not inherit it then.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        if subject.kind == FileKind::ContainerInspect {
            return inspected(subject.root(), report);
        }
        let spec = subject.spec();
        let Some(node) = spec.is_immune().filter(|_| !spec.is_sandbox()) else { return };
        let is_step = spec.is_build_step();
        let what = if is_step { "a build step is" } else { "every process of this container is" };
        let Ok(step) = OomScoreAdj::new(500) else { return };
        report
            .at(&node, format!("{what} at -1000, which the kernel never kills"))
            .label("immune")
            .confidence(if is_step { Confidence::High } else { Confidence::Medium })
            .fix(Safety::Unsafe, "set oomScoreAdj to 500", || change::edits(node, &[Edit::OomScoreAdj(step)]))
            .emit();
    }
}

fn inspected(root: Node<'_>, report: &mut Report<'_>) {
    for container in containers(root).filter(|container| container.limit().is_none()) {
        let Some((node, _)) = container.score().filter(|(_, score)| *score == -1000) else { continue };
        let message = format!("the kernel never kills {}: its oom_score_adj is -1000", container.name());
        report.at(&node, message).label("never killed").emit();
    }
}
