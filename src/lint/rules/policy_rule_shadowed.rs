//! `policy-rule-shadowed`: a rule behind one that always holds first.

use crate::lint::glob::covers;
use crate::lint::policy_view::rule_node;
use crate::lint::rule::prelude::*;
use crate::policy::rule::Rule as PolicyRule;

pub(super) struct PolicyRuleShadowed;

impl Rule for PolicyRuleShadowed {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "policy-rule-shadowed",
            summary: "a rule of the policy behind one that holds wherever it does",
            group: Group::Deployment,
            severity: Severity::Warning,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Policy],
            why: prose! {
                /// The first rule that holds decides, so the later one is never asked, and what it was to protect is
                /// treated as something else.
            },
            what: prose! {
                /// Every condition of an earlier rule is fulfilled by whatever fulfils the later one: the same field,
                /// and a glob that matches at least as much. Where that cannot be told from the globs alone nothing is
                /// reported.
            },
            fix: prose! {
                /// Put the more special rule first, or take it away.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let Ok(policy) = subject.policy() else { return };
        let own: Vec<&PolicyRule> = policy.rules.iter().filter(|rule| rule.line.is_some()).collect();
        // Every pair is compared; a policy of more rules than this is not written by hand.
        for (index, later) in own.iter().enumerate().take(500) {
            let shadows = |earlier: &PolicyRule| {
                earlier.conditions.iter().all(|wide| {
                    later
                        .conditions
                        .iter()
                        .any(|narrow| narrow.field == wide.field && covers(&wide.pattern, &narrow.pattern))
                })
            };
            let Some(earlier) = own[..index].iter().position(|rule| shadows(rule)) else { continue };
            let (Some(node), Some(first)) = (rule_node(subject.root(), index), rule_node(subject.root(), earlier))
            else {
                continue;
            };
            let same = own[earlier].class == later.class;
            report
                .at(&node, "this rule is never asked: the one before it holds wherever it does")
                .label(format!("would give {}", quote(later.class.name())))
                .severity(if same { Severity::Note } else { Severity::Warning })
                .related(&first, format!("gives {} first", quote(own[earlier].class.name())))
                .emit();
        }
    }
}
