//! `policy-rule-never-matches`: a rule that no container can fulfil.

use crate::lint::policy_view::condition_node;
use crate::lint::rule::prelude::*;
use crate::policy::rule::{Condition, Field};

pub(super) struct PolicyRuleNeverMatches;

impl Rule for PolicyRuleNeverMatches {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "policy-rule-never-matches",
            summary: "a rule of the policy that no container can fulfil",
            group: Group::Deployment,
            severity: Severity::Warning,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Policy],
            why: prose! {
                /// A rule that never holds protects nobody, and nothing ever says so.
            },
            what: prose! {
                /// A condition asks for what no value can be: a bundle is an absolute path, so its glob begins with
                /// `/`, `*` or `?`; an id has no slash; a cgroup path, an id, a bundle and arg0 are never empty; a
                /// namespace of Kubernetes has no upper-case letter.
            },
            fix: prose! {
                /// Correct the glob; `oomshim policy explain BUNDLE` shows what a container has.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let Ok(policy) = subject.policy() else { return };
        for (index, rule) in policy.rules.iter().enumerate().filter(|(_, rule)| rule.line.is_some()) {
            for condition in &rule.conditions {
                let Some(why) = impossible(condition) else { continue };
                let Some(node) = condition_node(subject.root(), index, &condition.field) else { continue };
                report
                    .at(&node, format!("{} never matches {}: {why}", condition.field, quote(condition.pattern.text())))
                    .label("matches nothing")
                    .emit();
            }
        }
    }
}

fn impossible(condition: &Condition) -> Option<&'static str> {
    let glob = condition.pattern.text();
    let first = glob.chars().next();
    match &condition.field {
        Field::Bundle | Field::Cgroup | Field::Id | Field::Arg0 if glob.is_empty() => Some("the value is never empty"),
        Field::Bundle if !matches!(first, Some('/' | '*' | '?')) => Some("a bundle is an absolute path"),
        Field::Id if glob.contains('/') => Some("an id has no slash"),
        Field::Annotation(key)
            if key.ends_with(".sandbox-namespace") && glob.chars().any(|letter| letter.is_ascii_uppercase()) =>
        {
            Some("a namespace has no upper-case letter")
        }
        _ => None,
    }
}
