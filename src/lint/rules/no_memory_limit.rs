//! `no-memory-limit`: only the end of the machine's memory stops the step.

use crate::lint::inspect_view::containers;
use crate::lint::kubernetes_view::{Container, Qos, pods};
use crate::lint::rule::prelude::*;

pub(super) struct NoMemoryLimit;

impl Rule for NoMemoryLimit {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "no-memory-limit",
            summary: "the container has no memory limit at all",
            group: Group::Killing,
            severity: Severity::Note,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Spec, FileKind::ContainerInspect, FileKind::Kubernetes],
            why: prose! {
                /// Nothing stops the step before the whole machine is out of memory, and every other process suffers
                /// until the kernel acts.
            },
            what: prose! {
                /// Neither `linux.resources.memory.limit` nor `memory.max` or `memory.high` in `unified` limits the
                /// container. Common and often wanted: a build may use what is there. BuildKit ignores the `--memory`
                /// of a build.
            },
            fix: prose! {
                /// Give the class of the container `memory_max` or `memory_high` in oomshim's policy, or set the limit
                /// in the engine. Where oom_score_adj and the group kill are set, doing without is a fair choice.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        match subject.kind {
            FileKind::ContainerInspect => return inspected(subject.root(), report),
            FileKind::Kubernetes => return manifest(subject.root(), report),
            _ => {}
        }
        let spec = subject.spec();
        let (Some(linux), Some(_)) = (spec.linux, spec.process) else { return };
        let high = spec.unified_limit("memory.high").is_some_and(|limit| limit.bytes.is_some());
        if spec.hard_limit().is_some() || high || spec.is_sandbox() {
            return;
        }
        let place = spec.memory.or(spec.resources).unwrap_or(linux);
        report
            .at(&place.name_span(), "no memory limit: only the end of the machine's memory stops this step")
            .label("no limit")
            .emit();
    }
}

fn inspected(root: Node<'_>, report: &mut Report<'_>) {
    for container in containers(root) {
        let Some((node, _)) = container.number("Memory").filter(|(_, bytes)| *bytes == 0) else { continue };
        let message = format!("{} has no memory limit", container.name());
        report.at(&node, message).label("no limit").emit();
    }
}

fn manifest(root: Node<'_>, report: &mut Report<'_>) {
    for pod in pods(root) {
        // That a pod has neither requests nor limits is said once, by `pod-qos`; a limit of the pod holds for all.
        let has_own = Container { node: pod.spec }.entry("limits", "memory").is_some();
        if has_own || pod.qos().is_none_or(|(qos, _)| qos == Qos::BestEffort) {
            continue;
        }
        for container in pod.containers().filter(|container| container.entry("limits", "memory").is_none()) {
            let place = container.node.field("resources").or_else(|| container.node.field("name"));
            let message =
                format!("{} has no memory limit: only the end of the node's memory stops it", container.name());
            let help = "Set `resources.limits.memory`.";
            report.at(&place.unwrap_or(container.node).name_span(), message).label("no limit").help(help).emit();
        }
    }
}
