//! `oom-killer-disabled`: instead of being killed, the step hangs.

use crate::lint::change;
use crate::lint::inspect_view::containers;
use crate::lint::rule::prelude::*;
use crate::system::host::Cgroups;

pub(super) struct OomKillerDisabled;

impl Rule for OomKillerDisabled {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "oom-killer-disabled",
            summary: "disableOOMKiller is true",
            group: Group::Killing,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::Unsafe,
            kinds: &[FileKind::Spec, FileKind::ContainerInspect],
            why: prose! {
                /// On cgroup v1 a step that reaches its limit then sleeps until somebody frees memory, which nobody
                /// does; on cgroup v2 there is no such switch and the setting is ignored.
            },
            what: prose! {
                /// `linux.resources.memory.disableOOMKiller` is true (`docker run --oom-kill-disable`). Where nothing
                /// limits the container it does not even hang: the whole machine runs out and the kernel kills by
                /// score.
                /// In the output of `docker inspect` and `podman inspect` it is `OomKillDisable`.
            },
            fix: prose! {
                /// Take it away. What is to live gets a negative oom_score_adj from the engine; what is to be limited
                /// gets a limit and is killed at it.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        if subject.kind == FileKind::ContainerInspect {
            return inspected(subject.root(), report);
        }
        let switch = subject.spec().memory.and_then(|memory| memory.field("disableOOMKiller"));
        let Some(switch) = switch.filter(|node| node.boolean() == Some(true)) else { return };
        let ignored = subject.machine.is_some_and(|machine| machine.host.cgroups != Cgroups::V1);
        let (message, severity) = if ignored {
            ("disableOOMKiller is ignored on this machine's cgroup v2", Severity::Warning)
        } else {
            (
                "disableOOMKiller: at its limit the container hangs instead of dying, or it is ignored (cgroup v2)",
                Severity::Error,
            )
        };
        report
            .at(&switch, message)
            .label("nothing is killed")
            .severity(severity)
            .fix(Safety::Unsafe, "set disableOOMKiller to false", || vec![change::replace(switch, "false")])
            .emit();
    }
}

fn inspected(root: Node<'_>, report: &mut Report<'_>) {
    for container in containers(root) {
        let Some(switch) = container.host.field("OomKillDisable").filter(|node| node.boolean() == Some(true)) else {
            continue;
        };
        let message = format!("OomKillDisable: at its limit {} hangs and nothing in it is killed", container.name());
        report.at(&switch, message).label("nothing is killed").help(RECREATE).emit();
    }
}

const RECREATE: &str = "Make the container anew without --oom-kill-disable, with a limit that it may reach.";
