//! `oom-score-adj-below-floor`: a score that this machine's engines may not write.

use crate::lint::rule::prelude::*;
use crate::system::capabilities::ScorePrivilege;

pub(super) struct OomScoreAdjBelowFloor;

impl Rule for OomScoreAdjBelowFloor {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "oom-score-adj-below-floor",
            summary: "oom_score_adj is below what this machine lets its writer set (needs --host)",
            group: Group::Score,
            severity: Severity::Error,
            confidence: Confidence::Medium,
            fixable: Fixable::No,
            kinds: &[FileKind::Spec],
            why: prose! {
                /// Without CAP_SYS_RESOURCE nobody goes below his floor, and runc, crun and youki all refuse to start a
                /// container whose oom_score_adj they cannot write.
            },
            what: prose! {
                /// With `--host`: this process lacks CAP_SYS_RESOURCE in the initial user namespace, and
                /// `process.oomScoreAdj` is below its own. The true floor cannot be read; it may be lower than
                /// the present value, so the finding is not certain.
            },
            fix: prose! {
                /// Raise `oomScoreAdj`, run the engine with CAP_SYS_RESOURCE, or start containers through
                /// `oomshim-runc`, which tries and clamps.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let Some(machine) = subject.machine else { return };
        let Some((node, score)) = subject.spec().valid_score() else { return };
        if machine.rights == ScorePrivilege::Full {
            return;
        }
        let Some(own) = machine.own_score else {
            return report.cannot_judge("the own oom_score_adj of this process could not be read");
        };
        if score < own {
            let message = format!("{score} is below {own}, the score that an engine started from here would have");
            report.at(&node, message).label("refused without CAP_SYS_RESOURCE").emit();
        }
    }
}
