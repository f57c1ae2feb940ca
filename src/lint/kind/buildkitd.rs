//! `BuildKit`'s `buildkitd.toml`.

use std::path::Path;

use super::{Claim, Definition, Name, Syntax, has_extension, last_two};
use crate::json::Kind;
use crate::json::Node;

pub(super) const DEFINITION: Definition = Definition {
    word: "buildkitd",
    title: "buildkitd.toml",
    syntaxes: &[Syntax::Toml],
    name,
    claim,
    seems: |text| text.contains("[worker.oci") || text.contains("[worker.containerd"),
};

fn name(name: &Path) -> Name {
    match last_two(name) {
        (_, "buildkitd.toml" | "buildkitd.default.toml") => Name::Usual,
        _ if has_extension(name, "toml") => Name::Possible,
        _ => Name::Other,
    }
}

/// Everybody has workers and registries; the two kinds of workers are `BuildKit`'s, and so are its entitlements.
fn claim(root: Node<'_>) -> Claim {
    let is_table = |path: &[&'static str]| root.at(path).is_some_and(Node::is_object);
    let entitlements = root.field("insecure-entitlements").is_some_and(|list| list.kind() == Kind::Array);
    if is_table(&["worker", "oci"]) || is_table(&["worker", "containerd"]) || entitlements {
        Claim::Certain
    } else {
        Claim::Possible
    }
}
