//! CRI-O's `crio.conf` and the files of `crio.conf.d`.

use std::path::Path;

use super::{Claim, Definition, Name, Syntax, has_extension, last_two};
use crate::json::Node;

pub(super) const DEFINITION: Definition = Definition {
    word: "crio",
    title: "crio.conf",
    syntaxes: &[Syntax::Toml],
    name,
    claim,
    seems: |text| text.contains("[crio."),
};

/// CRI-O reads every file in the directory, whatever its ending.
fn name(name: &Path) -> Name {
    match last_two(name) {
        (_, "crio.conf") | ("crio.conf.d", _) => Name::Usual,
        _ if has_extension(name, "toml") => Name::Possible,
        _ => Name::Other,
    }
}

fn claim(root: Node<'_>) -> Claim {
    let tables = ["runtime", "api", "image", "network", "metrics", "nri", "stats", "tracing"];
    let crio = root.field("crio");
    let is_ours = crio.is_some_and(|crio| tables.iter().any(|name| crio.field(name).is_some_and(Node::is_object)));
    if is_ours { Claim::Certain } else { Claim::Possible }
}
