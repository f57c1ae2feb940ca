//! `builder-in-pod`: a builder that is killed with its build steps, or before them.

use crate::lint::kubernetes_view::{Container, Pod, Qos, pods};
use crate::lint::rule::prelude::*;
use crate::lint::rules::pod_qos::{burstable_score, node};

pub(super) struct BuilderInPod;

impl Rule for BuilderInPod {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "builder-in-pod",
            summary: "buildkitd or dockerd in a pod that is killed with its build steps, or before them",
            group: Group::Killing,
            severity: Severity::Warning,
            confidence: Confidence::Medium,
            fixable: Fixable::No,
            kinds: &[FileKind::Kubernetes],
            why: prose! {
                /// Build steps run below the builder's own container. One step that runs out of memory then ends
                /// everybody's builds.
            },
            what: prose! {
                /// A container runs BuildKit or Docker in Docker, as its image says. On cgroup v2 the kubelet sets
                /// `memory.oom.group` on every container since 1.28, so that the daemon is killed with its step; and in
                /// a pod that is not Guaranteed the daemon has an oom_score_adj of its own above 0, up to 1000, over
                /// which its steps cannot be raised far, or at all. The first is not reported where the command has
                /// `--ungroup`, nor where a `runtimeClassName` may lead to oomshim on the node.
            },
            fix: prose! {
                /// Start the daemon with `oomshim protect --ungroup -- buildkitd …` in a privileged container, or set
                /// `singleProcessOOMKill: true` in the kubelet's configuration (1.32). Make the pod Guaranteed: limits
                /// of CPU and memory for every container, and requests of the same size; the daemon then has -997.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        for pod in pods(subject.root()) {
            for container in pod.containers().filter(|container| container.is_builder()) {
                let image = container.node.field("image").unwrap_or(container.node);
                if !is_ungrouped(pod, container) {
                    let message = format!(
                        "a build step that runs out of memory takes {} with it: the kubelet sets memory.oom.group",
                        quote(&container.name())
                    );
                    report.at(&image, message).label("killed as a group").emit();
                }
                score(subject, pod, container, image, report);
            }
        }
    }
}

/// Whether something clears the flag that the kubelet sets.
fn is_ungrouped(pod: Pod<'_>, container: Container<'_>) -> bool {
    let words = ["command", "args"].into_iter().filter_map(|name| container.node.field(name)).flat_map(Node::items);
    let mut words = words.filter_map(Node::text);
    words.any(|word| word.contains("--ungroup")) || pod.spec.field("runtimeClassName").is_some()
}

fn score(subject: &Subject<'_>, pod: Pod<'_>, container: Container<'_>, image: Node<'_>, report: &mut Report<'_>) {
    let score = match pod.qos() {
        _ if pod.is_node_critical() => return,
        Some((Qos::BestEffort, _)) => 1000,
        Some((Qos::Burstable, _)) => {
            let request = container.amount("requests", "memory").filter(|request| *request > 0.0);
            let request = request.or_else(|| container.amount("limits", "memory")).unwrap_or(0.0);
            burstable_score(request, node(subject).0)
        }
        Some((Qos::Guaranteed, _)) | None => return,
    };
    let (_, on) = node(subject);
    let message = if score == 1000 {
        format!("{} has oom_score_adj 1000, and no build step can have more", quote(&container.name()))
    } else {
        format!("{} has oom_score_adj {score} on {on}: build steps cannot be told from it", quote(&container.name()))
    };
    // Above 500 a step with 500 is killed after its daemon.
    let severity = if score >= 500 { Severity::Warning } else { Severity::Note };
    report.at(&image, message).label("not Guaranteed").severity(severity).emit();
}
