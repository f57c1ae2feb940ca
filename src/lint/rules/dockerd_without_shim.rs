//! `dockerd-without-shim`: containers of docker start without oomshim.

use crate::lint::dockerd_view::{self, STOCK, is_containerd_name};
use crate::lint::program::{NVIDIA, Program, shim_for};
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
                /// dockerd gives every container an oom_score_adj of 0, so when the machine is out of memory the
                /// largest process is killed, and that may be a daemon; steps of its BuildKit get none and inherit its
                /// own.
            },
            what: prose! {
                /// `default-runtime` names no runtime whose `path` (or, beside a `runtimeType`, `options.BinaryName`)
                /// is `oomshim-runc`. With `oom-score-adjust` below 0, which dockerd reads before release 26, it is a
                /// warning: the steps of the embedded BuildKit inherit that number.
            },
            fix: prose! {
                /// Add `"runtimes": {"oomshim": {"path": "/usr/local/bin/oomshim-runc"}}` and `"default-runtime":
                /// "oomshim"`, then `systemctl reload docker`: containers that exist keep the runtime that they were
                /// created with. For `docker build` set DOCKER_BUILDKIT_RUNC_COMMAND in dockerd's environment.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let root = subject.root();
        if !root.is_object() {
            return;
        }
        let default = root.field("default-runtime");
        let runtime = dockerd_view::default_runtime(root);
        // A default that is not there is the business of `dockerd-invalid-runtime`.
        let name = default.and_then(Node::text).unwrap_or_default();
        if runtime.is_none() && !name.is_empty() && !STOCK.contains(&&*name) && !is_containerd_name(&name) {
            return;
        }
        let path = runtime.and_then(dockerd_view::program).and_then(Node::text).unwrap_or_default();
        let program = Program::at(subject, &path);
        // `tool-as-runtime` says it of the tool.
        if matches!(program, Program::Shim | Program::Tool) {
            return;
        }
        let own = root
            .field("oom-score-adjust")
            .and_then(|node| Some((node, node.integer()?)))
            .filter(|(_, score)| *score < 0);
        let place = default.map_or(0..1, Node::span);
        let draft = report.at(&place, "dockerd starts containers without oomshim-runc").label("not oomshim-runc");
        let draft = match (program, shim_for(&path)) {
            (Program::Nvidia, _) => draft.help(NVIDIA),
            (_, "oomshim-runc") => draft,
            (_, shim) => draft.help(format!(
                "Add a runtime with the path `/usr/local/bin/{shim}`, which keeps the family of this one, and name it as \
                 `default-runtime`: containers that exist keep the runtime that they were created with."
            )),
        };
        match own {
            Some((node, _)) => draft
                .severity(Severity::Warning)
                .related(&node, "dockerd spares itself, and the steps of its BuildKit inherit that")
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
