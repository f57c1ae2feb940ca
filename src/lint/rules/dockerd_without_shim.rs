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
            why: prose! {
                /// dockerd gives every container the score 0, so when the machine runs out the largest process dies,
                /// and that may be a daemon; steps of its BuildKit get no score at all and inherit its own.
            },
            what: prose! {
                /// `default-runtime` names no runtime whose `path` (or, beside a `runtimeType`, `options.BinaryName`)
                /// is `oomshim-runc`. With `oom-score-adjust` below 0 it is a warning: the steps of the embedded
                /// BuildKit inherit that number.
            },
            fix: prose! {
                /// Add `"runtimes": {"oomshim": {"path": "/usr/local/bin/oomshim-runc"}}` and `"default-runtime":
                /// "oomshim"`, and set DOCKER_BUILDKIT_RUNC_COMMAND in dockerd's environment for its BuildKit.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let root = subject.root();
        let default = root.field("default-runtime");
        let name = default.and_then(Node::text).unwrap_or_default();
        let runtime = root.field("runtimes").and_then(|runtimes| {
            runtimes.children().find(|entry| entry.key().is_some_and(|key| key.eq_ignore_ascii_case(&name)))
        });
        // A runtime of containerd (`runtimeType`) may still name its program.
        let program = runtime.and_then(|it| it.field("path").or_else(|| it.at(&["options", "BinaryName"])));
        let path = program.and_then(Node::text).unwrap_or_default();
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

#[cfg(test)]
mod tests {
    use crate::lint::{self, Options};

    #[test]
    fn a_runtime_of_containerd_may_name_its_program_too() {
        let fires = |runtime: &str| {
            let text = format!(r#"{{"default-runtime":"oom","runtimes":{{"oom":{runtime}}}}}"#);
            let outcome = lint::bytes("daemon.json".as_ref(), text.as_bytes(), None, &Options::default()).unwrap();
            outcome.findings.iter().any(|finding| finding.rule.name == "dockerd-without-shim")
        };
        let typed = |binary: &str| {
            format!(r#"{{"runtimeType":"io.containerd.runc.v2","options":{{"BinaryName":"{binary}"}}}}"#)
        };
        assert!(!fires(&typed("/usr/local/bin/oomshim-runc")) && fires(&typed("/usr/bin/crun")));
        assert!(!fires(r#"{"path":"oomshim-runc"}"#) && fires(r#"{"runtimeType":"io.containerd.runc.v2"}"#));
    }
}
