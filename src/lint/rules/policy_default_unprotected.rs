//! `policy-default-unprotected`: what no rule speaks of inherits its engine's score.

use crate::lint::rule::prelude::*;
use crate::system::oom_score_adj::OomScoreAdj;

pub(super) struct PolicyDefaultUnprotected;

impl Rule for PolicyDefaultUnprotected {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "policy-default-unprotected",
            summary: "the default class leaves containers as they are",
            group: Group::Deployment,
            severity: Severity::Warning,
            confidence: Confidence::Medium,
            fixable: Fixable::No,
            kinds: &[FileKind::Policy],
            why: prose! {
                /// A container that no rule speaks of then keeps what its engine gave it, and one that was given
                /// nothing inherits the daemon's immunity.
            },
            what: prose! {
                /// `[default]` names `keep`, or a class with the score 0 or with `adjust = "fill"`: nothing is made
                /// easier to kill than the daemons.
            },
            fix: prose! {
                /// Let the default be a class above 0, `build-step` for instance, and name what is to be left alone in
                /// rules with `class = "keep"`.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let Ok(policy) = subject.policy() else { return };
        let Some(node) = subject.root().at(&["default", "class"]) else { return };
        let message = match policy.resolve(&policy.default) {
            None => "what no rule speaks of is left as it is, and inherits its daemon's score where it was given none"
                .to_owned(),
            Some(class) if class.score <= OomScoreAdj::ZERO => {
                format!("what no rule speaks of gets the score {}, no easier to kill than anything else", class.score)
            }
            Some(_) => return,
        };
        report.at(&node, message).label("unprotected").emit();
    }
}
