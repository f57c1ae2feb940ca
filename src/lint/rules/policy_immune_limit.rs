//! `policy-immune-limit`: a class that is to die, or to be limited, and never killed.

use crate::lint::rule::prelude::*;
use crate::policy::class::OomGroup;
use crate::system::oom_score_adj::OomScoreAdj;

pub(super) struct PolicyImmuneLimit;

impl Rule for PolicyImmuneLimit {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "policy-immune-limit",
            summary: "a class at -1000 with a hard limit or a group kill",
            group: Group::Killing,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Policy],
            why: prose! {
                /// At a hard limit with nothing below it that may be killed a container hangs, and a group kill spares
                /// everything at -1000.
            },
            what: prose! {
                /// A class with `oom_score_adj = -1000` has `memory_max` or `oom_group = true`. `memory_high` throttles
                /// without a kill and is fine.
            },
            fix: prose! {
                /// Take the limit and the group kill away from the class, or give it an oom_score_adj above -1000.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let Ok(policy) = subject.policy() else { return };
        for table in subject.root().field("class").into_iter().flat_map(Node::children) {
            let Some(class) = table.key().and_then(|name| policy.class(&name)) else { continue };
            if class.oom_score_adj != OomScoreAdj::MIN {
                continue;
            }
            if let Some(limit) = table.field("memory_max") {
                report
                    .at(&limit.name_span(), "a hard limit on a class at -1000: its containers hang there")
                    .label("cannot be enforced")
                    .emit();
            }
            if let Some(group) = table.field("oom_group").filter(|_| class.oom_group == OomGroup::Set) {
                report
                    .at(&group.name_span(), "a group kill spares every process at -1000")
                    .label("without effect")
                    .emit();
            }
        }
    }
}
