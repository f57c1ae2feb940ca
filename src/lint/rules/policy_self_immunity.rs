//! `policy-self-immunity`: a workload can make itself immune.

use crate::lint::policy_view::rule_node;
use crate::lint::rule::prelude::*;
use crate::system::oom_score_adj::OomScoreAdj;

pub(super) struct PolicySelfImmunity;

impl Rule for PolicySelfImmunity {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "policy-self-immunity",
            summary: "a rule gives an oom_score_adj below 0 to whoever asks for it",
            group: Group::Deployment,
            severity: Severity::Warning,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Policy],
            why: prose! {
                /// Whoever starts a container chooses its hostname, id, command and most annotations, and so can choose
                /// the oom_score_adj that this rule gives.
            },
            what: prose! {
                /// A rule with `trust_workload = true` leads to a class below 0, and none of its conditions is on a
                /// bundle, a cgroup or an `io.kubernetes.cri` annotation. Without `trust_workload` oomshim refuses such
                /// a policy, which `policy-malformed` reports.
            },
            fix: prose! {
                /// Add a condition that the engine or the administrator decides. Where everybody who can start a
                /// container is trusted, ignore the rule with a comment that says so.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let Ok(policy) = subject.policy() else { return };
        for (index, rule) in policy.rules.iter().enumerate().filter(|(_, rule)| rule.line.is_some()) {
            let score = policy.resolve(&rule.class).map_or(OomScoreAdj::ZERO, |class| class.oom_score_adj);
            if score >= OomScoreAdj::ZERO || rule.is_engine_controlled() {
                continue;
            }
            let Some(node) = rule_node(subject.root(), index) else { continue };
            let place = node.field("trust_workload").unwrap_or(node);
            report
                .at(
                    &place.name_span(),
                    format!("whoever starts a container can choose the oom_score_adj {score} for it"),
                )
                .label("trusts what a workload says about itself")
                .emit();
        }
    }
}
