//! The files of hooks.d.

use std::path::Path;

use super::{Claim, Definition, Name, Syntax, has_extension, last_two};
use crate::json::Kind;
use crate::json::Node;

pub(super) const DEFINITION: Definition = Definition {
    word: "hook",
    title: "hooks.d file",
    syntaxes: &[Syntax::Json],
    name,
    claim,
    seems: |text| text.contains("\"stages\"") && text.contains("\"hook\""),
};

fn name(name: &Path) -> Name {
    match last_two(name) {
        _ if !has_extension(name, "json") => Name::Other,
        ("hooks.d", _) => Name::Usual,
        _ => Name::Possible,
    }
}

/// podman and CRI-O read every file of their directory, so in it whatever does not look like a hook is a broken one.
/// Format 0.1.0 has the program in `hook` itself, and `stage` or `stages`.
fn claim(root: Node<'_>) -> Claim {
    let Some(hook) = root.field("hook") else { return Claim::Possible };
    let has_stages = ["stages", "stage"].iter().any(|key| root.field(key).is_some_and(|it| it.kind() == Kind::Array));
    let has_when = root.field("when").is_some_and(Node::is_object);
    let is_program = hook.text().is_some_and(|path| path.starts_with('/'));
    let has_path = hook.field("path").is_some_and(|path| path.kind() == Kind::String);
    if (has_path && (has_stages || has_when)) || (is_program && has_stages) { Claim::Certain } else { Claim::Possible }
}
