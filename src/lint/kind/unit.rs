//! Unit files of systemd and their drop-ins.

use std::path::Path;

use super::{Claim, Definition, Name, Syntax, has_extension, last_two};
use crate::json::Node;

pub(super) const DEFINITION: Definition = Definition {
    word: "unit",
    title: "systemd unit",
    syntaxes: &[Syntax::Unit],
    name,
    claim,
    seems: |text| text.lines().any(|line| line.trim() == "[Service]"),
};

/// A unit, or a drop-in in the directory of one.
fn name(name: &Path) -> Name {
    let (directory, _) = last_two(name);
    let is_drop_in = [".service.d", ".slice.d", ".scope.d"].iter().any(|ending| directory.ends_with(ending));
    match () {
        () if is_drop_in && has_extension(name, "conf") => Name::Usual,
        () if ["service", "slice", "scope"].iter().any(|extension| has_extension(name, extension)) => Name::Possible,
        () => Name::Other,
    }
}

/// Only what has a section in which memory is spoken of. Others have a `[Service]` too: what systemd reads there tells.
fn claim(root: Node<'_>) -> Claim {
    let is_section = |node: &Node<'_>| node.key().is_some_and(|key| ["Service", "Slice", "Scope"].contains(&&*key));
    let is_own = |node: Node<'_>| {
        let is = |key: &str| OWN.contains(&key) || PREFIXES.iter().any(|prefix| key.starts_with(prefix));
        node.key().is_some_and(|key| is(&key))
    };
    let mut sections = root.children().filter(is_section).peekable();
    match () {
        () if sections.peek().is_none() => Claim::No,
        () if sections.flat_map(Node::children).any(is_own) => Claim::Certain,
        () => Claim::Possible,
    }
}

/// Settings that most units have, and what those about memory begin with.
const OWN: [&str; 6] = ["Type", "Restart", "Environment", "EnvironmentFile", "Delegate", "Slice"];
const PREFIXES: [&str; 4] = ["Exec", "OOM", "Memory", "ManagedOOM"];
