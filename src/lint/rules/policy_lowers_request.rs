//! `policy-lowers-request`: a class that spares what its engine wanted killed first.

use crate::lint::rule::prelude::*;
use crate::policy::class::Adjust;
use crate::system::oom_score_adj::OomScoreAdj;

pub(super) struct PolicyLowersRequest;

impl Rule for PolicyLowersRequest {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "policy-lowers-request",
            summary: "a class sets oom_score_adj whatever the orchestrator asked for",
            group: Group::Score,
            severity: Severity::Warning,
            confidence: Confidence::Medium,
            fixable: Fixable::Unsafe,
            kinds: &[FileKind::Policy],
            why: prose! {
                /// A kubelet gives its least important pods 1000; a class that sets 500 makes them more important than
                /// pods that paid for their memory.
            },
            what: prose! {
                /// A class with an oom_score_adj from 0 to 999 has `adjust = "set"`, so a higher one of the engine is
                /// lowered. Going below what the engine wrote also needs CAP_SYS_RESOURCE. Classes below 0 are for
                /// daemons and are meant to lower.
            },
            fix: prose! {
                /// Write `adjust = "raise"`: the class's oom_score_adj, or the engine's where that is higher.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let Ok(policy) = subject.policy() else { return };
        for table in subject.root().field("class").into_iter().flat_map(Node::children) {
            let Some(class) = table.key().and_then(|name| policy.class(&name)) else { continue };
            let Some(adjust) = table.field("adjust").filter(|_| class.adjust == Adjust::Set) else { continue };
            if class.oom_score_adj < OomScoreAdj::ZERO || class.oom_score_adj == OomScoreAdj::MAX {
                continue;
            }
            report
                .at(
                    &adjust,
                    format!(
                        "the class {} lowers every oom_score_adj above {} that an engine asked for",
                        quote(&class.name),
                        class.oom_score_adj
                    ),
                )
                .label("sets aside what was asked for")
                .fix(Safety::Unsafe, "write adjust = \"raise\"", || {
                    vec![crate::lint::change::replace(adjust, "\"raise\"")]
                })
                .emit();
        }
    }
}
