//! `oom-score-adj-not-sticky`: the step can take its raised score back.

use crate::lint::rule::prelude::*;
use crate::lint::spec_view::Namespace;
use crate::system::capabilities::ScorePrivilege;
use crate::system::oom_score_adj::OomScoreAdj;

pub(super) struct OomScoreAdjNotSticky;

impl Rule for OomScoreAdjNotSticky {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "oom-score-adj-not-sticky",
            summary: "oom_score_adj is raised by an engine without CAP_SYS_RESOURCE",
            group: Group::Score,
            severity: Severity::Note,
            confidence: Confidence::Low,
            fixable: Fixable::No,
            kinds: &[FileKind::Spec],
            why: prose! {
                /// A raised oom_score_adj binds a process only when its writer has CAP_SYS_RESOURCE in the initial user
                /// namespace; otherwise one write to /proc/self/oom_score_adj takes it back.
            },
            what: prose! {
                /// `process.oomScoreAdj` is above 0, and the writer lacks the right: with `--host`, this machine's root
                /// was seen without CAP_SYS_RESOURCE or is inside a user namespace; without it, the spec looks rootless
                /// (a user namespace of its own and no cgroup). It still works for every program that does not
                /// touch it.
            },
            fix: prose! {
                /// Run the engine as real root with CAP_SYS_RESOURCE, or take it as what it is: good against
                /// accidents, not against a step that wants to be spared.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let spec = subject.spec();
        let Some((node, score)) = spec.valid_score().filter(|(_, score)| *score > OomScoreAdj::ZERO) else { return };
        let lacking = subject.machine.map(|machine| machine.rights == ScorePrivilege::RaiseOnly);
        let has_cgroup = spec.cgroup.and_then(Node::text).is_some_and(|path| !path.is_empty());
        let looks_rootless = matches!(spec.namespace("user"), Namespace::Own(_)) && !has_cgroup;
        let confidence = match lacking {
            Some(true) => Confidence::High,
            None if looks_rootless => Confidence::Low,
            _ => return,
        };
        report
            .at(&node, format!("{score} does not bind the step: who writes it lacks CAP_SYS_RESOURCE"))
            .label("the step can undo this")
            .confidence(confidence)
            .emit();
    }
}
