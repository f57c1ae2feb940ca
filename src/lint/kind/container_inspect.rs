//! What `docker inspect` and `podman inspect` print of containers.

use std::path::Path;

use super::{Claim, Definition, Name, Syntax, has_extension};
use crate::json::{Kind, Node};

pub(super) const DEFINITION: Definition = Definition {
    word: "container-inspect",
    title: "output of docker inspect or podman inspect",
    syntaxes: &[Syntax::Json],
    name: |name: &Path| if has_extension(name, "json") { Name::Possible } else { Name::Other },
    claim,
    seems: |_| false,
};

/// A list of containers, or one. The API's requests to create a container have a `HostConfig` too, and no `Id` and
/// `State`; images, networks and volumes have no `HostConfig`.
fn claim(root: Node<'_>) -> Claim {
    let is_object = |node: Node<'_>, name| node.field(name).is_some_and(Node::is_object);
    let is_container = |node: Node<'_>| {
        let has_id = node.field("Id").is_some_and(|id| id.kind() == Kind::String);
        has_id && is_object(node, "HostConfig") && (is_object(node, "State") || is_object(node, "Config"))
    };
    let all = match root.kind() {
        Kind::Array => root.children().next().is_some() && root.children().all(is_container),
        _ => is_container(root),
    };
    if all { Claim::Certain } else { Claim::No }
}
