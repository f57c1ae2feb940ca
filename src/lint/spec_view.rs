//! What rules ask a spec: the values that a runtime would read, and who made it.

use crate::json::Kind;
use crate::json::Node;
use crate::spec::annotation;
use crate::system::memory_size;
use crate::system::oom_score_adj::OomScoreAdj;

/// The annotations by which engines of Kubernetes tell a pod's sandbox from its containers.
const CONTAINER_TYPES: [&str; 2] = [annotation::CRI_CONTAINER_TYPE, annotation::CRI_O_CONTAINER_TYPE];

/// A spec as rules see it.
#[derive(Debug, Clone)]
pub struct Spec<'t> {
    /// The whole.
    pub root: Node<'t>,
    /// `process`
    pub process: Option<Node<'t>>,
    /// `linux`
    pub linux: Option<Node<'t>>,
    /// `linux.resources`
    pub resources: Option<Node<'t>>,
    /// `linux.resources.memory`
    pub memory: Option<Node<'t>>,
    /// `linux.resources.unified`
    pub unified: Option<Node<'t>>,
    /// `process.oomScoreAdj`, whatever it is; `None` for `null` too.
    pub score: Option<Node<'t>>,
    /// `linux.cgroupsPath`
    pub cgroup: Option<Node<'t>>,
}

/// The kernel's `PAGE_COUNTER_MAX` in bytes: from here on a limit is none, and `memory.max` reads `max`.
const UNLIMITED: u64 = i64::MAX as u64 & !0xfff;

/// A limit in bytes and where it is said.
#[derive(Debug, Clone, Copy)]
pub struct Limit<'t> {
    /// The value.
    pub node: Node<'t>,
    /// Bytes; `None` for no limit at all, said in so many words (`max`, -1).
    pub bytes: Option<u64>,
}

impl<'t> Spec<'t> {
    /// The view of that spec.
    #[must_use]
    pub fn of(root: Node<'t>) -> Self {
        let object =
            |node: Option<Node<'t>>, name| node.and_then(|node| node.field(name)).filter(|node| node.is_object());
        let process = object(Some(root), "process");
        let linux = object(Some(root), "linux");
        let resources = object(linux, "resources");
        Spec {
            root,
            process,
            linux,
            resources,
            memory: object(resources, "memory"),
            unified: object(resources, "unified"),
            score: process.and_then(|process| process.field("oomScoreAdj")),
            cgroup: linux.and_then(|linux| linux.field("cgroupsPath")),
        }
    }

    /// Every `process.oomScoreAdj`, duplicate keys and case variants included.
    pub fn scores(&self) -> impl Iterator<Item = Node<'t>> + use<'t> {
        self.root.fields("process").flat_map(|process| process.fields("oomScoreAdj"))
    }

    /// The score that the runtime writes; `None` where there is none or none that it could write.
    #[must_use]
    pub fn valid_score(&self) -> Option<(Node<'t>, OomScoreAdj)> {
        let node = self.score?;
        let number = i64::try_from(node.integer()?).ok()?;
        Some((node, OomScoreAdj::new(number).ok()?))
    }

