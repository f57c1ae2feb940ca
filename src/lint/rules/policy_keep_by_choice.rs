//! `policy-keep-by-choice`: a workload can choose to be left alone.

use crate::lint::policy_view::rule_node;
use crate::lint::rule::prelude::*;
use crate::policy::rule::ClassRef;

pub(super) struct PolicyKeepByChoice;

impl Rule for PolicyKeepByChoice {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "policy-keep-by-choice",
            summary: "a rule leaves alone whoever asks for it",
            group: Group::Deployment,
            severity: Severity::Warning,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Policy],
            why: prose! {
                /// Whoever starts a container chooses its hostname, id, command and most annotations. What class `keep`
                /// leaves alone is not killed before the daemons, and not as a group.
            },
            what: prose! {
                /// A rule of class `keep` without `trust_workload = true`, and none of its conditions is on a bundle, a
                /// cgroup or an `io.kubernetes.cri` annotation. Such a container never gets less than -998, nor
                /// inherits less than 0.
            },
            fix: prose! {
                /// Add a condition that the engine or the administrator decides. Where everybody who can start a
                /// container is trusted, say so with `trust_workload = true`.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let Ok(policy) = subject.policy() else { return };
        for (index, rule) in policy.rules.iter().enumerate().filter(|(_, rule)| rule.line.is_some()) {
            if rule.class != ClassRef::Keep || rule.trust_workload || rule.is_engine_controlled() {
                continue;
            }
            let Some(node) = rule_node(subject.root(), index) else { continue };
            let place = node.field("match").unwrap_or(node);
            report
                .at(&place.name_span(), "a workload can choose to match this rule, and is then left alone")
                .label("chosen by the workload")
                .emit();
        }
    }
}
