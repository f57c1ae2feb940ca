//! Where a policy says what.

use crate::json::Node;
use crate::policy::rule::Field;

/// The table of a rule of the policy.
pub(super) fn rule_node(root: Node<'_>, index: usize) -> Option<Node<'_>> {
    root.field("rule")?.items().nth(index)
}

/// The glob of a condition of a rule of the policy.
pub(super) fn condition_node<'t>(root: Node<'t>, index: usize, field: &Field) -> Option<Node<'t>> {
    let conditions = rule_node(root, index)?.field("match")?;
    match field {
        Field::Annotation(key) => conditions.field("annotation")?.entry_of(key),
        Field::Bundle => conditions.field("bundle"),
        Field::Cgroup => conditions.field("cgroup"),
        Field::Id => conditions.field("id"),
        Field::Hostname => conditions.field("hostname"),
        Field::Arg0 => conditions.field("arg0"),
    }
}
