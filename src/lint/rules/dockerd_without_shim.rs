//! `dockerd-without-shim`: containers of docker start without oomshim.

use crate::lint::deployment::is_shim;
use crate::lint::rule::prelude::*;

pub(super) struct DockerdWithoutShim;

impl Rule for DockerdWithoutShim {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "dockerd-without-shim",
            summary: "dockerd's default runtime is not oomshim-runc",
            group: Group::Deployment,
            severity: Severity::Note,
            confidence: Confidence::Medium,
            fixable: Fixable::No,
            kinds: &[FileKind::Dockerd],
            why: "dockerd gives every container the score 0, so when the machine runs out the largest process dies, and that may be a daemon; steps of its BuildKit get no score at all and inherit its own.",
            what: "`default-runtime` names no runtime whose `path` is `oomshim-runc`. With `oom-score-adjust` below 0 it is a warning: the steps of the embedded BuildKit inherit that number.",
            fix: "Add `\"runtimes\": {\"oomshim\": {\"path\": \"/usr/local/bin/oomshim-runc\"}}` and `\"default-runtime\": \"oomshim\"`, and set DOCKER_BUILDKIT_RUNC_COMMAND in dockerd's environment for its BuildKit.",
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let root = subject.root();
        let default = root.field("default-runtime");
        let name = default.and_then(Node::text).unwrap_or_default();
        let runtime = root.field("runtimes").and_then(|runtimes| {
            runtimes.children().find(|entry| entry.key().is_some_and(|key| key.eq_ignore_ascii_case(&name)))
        });
        let path = runtime.and_then(|runtime| runtime.field("path")).and_then(Node::text).unwrap_or_default();
        if is_shim(subject, &path) {
            return;
        }
        let own = root
            .field("oom-score-adjust")
            .and_then(|node| Some((node, node.integer()?)))
            .filter(|(_, score)| *score < 0);
        let place = default.map_or(0..1, Node::span);
        let draft = report
            .at(&place, "dockerd starts containers by something else than oomshim-runc")
            .label("not oomshim-runc");
        match own {
            Some((node, _)) => draft
                .severity(Severity::Warning)
                .related(&node, "dockerd spares itself, and its BuildKit's steps inherit that")
                .emit(),
            None => draft.emit(),
        }
    }
}
