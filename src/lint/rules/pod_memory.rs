//! `pod-memory`: a memory setting of a pod that the API refuses, or that means something else.

use crate::lint::kubernetes_view::{Container, Pod, is_filled_in, number, pods};
use crate::lint::rule::prelude::*;

pub(super) struct PodMemory;

/// A container needs more than this to start at all: the runtime itself runs in it for a moment.
const LEAST: f64 = 6.0 * 1024.0 * 1024.0;

impl Rule for PodMemory {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "pod-memory",
            summary: "a memory setting of a pod that is refused, or that means something else",
            group: Group::Killing,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Kubernetes],
            why: prose! {
                /// Kubernetes reads sizes in its own way: `512MB` and `1g` are refused, `512m` is half a byte, and a
                /// field that does not exist limits nothing.
            },
            what: prose! {
                /// A `memory` in `requests` or `limits` (of a container or the pod), or the `sizeLimit` of an emptyDir,
                /// is no quantity, is less than a byte, or is so small that no container starts in it; a request is
                /// above its limit; `memory`, `limit` or `request` stands directly in `resources`; or a container or
                /// pod has an `oomScoreAdj`, for which Kubernetes has no field. A note: a limit without a request,
                /// which reserves the whole limit on the node. Values that are filled in later (`{{ }}`, `${ }`) are
                /// not judged.
            },
            fix: prose! {
                /// Write `512Mi` or `1Gi`, requests no larger than limits. A container's oom_score_adj follows from the
                /// pod's quality of service; a class of oomshim's policy on the node changes it.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        for pod in pods(subject.root()) {
            let whole = Container { node: pod.spec };
            for container in pod.all_containers().chain([whole]) {
                resources(pod, container, report);
                scores(container, report);
            }
            let volumes = pod.spec.field("volumes").into_iter().flat_map(Node::items);
            for limit in volumes.filter_map(|volume| volume.at(&["emptyDir", "sizeLimit"])) {
                size(limit, "sizeLimit", 0.0, report);
            }
        }
    }
}

fn resources(pod: Pod<'_>, container: Container<'_>, report: &mut Report<'_>) {
    let Some(resources) = container.resources() else { return };
    for name in ["memory", "limit", "request"] {
        let Some(node) = resources.field(name) else { continue };
        let message = format!("resources has no field {}: nothing is limited by it", quote(name));
        let help = "Write `resources: {limits: {memory: 1Gi}}`.";
        report.at(&node.name_span(), message).label("no such field").help(help).emit();
    }
    let (request, limit) = (container.entry("requests", "memory"), container.entry("limits", "memory"));
    let requested = request.and_then(|node| size(node, "the request", 0.0, report));
    let limited = limit.and_then(|node| size(node, "the limit", LEAST, report));
    match (request.zip(requested), limit.zip(limited)) {
        (Some((node, requested)), Some((limit, limited))) if requested > limited && limited > 0.0 => report
            .at(&node, format!("the request is above the limit of {}: the API refuses it", quote(&limit.raw())))
            .label("more than the limit")
            .related(&limit, "the limit")
            .emit(),
        (None, Some((node, limited))) if request.is_none() && limited > 0.0 && container.node != pod.spec => report
            .at(&node, format!("{} has no memory request: the whole limit is reserved on the node", container.name()))
            .label("also the request")
            .severity(Severity::Note)
            .emit(),
        _ => {}
    }
}

/// The bytes of a size, if it is one; reports what is none.
fn size(node: Node<'_>, what: &str, least: f64, report: &mut Report<'_>) -> Option<f64> {
    if is_filled_in(node) {
        return None;
    }
    let Some(bytes) = number(node) else {
        let message = format!("{what} {} is no quantity: the API refuses it", quote(&node.raw()));
        report.at(&node, message).label("refused").emit();
        return None;
    };
    let message = match bytes {
        bytes if bytes < 0.0 => format!("{what} {} is negative: the API refuses it", quote(&node.raw())),
        bytes if bytes > 0.0 && bytes < 1.0 => {
            format!("{what} {} is less than a byte: `m` is a thousandth, `Mi` is a mebibyte", quote(&node.raw()))
        }
        bytes if bytes > 0.0 && bytes < least => {
            format!("{what} {} is so small that no container starts in it", quote(&node.raw()))
        }
        bytes => return Some(bytes),
    };
    report.at(&node, message).label("not a size that can be used").emit();
    None
}

/// A field that many expect and nobody reads.
fn scores(container: Container<'_>, report: &mut Report<'_>) {
    let places = [Some(container.node), container.node.field("securityContext")];
    for node in places.into_iter().flatten().filter(|node| node.is_object()) {
        let is_score = |key: &str| matches!(key, "oomScoreAdj" | "oomScoreAdjust" | "oom_score_adj");
        for field in node.children().filter(|child| child.key().is_some_and(|key| is_score(&key))) {
            let message = "Kubernetes has no field for oom_score_adj: it follows from the quality of service";
            report.at(&field.name_span(), message).label("no such field").emit();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::lint::finding::Severity::{self, Error, Note};
    use crate::lint::{self, Options};

    #[test]
    fn sizes_are_judged_as_the_api_does() {
        let found = |resources: &str| {
            let text =
                format!("apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n    resources: {resources}\n");
            let outcome = lint::bytes(Path::new("x.yaml"), text.as_bytes(), None, &Options::default()).unwrap();
            let own = outcome.findings.into_iter().filter(|finding| finding.rule.name == "pod-memory");
            own.map(|finding| finding.severity).collect::<Vec<Severity>>()
        };
        for bad in [
            "{limits: {memory: 512MB}, requests: {memory: 1Mi}}",
            "{limits: {memory: 512m}}",
            "{limits: {memory: 64k}}",
            "{limits: {memory: -1}}",
            "{limits: {memory: 1Gi}, requests: {memory: 2Gi}}",
            "{memory: 1Gi}",
            "{requests: {memory: 1g}}",
        ] {
            assert_eq!(found(bad), [Error], "{bad}");
        }
        for good in [
            "{}",
            "{limits: {memory: 1Gi}, requests: {memory: 1Gi}}",
            "{limits: {memory: 1e9}, requests: {memory: 1000M}}",
            "{limits: {memory: '${LIMIT}'}}",
            "{requests: {memory: 0.5Gi}}",
            "{limits: {memory: 0}}",
        ] {
            assert!(found(good).is_empty(), "{good}");
        }
        assert_eq!(found("{limits: {memory: 1Gi}}"), [Note]);
    }
}