    /// Whether no process of the container can be killed for memory.
    #[must_use]
    pub fn is_immune(&self) -> Option<Node<'t>> {
        self.valid_score().filter(|(_, score)| *score == OomScoreAdj::MIN).map(|(node, _)| node)
    }

    /// An entry of `linux.resources.unified`.
    #[must_use]
    pub fn unified(&self, file: &str) -> Option<Node<'t>> {
        self.unified.and_then(|map| map.entry_of(file)).filter(|node| node.kind() == Kind::String)
    }

    /// A limit in `unified`.
    #[must_use]
    pub fn unified_limit(&self, file: &str) -> Option<Limit<'t>> {
        let node = self.unified(file)?;
        let text = node.text()?;
        let bytes = match memory_size::Limit::parse(&text)? {
            memory_size::Limit::Bytes(bytes) => Some(bytes),
            memory_size::Limit::Unlimited => None,
        };
        Some(Limit { node, bytes: bytes.filter(|bytes| *bytes < UNLIMITED) })
    }

    /// A number in `linux.resources.memory`. 0 is what runtimes ignore, -1 means no limit.
    #[must_use]
    pub fn memory_limit(&self, name: &'static str) -> Option<Limit<'t>> {
        let node = self.memory?.field(name)?;
        match node.integer()? {
            0 => None,
            number => Some(Limit { node, bytes: u64::try_from(number).ok().filter(|bytes| *bytes < UNLIMITED) }),
        }
    }

    /// The hard limit in force, if there is one: `unified` is written last and wins (runc `fs2/memory.go`).
    #[must_use]
    pub fn hard_limit(&self) -> Option<(Node<'t>, u64)> {
        let limit = self.unified_limit("memory.max").or_else(|| self.memory_limit("limit"))?;
        Some((limit.node, limit.bytes?))
    }

    /// Whether there is a namespace of that type, and whether it is the container's own or one that exists already.
    #[must_use]
    pub fn namespace(&self, wanted: &str) -> Namespace<'t> {
        let list = self.linux.and_then(|linux| linux.field("namespaces"));
        let mut all = list.into_iter().flat_map(Node::items);
        let named = |node: &Node<'t>| node.field("type").and_then(Node::text).is_some_and(|name| name == wanted);
        let Some(found) = all.find(named) else { return Namespace::Host };
        match found.field("path").filter(|path| path.text().is_some_and(|text| !text.is_empty())) {
            Some(path) => Namespace::Joined(path),
            None => Namespace::Own(found),
        }
    }

    /// Where a capability is given: the first of bounding, permitted, effective and ambient that names it.
    #[must_use]
    pub fn capability(&self, name: &str) -> Option<Node<'t>> {
        let all = self.process?.field("capabilities")?;
        let sets = ["bounding", "permitted", "effective", "ambient"];
        let mut named = sets.into_iter().filter_map(|set| all.field(set)).flat_map(Node::items);
        named.find(|node| node.text().is_some_and(|text| text.eq_ignore_ascii_case(name)))
    }

    /// Every set's entry of a capability.
    pub fn capabilities(&self, name: &'static str) -> impl Iterator<Item = Node<'t>> {
        let all = self.process.and_then(|process| process.field("capabilities"));
        let sets = all.into_iter().flat_map(Node::children).flat_map(Node::items);
        sets.filter(move |node| node.text().is_some_and(|text| text.eq_ignore_ascii_case(name)))
    }

    /// `process.user.uid`; a spec without one means root.
    #[must_use]
    pub fn uid(&self) -> Option<i128> {
        let uid = self.process?.field("user").and_then(|user| user.field("uid"));
        uid.map_or(Some(0), Node::integer)
    }

    /// The value of an annotation.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<Node<'t>> {
        self.root.field("annotations")?.entry_of(key).filter(|node| node.kind() == Kind::String)
    }

    /// Whether it is a spec of another system than Linux, which alone has oom_score_adj.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        let others = ["windows", "solaris", "freebsd", "zos"];
        self.linux.is_none() && others.into_iter().any(|system| self.root.field(system).is_some())
    }

    /// Whether it is what `ctr oci spec` prints, the start of containerd's `base_runtime_spec`: the engine adds the
    /// arguments and the cgroup.
    #[must_use]
    pub fn is_base(&self) -> bool {
        let has_args = self.process.is_some_and(|process| process.field("args").is_some());
        let cgroup = self.cgroup.and_then(Node::text);
        self.process.is_some() && !has_args && cgroup.is_none_or(|cgroup| cgroup.is_empty() || cgroup == "/default")
    }

    /// Whether it is a pod's pause container, whose oom_score_adj of -998 is the engine's business.
    #[must_use]
    pub fn is_sandbox(&self) -> bool {
        CONTAINER_TYPES
            .into_iter()
            .any(|key| self.annotation(key).and_then(Node::text).is_some_and(|value| value == annotation::SANDBOX))
    }

    /// Whether a Kubernetes engine made it, with an oom_score_adj that follows the pod's quality of service.
    #[must_use]
    pub fn is_kubernetes(&self) -> bool {
        CONTAINER_TYPES.into_iter().any(|key| self.annotation(key).is_some())
    }

    /// Whether it looks like a build step: the host name that `BuildKit` gives, or a cgroup or root directory of a
    /// builder.
    #[must_use]
    pub fn is_build_step(&self) -> bool {
        let text = |node: Option<Node<'t>>| node.and_then(Node::text).unwrap_or_default();
        let root = text(self.root.at(&["root", "path"]));
        text(self.root.field("hostname")) == "buildkitsandbox"
            || text(self.cgroup).split(['/', ':']).any(|part| matches!(part, "buildkit" | "buildah" | "kaniko"))
            || root.contains("/buildkit/")
            || root.contains("/buildah")
    }

    /// The mounts with their destination, type, source and options.
    pub fn mounts(&self) -> impl Iterator<Item = Mount<'t>> {
        let mounts = self.root.field("mounts").into_iter().flat_map(Node::items);
        mounts.filter(|node| node.is_object()).map(|node| Mount { node })
    }
}

