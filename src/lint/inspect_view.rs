//! What rules ask the output of `docker inspect` and `podman inspect`.

use crate::json::{Kind, Node};
use crate::text::escape;

/// A container as an engine shows it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inspected<'t> {
    /// The whole.
    pub node: Node<'t>,
    /// `HostConfig`
    pub host: Node<'t>,
}

/// The containers of an output: a list, or one.
pub(super) fn containers(root: Node<'_>) -> impl Iterator<Item = Inspected<'_>> {
    let alone = root.is_object().then_some(root);
    let all = alone.into_iter().chain(root.items());
    all.filter_map(|node| Some(Inspected { node, host: node.field("HostConfig").filter(|host| host.is_object())? }))
}

impl<'t> Inspected<'t> {
    /// What people call it: its name, or the beginning of its id.
    pub(super) fn name(self) -> String {
        let text = |name: &str| self.node.field(name).and_then(Node::text).filter(|text| !text.is_empty());
        let name = text("Name").map(|name| name.trim_start_matches('/').to_owned());
        let name = name.or_else(|| text("Id").map(|id| id.chars().take(12).collect()));
        escape::text(&name.unwrap_or_default()).into_owned()
    }

    /// `OomScoreAdj`
    pub(super) fn score(self) -> Option<(Node<'t>, i128)> {
        self.number("OomScoreAdj")
    }

    /// The memory limit in bytes. Docker and podman write 0 for none.
    pub(super) fn limit(self) -> Option<(Node<'t>, i128)> {
        self.number("Memory").filter(|(_, bytes)| *bytes > 0)
    }

    /// A number of `HostConfig`.
    pub(super) fn number(self, name: &str) -> Option<(Node<'t>, i128)> {
        let node = self.host.field(name).filter(|node| node.kind() == Kind::Number)?;
        Some((node, node.integer()?))
    }

    /// A text of `HostConfig`.
    pub(super) fn text(self, name: &str) -> Option<(Node<'t>, String)> {
        let node = self.host.field(name)?;
        Some((node, node.text()?.into_owned()))
    }
}
