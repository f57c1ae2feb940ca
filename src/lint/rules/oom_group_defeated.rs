//! `oom-group-defeated`: the step is to be killed as a group, and none of it can be killed.

use crate::lint::rule::prelude::*;

pub(super) struct OomGroupDefeated;

impl Rule for OomGroupDefeated {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "oom-group-defeated",
            summary: "memory.oom.group is 1 and oom_score_adj is -1000",
            group: Group::Killing,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Spec],
            why: prose! {
                /// A group kill spares every process at -1000, so what was to be killed as a group is not killed at
                /// all.
            },
            what: prose! {
                /// `linux.resources.unified` has `"memory.oom.group": "1"` while `process.oomScoreAdj` is -1000 (kernel
                /// `cgroup-v2.rst`: tasks with -1000 are exempt).
            },
            fix: prose! {
                /// Raise `oomScoreAdj`, to 500 for a step; or take `memory.oom.group` away from a daemon that is to
                /// live.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let spec = subject.spec();
        let group = spec.unified("memory.oom.group").filter(|node| node.text().is_some_and(|text| text == "1"));
        let (Some(group), Some(score)) = (group, spec.is_immune()) else { return };
        report
            .at(&group, "memory.oom.group has no effect on processes at -1000")
            .label("spares every process of this container")
            .related(&score, "because of this oom_score_adj")
            .emit();
    }
}
