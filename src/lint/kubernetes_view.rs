//! What rules ask Kubernetes manifests: the pods in them, their resources, and what the kubelet makes of those.

use super::schema::quantity::quantity;
use super::yaml;
use crate::json::{Kind, Node};
use crate::text::escape;

/// An object that rules know.
#[derive(Debug, Clone, Copy)]
pub(super) enum Object<'t> {
    /// One with a pod: its name's node or its kind's, and the pod's `spec`.
    Pod(Node<'t>, Node<'t>),
    /// A `RuntimeClass`.
    RuntimeClass(Node<'t>),
}

/// Where the pod's `spec` is in objects of a kind, and the groups of the API that have the kind.
const KINDS: [(&str, &[&str], &[&str]); 9] = [
    ("Pod", &["v1"], &["spec"]),
    ("PodTemplate", &["v1"], &["template", "spec"]),
    ("ReplicationController", &["v1"], &["spec", "template", "spec"]),
    ("Deployment", &["apps/", "extensions/"], &["spec", "template", "spec"]),
    ("ReplicaSet", &["apps/", "extensions/"], &["spec", "template", "spec"]),
    ("StatefulSet", &["apps/"], &["spec", "template", "spec"]),
    ("DaemonSet", &["apps/", "extensions/"], &["spec", "template", "spec"]),
    ("Job", &["batch/"], &["spec", "template", "spec"]),
    ("CronJob", &["batch/"], &["spec", "jobTemplate", "spec", "template", "spec"]),
];

/// The objects in a file of one document or several, and in the lists that kubectl prints.
pub(super) fn objects(root: Node<'_>) -> impl Iterator<Item = Object<'_>> {
    let of = |node: Node<'_>, name: &str| node.field(name).and_then(Node::text).unwrap_or_default().into_owned();
    let unpack = move |node| {
        let is_list = of(node, "kind").ends_with("List") || of(node, "kind") == "List";
        let items = is_list.then(|| node.field("items")).flatten();
        items.is_none().then_some(node).into_iter().chain(items.into_iter().flat_map(Node::items))
    };
    yaml::documents(root).flat_map(unpack).filter_map(move |node| {
        let (kind, version) = (of(node, "kind"), of(node, "apiVersion"));
        if kind == "RuntimeClass" && version.starts_with("node.k8s.io/") {
            return Some(Object::RuntimeClass(node));
        }
        let (_, groups, path) = KINDS.iter().find(|(name, ..)| *name == kind)?;
        let is_group =
            |group: &&str| if group.ends_with('/') { version.starts_with(*group) } else { version == **group };
        let spec = node.at(path).filter(|_| groups.iter().any(is_group))?;
        spec.field("containers").filter(|containers| containers.kind() == Kind::Array)?;
        Some(Object::Pod(node, spec))
    })
}

/// The pods of a file.
pub(super) fn pods(root: Node<'_>) -> impl Iterator<Item = Pod<'_>> {
    objects(root).filter_map(|object| match object {
        Object::Pod(object, spec) => Some(Pod { object, spec }),
        Object::RuntimeClass(_) => None,
    })
}

/// A pod, or the template of pods.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pod<'t> {
    /// The object that it is in.
    pub object: Node<'t>,
    /// Its `spec`.
    pub spec: Node<'t>,
}

/// A container of a pod.
#[derive(Debug, Clone, Copy)]
pub(super) struct Container<'t> {
    /// The whole.
    pub node: Node<'t>,
}

/// The quality of service that the kubelet gives a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Qos {
    /// Limits for all, and nothing beyond what is requested: -997.
    Guaranteed,
    /// Something between: 3 to 999.
    Burstable,
    /// Neither requests nor limits: 1000.
    BestEffort,
}

impl<'t> Pod<'t> {
    /// What people call it: `Deployment web`.
    pub(super) fn name(self) -> String {
        let text = |path: &[&str]| self.object.at(path).and_then(Node::text).unwrap_or_default().into_owned();
        let name = [text(&["metadata", "name"]), text(&["metadata", "generateName"])].concat();
        escape::text(format!("{} {name}", text(&["kind"])).trim()).into_owned()
    }

    /// The containers that run side by side: init containers that stay are among them.
    pub(super) fn containers(self) -> impl Iterator<Item = Container<'t>> {
        let is_sidecar =
            |node: &Node<'t>| node.field("restartPolicy").and_then(Node::text).is_some_and(|it| it == "Always");
        let sidecars = self.spec.field("initContainers").into_iter().flat_map(Node::items).filter(is_sidecar);
        let containers = self.spec.field("containers").into_iter().flat_map(Node::items);
        containers.chain(sidecars).filter(|node| node.is_object()).map(|node| Container { node })
    }

    /// All containers, init containers included.
    pub(super) fn all_containers(self) -> impl Iterator<Item = Container<'t>> {
        let lists = ["containers", "initContainers"].into_iter().filter_map(move |name| self.spec.field(name));
        lists.flat_map(Node::items).filter(|node| node.is_object()).map(|node| Container { node })
    }

    /// Its quality of service, and the first container that keeps it from being Guaranteed; `None` where a quantity is
    /// none or is filled in later. The API fills in missing requests with the limits.
    pub(super) fn qos(self) -> Option<(Qos, Option<Container<'t>>)> {
        let whole = Container { node: self.spec };
        let has_own =
            whole.resources().is_some_and(|it| ["requests", "limits"].iter().any(|name| it.field(name).is_some()));
        let all: Vec<_> = if has_own { vec![whole] } else { self.all_containers().collect() };
        let mut sets_any = false;
        let mut lacking = None;
        for container in all {
            let mut is_bounded = true;
            for name in ["cpu", "memory"] {
                let (request, limit) = (container.amount("requests", name)?, container.amount("limits", name)?);
                let request = if request > 0.0 { request } else { limit };
                sets_any |= request > 0.0 || limit > 0.0;
                is_bounded &= limit > 0.0 && (request - limit).abs() < 1e-9;
            }
            lacking = lacking.or_else(|| (!is_bounded).then_some(container));
        }
        Some(match (sets_any, lacking) {
            (false, _) => (Qos::BestEffort, None),
            (true, None) => (Qos::Guaranteed, None),
            (true, lacking) => (Qos::Burstable, lacking),
        })
    }

    /// Whether the kubelet treats it as one of the node's own, whatever its quality of service is.
    pub(super) fn is_node_critical(self) -> bool {
        self.spec.field("priorityClassName").and_then(Node::text).is_some_and(|name| name == "system-node-critical")
    }
}

