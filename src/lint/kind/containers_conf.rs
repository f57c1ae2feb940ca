//! podman's and buildah's `containers.conf` and the files of `containers.conf.d`.

use std::path::Path;

use super::{Claim, Definition, Name, Syntax, has_extension, last_two};
use crate::json::Node;

pub(super) const DEFINITION: Definition = Definition {
    word: "containers-conf",
    title: "containers.conf",
    syntaxes: &[Syntax::Toml],
    name,
    claim,
    seems: |text| text.contains("[engine.runtimes]"),
};

fn name(name: &Path) -> Name {
    match last_two(name) {
        (_, "containers.conf") => Name::Usual,
        ("containers.conf.d", _) if has_extension(name, "conf") => Name::Usual,
        _ if has_extension(name, "toml") => Name::Possible,
        _ => Name::Other,
    }
}

/// `[engine]` is anybody's; how podman's runtimes and conmon are named is not. A runtime is a list of paths, or by
/// mistake one path.
fn claim(root: Node<'_>) -> Claim {
    let own =
        ["runtimes", "runtime_supports_json", "conmon_path", "conmon_env_vars", "cgroup_manager", "events_logger"];
    let engine = root.field("engine");
    let runtimes = engine.and_then(|engine| engine.field("runtimes"));
    let is_other = runtimes.is_some_and(|it| !it.is_object() || it.children().any(Node::is_object));
    match () {
        () if is_other => Claim::No,
        () if engine.is_some_and(|engine| own.iter().any(|name| engine.field(name).is_some())) => Claim::Certain,
        () => Claim::Possible,
    }
}
