//! `not-json`: the file cannot be read at all.

use crate::lint::kind::Syntax;
use crate::lint::rule::prelude::*;

pub(super) struct NotJson;

impl Rule for NotJson {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "not-json",
            summary: "the file is not JSON",
            group: Group::Shape,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[
                FileKind::Spec,
                FileKind::Hook,
                FileKind::Dockerd,
                FileKind::Inspect,
                FileKind::ContainerInspect,
                FileKind::Kubernetes,
            ],
            why: prose! {
                /// No program reads any of a file that is not JSON: a container does not start, dockerd does not start,
                /// and one broken hooks.d file stops podman and CRI-O altogether.
            },
            what: prose! {
                /// The text is not JSON as RFC 8259 has it: a comma too many, a missing quote, a comment, a byte order
                /// mark, an end in the middle. The place is the first byte that nothing fits to. Present releases of
                /// dockerd take an empty daemon.json, about which nothing is said, and one with a byte order mark,
                /// which is only a note; 20.10 refuses both.
            },
            fix: prose! {
                /// Correct the text at that place.
            },
        }
    }

    fn reads_broken_files(&self) -> bool {
        true
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let Some(error) = subject.syntax_error.filter(|_| subject.syntax == Syntax::Json) else { return };
        let is_dockerd = subject.kind == FileKind::Dockerd;
        if is_dockerd && subject.text.trim().is_empty() {
            return;
        }
        if is_dockerd && subject.text.starts_with('\u{feff}') {
            return report
                .at(&(0..3), "a byte order mark, which dockerd 20.10 refuses and later ones skip")
                .label("nothing behind it was judged")
                .severity(Severity::Note)
                .help("Remove the byte order mark.")
                .emit();
        }
        report.at(&(error.at..error.at + 1), format!("not JSON: {}", error.message)).emit();
    }
}
