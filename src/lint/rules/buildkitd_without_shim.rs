//! `buildkitd-without-shim`: build steps are started by a runtime that leaves them the daemon's `oom_score_adj`.

use crate::lint::program::{NVIDIA, Program, shim_for};
use crate::lint::rule::prelude::*;

pub(super) struct BuildkitdWithoutShim;

impl Rule for BuildkitdWithoutShim {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "buildkitd-without-shim",
            summary: "buildkitd starts steps without oomshim-runc",
            group: Group::Deployment,
            severity: Severity::Warning,
            confidence: Confidence::Medium,
            fixable: Fixable::No,
            kinds: &[FileKind::Buildkitd],
            why: prose! {
                /// buildkitd gives its steps no oom_score_adj of their own: made immune to survive, it makes every step
                /// immune with it, and the first greedy one takes the machine down.
            },
            what: prose! {
                /// The OCI worker is on (as it is by default) and `[worker.oci] binary` is not `oomshim-runc`; or the
                /// containerd worker is on and its `[worker.containerd.runtime] options` name another `BinaryName`. It
                /// matters when buildkitd itself has an oom_score_adj below 0, which its own file does not tell.
            },
            fix: prose! {
                /// Write `binary = "/usr/local/bin/oomshim-runc"` under `[worker.oci]`; for the containerd worker set
                /// the runtime's option `BinaryName`. Restart buildkitd when no build runs: a restart ends running
                /// builds.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let root = subject.root();
        let worker = |name| root.at(&["worker", name]);
        let enabled = |node: Option<Node<'_>>| node.and_then(|node| node.field("enabled")).and_then(Node::boolean);
        let oci = worker("oci");
        // A value that is no string is said by `wrong-type`.
        let is_readable = oci.and_then(|oci| oci.field("binary")).is_none_or(|binary| binary.kind() == Kind::String);
        if enabled(oci) != Some(false) && is_readable {
            // An empty name is none: buildkitd looks for buildkit-runc and runc then.
            let binary =
                oci.and_then(|oci| oci.field("binary")).filter(|node| node.text().is_none_or(|it| !it.is_empty()));
            let place = binary.map(Node::span).or_else(|| oci.map(Node::name_span)).unwrap_or(0..0);
            let named = binary.and_then(Node::text).unwrap_or_default();
            let message = match (binary, oci) {
                (Some(_), _) => {
                    format!("steps are started by {}, which leaves them buildkitd's oom_score_adj", quote(&named))
                }
                (None, Some(_)) => {
                    "no binary: steps are started by buildkit-runc or runc, which leave them buildkitd's oom_score_adj".to_owned()
                }
                (None, None) => {
                    "no [worker.oci]: steps are started by buildkit-runc or runc, which leave them buildkitd's oom_score_adj"
                        .to_owned()
                }
            };
            emit(subject, &named, &place, message, report);
        }
        let containerd = worker("containerd");
        if enabled(containerd) == Some(true) {
            let binary = containerd.and_then(|worker| worker.at(&["runtime", "options", "BinaryName"]));
            let place = binary.or(containerd).map_or(0..0, Node::name_span);
            let message = "the containerd worker starts steps by a runtime that leaves them its caller's oom_score_adj";
            emit(subject, &binary.and_then(Node::text).unwrap_or_default(), &place, message.to_owned(), report);
        }
    }
}

fn emit(subject: &Subject<'_>, binary: &str, place: &std::ops::Range<usize>, message: String, report: &mut Report<'_>) {
    let program = Program::at(subject, binary);
    // `tool-as-runtime` says it of the tool.
    if matches!(program, Program::Shim | Program::Tool) {
        return;
    }
    let draft = report.at(place, message).label("not oomshim-runc");
    match program {
        Program::Nvidia => draft.help(NVIDIA).emit(),
        _ if shim_for(binary) != "oomshim-runc" => draft
            .help(format!(
                "Write `binary = \"/usr/local/bin/{}\"`, which keeps the runtime's family, and restart buildkitd when no \
                 build runs: a restart ends running builds.",
                shim_for(binary)
            ))
            .emit(),
        _ => draft.emit(),
    }
}
