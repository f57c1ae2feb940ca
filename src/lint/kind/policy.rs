//! oomshim's policy.

use std::path::Path;

use super::{Claim, Definition, Name, Syntax, has_extension, last_two};
use crate::json::Kind;
use crate::json::Node;
use crate::lint::schema::nearest;

pub(super) const DEFINITION: Definition = Definition {
    word: "policy",
    title: "oomshim policy",
    syntaxes: &[Syntax::Toml],
    name,
    claim,
    seems: |text| text.contains("[class.") && text.contains("oom_score_adj"),
};

const TABLES: [&str; 8] = ["class", "rule", "default", "runtime", "apply", "log", "guard", "run"];
const CLASS: [&str; 8] =
    ["oom_score_adj", "adjust", "oom_group", "memory_max", "memory_high", "swap_max", "guard", "guard_reserve"];

fn name(name: &Path) -> Name {
    match last_two(name) {
        ("oomshim", "policy.toml") => Name::Usual,
        _ if has_extension(name, "toml") => Name::Possible,
        _ => Name::Other,
    }
}

/// Rules, classes and defaults are anybody's; a class with a score, and a rule that gives a class, are not.
fn claim(root: Node<'_>) -> Claim {
    let classes = root.field("class").filter(|node| node.is_object()).into_iter().flat_map(Node::children);
    let has_class = classes.filter(|class| class.is_object()).any(is_class);
    let has_rule = root.field("rule").into_iter().flat_map(Node::items).any(is_rule);
    let has_default = root.at(&["default", "class"]).is_some_and(|class| class.kind() == Kind::String);
    let is_only_ours = root.children().all(|child| child.key().is_some_and(|key| TABLES.contains(&&*key)));
    match () {
        () if has_class || has_rule || (has_default && is_only_ours) => Claim::Certain,
        () if is_only_ours => Claim::Possible,
        () => Claim::No,
    }
}

/// A score, however it is spelt, or two fields of ours.
fn is_class(class: Node<'_>) -> bool {
    let is_score = |node: Node<'_>| node.key().is_some_and(|key| nearest(&key, CLASS[..1].iter().copied()).is_some());
    class.children().any(is_score) || CLASS.iter().filter(|key| class.field(key).is_some()).count() >= 2
}

fn is_rule(rule: Node<'_>) -> bool {
    let gives_class = rule.field("class").is_some_and(|class| class.kind() == Kind::String);
    let has = |name: &'static str| rule.field(name).is_some();
    gives_class && rule.children().count() == 1 + usize::from(has("match")) + usize::from(has("trust_workload"))
}
