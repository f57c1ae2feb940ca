//! `keeps-sys-resource`: the step has the capability that lowers scores.

use crate::lint::change;
use crate::lint::rule::prelude::*;
use crate::lint::spec_view::Namespace;

pub(super) struct KeepsSysResource;

const CAPABILITY: &str = "CAP_SYS_RESOURCE";

impl Rule for KeepsSysResource {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "keeps-sys-resource",
            summary: "the container keeps CAP_SYS_RESOURCE",
            group: Group::Score,
            severity: Severity::Warning,
            confidence: Confidence::High,
            fixable: Fixable::Unsafe,
            kinds: &[FileKind::Spec],
            why: prose! {
                /// A process with CAP_SYS_RESOURCE lowers its own oom_score_adj again, to -1000 if it likes, and sets
                /// aside limits besides.
            },
            what: prose! {
                /// The capability is in the bounding, permitted, effective or ambient set, as in every privileged
                /// container and every build step with `security.insecure`. In a user namespace of the container's own
                /// it does not count: the kernel asks for it in the initial one. A user other than root who has it in
                /// the bounding set only needs a set-id program to get it, which is reported as less sure.
            },
            fix: prose! {
                /// Take CAP_SYS_RESOURCE out of every set of `process.capabilities`.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let spec = subject.spec();
        let Some(first) = spec.capability(CAPABILITY) else { return };
        if !matches!(spec.namespace("user"), Namespace::Host) {
            return;
        }
        let sets = spec.process.and_then(|process| process.field("capabilities"));
        let held = |set: &&'static str| {
            let items = sets.and_then(|sets| sets.field(set)).into_iter().flat_map(Node::items);
            items.filter_map(Node::text).any(|name| name.eq_ignore_ascii_case(CAPABILITY))
        };
        let at_once = spec.uid() == Some(0) || ["permitted", "effective", "ambient"].iter().any(held);
        report
            .at(&first, "the container keeps CAP_SYS_RESOURCE and can undo its oom_score_adj")
            .label("this lowers oom_score_adj")
            .confidence(if at_once { Confidence::High } else { Confidence::Medium })
            .fix(Safety::Unsafe, "drop CAP_SYS_RESOURCE", || {
                spec.capabilities(CAPABILITY).map(change::remove).collect()
            })
            .emit();
    }
}
