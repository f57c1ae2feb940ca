//! `oom-score-adj-out-of-range`: a score that the kernel refuses.

use crate::lint::change;
use crate::lint::rule::prelude::*;
use crate::system::oom_score_adj::OomScoreAdj;

pub(super) struct OomScoreAdjOutOfRange;

impl Rule for OomScoreAdjOutOfRange {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "oom-score-adj-out-of-range",
            summary: "process.oomScoreAdj is not between -1000 and 1000",
            group: Group::Score,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::Unsafe,
            kinds: &[FileKind::Spec],
            why: prose! {
                /// The kernel takes an oom_score_adj from -1000 to 1000 and answers EINVAL to any other, and then the
                /// runtime does not start the container.
            },
            what: prose! {
                /// `process.oomScoreAdj` is an integer below -1000 or above 1000. Libraries for reading specs accept
                /// such a number; the write to `/proc/PID/oom_score_adj` is what fails.
            },
            fix: prose! {
                /// Write a number from -1000 to 1000; a step that may be killed has 500.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        for node in subject.spec().scores() {
            let Some(number) = node.integer() else { continue };
            if (-1000..=1000).contains(&number) {
                continue;
            }
            let nearest = if number < 0 { OomScoreAdj::MIN } else { OomScoreAdj::MAX };
            // The nearest one of a too low number would be immunity, which nobody gets from a repair.
            let draft = report
                .at(&node, format!("{} is out of range: oom_score_adj goes from -1000 to 1000", quote(&node.raw())));
            let draft = draft.label("the kernel refuses this");
            if nearest == OomScoreAdj::MAX {
                draft.fix(Safety::Unsafe, "set oomScoreAdj to 1000", || vec![change::replace(node, "1000")]).emit();
            } else {
                draft.emit();
            }
        }
    }
}
