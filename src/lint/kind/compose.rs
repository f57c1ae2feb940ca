//! Compose files.

use std::path::Path;

use super::{Claim, Definition, Name, Syntax, has_extension, last_two};
use crate::json::Node;

pub(super) const DEFINITION: Definition =
    Definition { word: "compose", title: "compose file", syntaxes: &[Syntax::Yaml], name, claim, seems };

fn name(name: &Path) -> Name {
    let (_, file) = last_two(name);
    let is_yaml = has_extension(name, "yaml") || has_extension(name, "yml");
    match () {
        () if is_yaml && (file.starts_with("compose.") || file.starts_with("docker-compose")) => Name::Usual,
        () if is_yaml => Name::Possible,
        () => Name::Other,
    }
}

/// `services` is anybody's, and other CI systems too have services with an `image`. A file is Compose's if each of them
/// says what it runs and nothing stands beside them that Compose does not take.
fn claim(root: Node<'_>) -> Claim {
    let runs = |node: Node<'_>| ["image", "build", "extends", "provider"].iter().any(|name| node.field(name).is_some());
    let Some(services) = root.field("services").filter(|services| services.is_object()) else { return Claim::No };
    let mut services = services.children().peekable();
    let is_own = |node: Node<'_>| node.key().is_some_and(|key| OWN.contains(&&*key) || key.starts_with("x-"));
    match () {
        () if root.field("apiVersion").is_some() => Claim::No,
        () if services.peek().is_some() && services.all(runs) && root.children().all(is_own) => Claim::Certain,
        () => Claim::Possible,
    }
}

/// A broken one still has its sections at the beginning of lines.
fn seems(text: &str) -> bool {
    let is_top = |line: &&str| line.starts_with(|letter: char| letter.is_ascii_alphabetic());
    let mut keys = text.lines().filter(is_top).map(|line| line.split(':').next().unwrap_or_default());
    text.lines().any(|line| line.trim_end() == "services:")
        && keys.all(|key| OWN.contains(&key) || key.starts_with("x-"))
}

/// What may stand at the top of a compose file (compose-spec `schema/compose-spec.json`); it is refused with anything
/// else.
const OWN: [&str; 9] =
    ["version", "name", "include", "services", "networks", "volumes", "configs", "secrets", "models"];
