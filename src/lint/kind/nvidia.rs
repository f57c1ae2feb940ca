//! The `config.toml` of nvidia-container-runtime.

use std::path::Path;

use super::{Claim, Definition, Name, Syntax, has_extension, last_two};
use crate::json::Node;

pub(super) const DEFINITION: Definition = Definition {
    word: "nvidia",
    title: "nvidia-container-runtime's config.toml",
    syntaxes: &[Syntax::Toml],
    name,
    claim,
    seems: |text| text.contains("[nvidia-container-runtime]"),
};

fn name(name: &Path) -> Name {
    match last_two(name) {
        ("nvidia-container-runtime", "config.toml") => Name::Usual,
        _ if has_extension(name, "toml") => Name::Possible,
        _ => Name::Other,
    }
}

/// Its tables have names of their own.
fn claim(root: Node<'_>) -> Claim {
    let tables = ["nvidia-container-runtime", "nvidia-container-cli", "nvidia-container-runtime-hook"];
    let own = tables.iter().filter_map(|name| root.field(name));
    let has_other = own.clone().any(|table| !table.is_object());
    match () {
        () if has_other => Claim::No,
        () if own.count() > 0 => Claim::Certain,
        () => Claim::Possible,
    }
}
