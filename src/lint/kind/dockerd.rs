//! Docker's `daemon.json`.

use std::path::Path;

use super::{Claim, Definition, Name, Syntax, has_extension, last_two};
use crate::json::Kind;
use crate::json::Node;

pub(super) const DEFINITION: Definition = Definition {
    word: "dockerd",
    title: "daemon.json",
    syntaxes: &[Syntax::Json],
    name,
    claim,
    seems: |text| text.contains("\"default-runtime\"") || text.contains("\"exec-opts\""),
};

fn name(name: &Path) -> Name {
    match last_two(name) {
        (_, "daemon.json") => Name::Usual,
        _ if has_extension(name, "json") => Name::Possible,
        _ => Name::Other,
    }
}

/// What no other program has under that name and of that type (moby `daemon/config`).
const OWN: [(&str, Kind); 22] = [
    ("default-runtime", Kind::String),
    ("exec-opts", Kind::Array),
    ("exec-root", Kind::String),
    ("data-root", Kind::String),
    ("storage-driver", Kind::String),
    ("storage-opts", Kind::Array),
    ("log-driver", Kind::String),
    ("log-opts", Kind::Object),
    ("registry-mirrors", Kind::Array),
    ("insecure-registries", Kind::Array),
    ("live-restore", Kind::Bool),
    ("oom-score-adjust", Kind::Number),
    ("default-shm-size", Kind::String),
    ("default-ulimits", Kind::Object),
    ("default-address-pools", Kind::Array),
    ("cgroup-parent", Kind::String),
    ("userns-remap", Kind::String),
    ("default-cgroupns-mode", Kind::String),
    ("max-concurrent-downloads", Kind::Number),
    ("userland-proxy", Kind::Bool),
    ("native.cgroupdriver", Kind::String),
    ("metrics-addr", Kind::String),
];

/// What others have too; two of these are some evidence where one says how docker is reached.
const COMMON: [(&str, Kind); 4] =
    [("iptables", Kind::Bool), ("ip6tables", Kind::Bool), ("bip", Kind::String), ("experimental", Kind::Bool)];

/// dockerd refuses keys that it does not know, so in a file of its name they are errors and not somebody else's.
fn claim(root: Node<'_>) -> Claim {
    let has = |(name, kind): &(&'static str, Kind)| root.field(name).is_some_and(|node| node.kind() == *kind);
    let is_runtime = |entry: Node<'_>| ["path", "runtimeType"].iter().any(|key| entry.field(key).is_some());
    let runtimes = root.field("runtimes").filter(|node| node.is_object()).into_iter().flat_map(Node::children);
    let hosts = root.field("hosts").into_iter().flat_map(Node::items).filter_map(Node::text);
    let has_socket = hosts.into_iter().any(|host| ["fd://", "unix://", "tcp://"].iter().any(|it| host.starts_with(it)));
    let own = OWN.iter().filter(|key| has(key)).count() + runtimes.filter(|entry| is_runtime(*entry)).count();
    if own > 0 || (has_socket && COMMON.iter().any(has)) { Claim::Certain } else { Claim::Possible }
}
