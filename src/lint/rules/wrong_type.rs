//! `wrong-type`: a value that is not what its reader reads there.

use crate::lint::rule::prelude::*;
use crate::lint::schema::Flaw;

pub(super) struct WrongType;

impl Rule for WrongType {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "wrong-type",
            summary: "a value of another type than its reader's",
            group: Group::Shape,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[
                FileKind::Spec,
                FileKind::Buildkitd,
                FileKind::Containerd,
                FileKind::Dockerd,
                FileKind::ContainersConf,
            ],
            why: prose! {
                /// One value of a wrong type makes runtimes refuse the whole spec, and keeps buildkitd, containerd and
                /// dockerd from starting.
            },
            what: prose! {
                /// Somewhere in what runtime-spec 1.3 defines for Linux, or in what the daemon reads, stands a value of
                /// another type, or a number that does not fit (a fraction, a negative size, more than 32 bits for a
                /// user id). The classic ones: `"max-file": 3` in dockerd's `log-opts`, which are all strings, and
                /// `enabled = "false"` for a worker of buildkitd, and a runtime of podman that is a string and no list.
                /// `null` passes in JSON, as it does in Go. `process.oomScoreAdj` has rules of its own.
            },
            fix: prose! {
                /// Write what the message says.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let root = subject.root();
        if !root.is_object() {
            // dockerd takes null for a file that sets nothing.
            if subject.kind != FileKind::Dockerd || root.kind() != Kind::Null {
                let message = format!("{} is one JSON object{}", subject.kind.title(), consequence(subject.kind));
                report.at(&root, message).label("not an object").emit();
            }
            return;
        }
        for flaw in subject.flaws() {
            let Flaw::WrongType { node, expected } = flaw else { continue };
            if subject.kind == FileKind::Spec && node.is_named("oomScoreAdj") {
                continue;
            }
            let name = node.key().map_or(String::new(), |key| format!("{} is ", quote(&key)));
            let message = format!("{name}{}, but must be {expected}{}", shown(*node), consequence(subject.kind));
            report.at(node, message).label(format!("expected {expected}")).emit();
        }
    }
}

fn consequence(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Buildkitd => ": buildkitd does not start",
        FileKind::Containerd => ": containerd does not start",
        FileKind::Dockerd => ": dockerd does not start",
        FileKind::ContainersConf => ": podman starts nothing",
        _ => "",
    }
}

fn shown(node: Node<'_>) -> String {
    match node.kind() {
        Kind::Object => "an object".to_owned(),
        Kind::Array => "an array".to_owned(),
        Kind::String => "a string".to_owned(),
        Kind::Number | Kind::Bool | Kind::Null => quote(&node.raw()),
    }
}
