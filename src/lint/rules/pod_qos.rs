//! `pod-qos`: the oom_score_adj that the kubelet will give the containers of a pod.

use crate::lint::kubernetes_view::{Container, Pod, Qos, pods};
use crate::lint::rule::prelude::*;
use crate::text::size::size;

pub(super) struct PodQos;

impl Rule for PodQos {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "pod-qos",
            summary: "a pod whose quality of service makes the kernel kill it before others",
            group: Group::Score,
            severity: Severity::Note,
            confidence: Confidence::Medium,
            fixable: Fixable::No,
            kinds: &[FileKind::Kubernetes],
            why: prose! {
                /// When the node runs out of memory, the oom_score_adj that the kubelet gave decides who is killed, and
                /// it follows from requests and limits alone.
            },
            what: prose! {
                /// A pod is BestEffort (neither requests nor limits of CPU and memory: 1000, it is killed first) or
                /// Burstable (1000 - 1000 × memory request / memory of the node, from 3 to 999). The numbers are those
                /// of a node of 64 GiB, with `--host` of this machine. Guaranteed pods (requests equal to limits for
                /// CPU and memory in every container: -997) and node-critical ones are not reported. For a build job
                /// 1000 may be what is wanted. A LimitRange of the namespace may add limits that are not seen here.
            },
            fix: prose! {
                /// Give every container limits of CPU and memory, and requests of the same size, where the pod is to
                /// live; leave it so where it is to be killed before others.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        for pod in pods(subject.root()).filter(|pod| !pod.is_node_critical()) {
            let Some((qos, lacking)) = pod.qos() else { continue };
            let place = pod.spec.field("containers").unwrap_or(pod.spec).name_span();
            match qos {
                Qos::Guaranteed => {}
                Qos::BestEffort => report
                    .at(&place, format!("{} is BestEffort: oom_score_adj 1000, it is killed first", pod.name()))
                    .label("neither requests nor limits")
                    .emit(),
                Qos::Burstable => {
                    let message = format!("{} is Burstable: {}", pod.name(), scores(pod, subject));
                    let why = lacking.map_or_else(String::new, |container| {
                        format!("{} has no equal requests and limits of CPU and memory", container.name())
                    });
                    report.at(&place, message).label(why.trim()).emit();
                }
            }
        }
    }
}

/// The memory of a node of which nothing is known, bytes.
const NODE: u64 = 64 << 30;

/// The oom_score_adj of a Burstable container (kubelet `GetContainerOOMScoreAdjust`).
pub(super) fn burstable_score(request: f64, node: u64) -> i32 {
    #[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 bytes of memory")]
    let score = 1000.0 - (1000.0 * request / node as f64).floor();
    #[expect(clippy::cast_possible_truncation, reason = "it is between 3 and 999")]
    let score = score.clamp(3.0, 999.0) as i32;
    score
}

/// The memory of the node, and what to call it.
pub(super) fn node(subject: &Subject<'_>) -> (u64, String) {
    match subject.machine.and_then(|machine| machine.host.memory) {
        Some(bytes) => (bytes, "this machine".to_owned()),
        None => (NODE, format!("a node of {}", size(NODE))),
    }
}

/// The oom_score_adj of each container, in words.
fn scores(pod: Pod<'_>, subject: &Subject<'_>) -> String {
    const MOST: usize = 4;
    let (bytes, on) = node(subject);
    let score = |container: Container<'_>| {
        let request = container.amount("requests", "memory").filter(|request| *request > 0.0);
        let request = request.or_else(|| container.amount("limits", "memory")).unwrap_or(0.0);
        format!("{} {}", container.name(), burstable_score(request, bytes))
    };
    let all: Vec<_> = pod.containers().map(score).collect();
    let more = if all.len() > MOST { ", …" } else { "" };
    format!("oom_score_adj on {on}: {}{more}", all[..all.len().min(MOST)].join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_score_is_that_of_the_kubelet() {
        let gib = |count: u64| count << 30;
        #[expect(clippy::cast_precision_loss, reason = "a test")]
        let score = |request: u64, node: u64| burstable_score(gib(request) as f64, gib(node));
        assert_eq!((score(4, 64), score(0, 64), score(64, 64), score(1, 4000)), (938, 999, 3, 999));
    }
}