/// What a container has of a kind of namespace.
#[derive(Debug, Clone, Copy)]
pub enum Namespace<'t> {
    /// The engine's own.
    Host,
    /// One that exists already; its path.
    Joined(Node<'t>),
    /// One of its own.
    Own(Node<'t>),
}

/// A mount of a spec.
#[derive(Debug, Clone, Copy)]
pub struct Mount<'t> {
    /// The whole.
    pub node: Node<'t>,
}

impl<'t> Mount<'t> {
    /// A member's text; empty where there is none.
    #[must_use]
    pub fn text(self, name: &'static str) -> std::borrow::Cow<'t, str> {
        self.node.field(name).and_then(Node::text).unwrap_or_default()
    }

    /// The options.
    pub fn options(self) -> impl Iterator<Item = Node<'t>> {
        self.node.field("options").into_iter().flat_map(Node::items)
    }

    /// The last of the options for which `wanted` holds.
    pub fn option(self, wanted: impl Fn(&str) -> bool) -> Option<Node<'t>> {
        self.options().filter(|option| option.text().is_some_and(|text| wanted(&text))).last()
    }

    /// The options one by one: some engines write several into one string, with commas between them.
    pub fn settings(self) -> impl Iterator<Item = (Node<'t>, String)> {
        let split = |node: Node<'t>| {
            let text = node.text().unwrap_or_default().into_owned();
            text.split(',').map(str::to_owned).map(move |part| (node, part)).collect::<Vec<_>>()
        };
        self.options().flat_map(split)
    }

    /// The last of the options that limit a tmpfs, as `size` or `nr_blocks` and its value.
    #[must_use]
    pub fn tmpfs_limit(self) -> Option<(Node<'t>, &'static str, String)> {
        let limit = |(node, part): (Node<'t>, String)| {
            let (name, value) = part.split_once('=').unwrap_or((&part, ""));
            let name = ["size", "nr_blocks"].into_iter().find(|known| *known == name)?;
            Some((node, name, value.to_owned()))
        };
        self.settings().filter_map(limit).last()
    }

    /// Whether it is a bind mount.
    #[must_use]
    pub fn is_bind(self) -> bool {
        self.text("type") == "bind" || self.option(|option| matches!(option, "bind" | "rbind")).is_some()
    }

    /// Whether nothing can be written through it.
    #[must_use]
    pub fn is_read_only(self) -> bool {
        let last = self.option(|option| matches!(option, "ro" | "rro" | "rw"));
        last.and_then(Node::text).is_some_and(|option| option != "rw")
    }
}