impl<'t> Container<'t> {
    /// What people call it.
    pub(super) fn name(self) -> String {
        escape::text(&self.node.field("name").and_then(Node::text).unwrap_or_default()).into_owned()
    }

    /// `resources`
    pub(super) fn resources(self) -> Option<Node<'t>> {
        self.node.field("resources").filter(|node| node.is_object())
    }

    /// An entry of `requests` or `limits`.
    pub(super) fn entry(self, list: &str, name: &str) -> Option<Node<'t>> {
        self.resources()?.field(list)?.field(name).filter(|node| node.kind() != Kind::Null)
    }

    /// The number of an entry, 0 where there is none; `None` where it is no quantity or is filled in later.
    pub(super) fn amount(self, list: &str, name: &str) -> Option<f64> {
        self.entry(list, name).map_or(Some(0.0), number)
    }

    /// Whether it is a builder that starts build steps in its own cgroup: BuildKit, or Docker in a container.
    pub(super) fn is_builder(self) -> bool {
        let image = self.node.field("image").and_then(Node::text).unwrap_or_default();
        let last = image.rsplit('/').next().unwrap_or_default();
        let (name, tag) = last.split_once([':', '@']).unwrap_or((last, ""));
        name == "buildkit" || name.ends_with("dind") || (name == "docker" && tag.contains("dind"))
    }
}

/// The number of a quantity.
pub(super) fn number(node: Node<'_>) -> Option<f64> {
    match node.kind() {
        #[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 bytes of memory")]
        Kind::Number => node.integer().map(|number| number as f64).or_else(|| quantity(&node.raw())),
        Kind::String => quantity(&node.text()?),
        _ => None,
    }
}

/// Whether a text is filled in later, by helm, envsubst or kustomize.
pub(super) fn is_filled_in(node: Node<'_>) -> bool {
    node.text().is_some_and(|text| text.contains(['$', '{', '<']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn qos(resources: &[&str]) -> Option<Qos> {
        let containers: Vec<_> = resources.iter().map(|it| format!("{{name: a, resources: {it}}}")).collect();
        let text = format!("{{apiVersion: v1, kind: Pod, spec: {{containers: [{}]}}}}", containers.join(", "));
        let tree = yaml::parse(&text).unwrap();
        pods(tree.root()).next().unwrap().qos().map(|(qos, _)| qos)
    }

    #[test]
    fn the_quality_of_service_is_that_of_the_kubelet() {
        let both = "{limits: {cpu: 1, memory: 1Gi}}";
        let cases: [(&[&str], _); 9] = [
            (&["{}"], Some(Qos::BestEffort)),
            (&["null"], Some(Qos::BestEffort)),
            (&[both], Some(Qos::Guaranteed)),
            (&["{limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 1000m, memory: 1024Mi}}"], Some(Qos::Guaranteed)),
            (&[both, "{}"], Some(Qos::Burstable)),
            (&["{limits: {memory: 1Gi}}"], Some(Qos::Burstable)),
            (&["{requests: {memory: 1Gi}}"], Some(Qos::Burstable)),
            (&["{limits: {cpu: 1, memory: 2Gi}, requests: {memory: 1Gi}}"], Some(Qos::Burstable)),
            (&["{limits: {memory: '{{ .X }}'}}"], None),
        ];
        for (resources, expected) in cases {
            assert_eq!(qos(resources), expected, "{resources:?}");
        }
    }

    #[test]
    fn pods_are_found_in_objects_and_lists() {
        let text = "
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: a}], initContainers: [{name: b, restartPolicy: Always}, {name: c}]}}}}}
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Service, spec: {}}
- {apiVersion: v1, kind: Pod, spec: {containers: [{name: d}]}}
- {apiVersion: example.org/v1, kind: Pod, spec: {containers: []}}
---
";
        let tree = yaml::parse(text).unwrap();
        let all: Vec<_> = pods(tree.root()).collect();
        assert_eq!(all.iter().map(|pod| pod.name()).collect::<Vec<_>>(), ["CronJob nightly", "Pod"]);
        assert_eq!(all[0].containers().map(Container::name).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(all[0].all_containers().count(), 3);
    }
}
