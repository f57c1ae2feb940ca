//! `oom-score-adj-unset`: the step inherits whatever score its engine has.

use crate::lint::change;
use crate::lint::rule::prelude::*;
use crate::lint::schema::{Flaw, nearest};
use crate::spec::edit::Edit;
use crate::system::oom_score_adj::OomScoreAdj;

pub(super) struct OomScoreAdjUnset;

impl Rule for OomScoreAdjUnset {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "oom-score-adj-unset",
            summary: "the spec has no process.oomScoreAdj",
            group: Group::Score,
            severity: Severity::Warning,
            confidence: Confidence::High,
            fixable: Fixable::Safe,
            kinds: &[FileKind::Spec],
            why: prose! {
                /// A runtime that is told no oom_score_adj leaves the one that it inherits: the step of a daemon at
                /// -1000 is at -1000 too, and nothing is left to be killed.
            },
            what: prose! {
                /// The spec has a `process` and no `oomScoreAdj` in it, or `null`. The runtime specification forbids
                /// the runtime to change it then, so the process has its engine's, or that of the shim between
                /// them. BuildKit never sets one. Pause containers are left out: theirs is the engine's business.
                /// So are specs of other systems than Linux.
            },
            fix: prose! {
                /// Set `oomScoreAdj` to 500 for what may be killed, which is also what CI agents give their jobs; or
                /// start containers through `oomshim-runc`, which does that to every spec.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let spec = subject.spec();
        let is_asked = spec.score.is_none() && !spec.is_sandbox() && !spec.is_foreign();
        let Some(process) = spec.process.filter(|_| is_asked) else { return };
        let own = subject.machine.and_then(|machine| machine.own_score).filter(|score| *score < OomScoreAdj::ZERO);
        let message = match own {
            Some(own) => format!("no oomScoreAdj: a step started from here inherits {own}"),
            None => "no oomScoreAdj: the step inherits the oom_score_adj of the engine that starts it".to_owned(),
        };
        if let Some(other) = meant_elsewhere(subject) {
            return report
                .at(&process.name_span(), message)
                .label("oomScoreAdj is missing in here")
                .related(&other.name_span(), "written here, where no runtime reads it")
                .help("Move it into `process` as `oomScoreAdj`; `--unsafe-fixes` does that where it is spelt right.")
                .emit();
        }
        let Ok(step) = OomScoreAdj::new(500) else { return };
        report
            .at(&process.name_span(), message)
            .label("oomScoreAdj is missing in here")
            .severity(if own.is_some() { Severity::Error } else { Severity::Warning })
            .fix(Safety::Safe, "set oomScoreAdj to 500", || change::edits(process, &[Edit::OomScoreAdj(step)]))
            .emit();
    }
}

/// A member at a wrong place or under a wrong name that was meant to be `oomScoreAdj`: nobody wants 500 in its stead.
fn meant_elsewhere<'t>(subject: &Subject<'t>) -> Option<Node<'t>> {
    let unknown = subject.flaws().iter().take(1000).filter_map(|flaw| match flaw {
        Flaw::Unknown { node, .. } => Some(*node),
        _ => None,
    });
    let mut unknown = unknown;
    unknown.find(|node| node.key().is_some_and(|key| nearest(&key, ["oomScoreAdj"].into_iter()).is_some()))
}
