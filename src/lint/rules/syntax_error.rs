//! `syntax-error`: a unit or a compose file cannot be read at all.

use crate::lint::rule::prelude::*;

pub(super) struct SyntaxError;

impl Rule for SyntaxError {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "syntax-error",
            summary: "the unit or compose file cannot be parsed",
            group: Group::Shape,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Compose, FileKind::Unit, FileKind::Kubernetes],
            why: prose! {
                /// docker compose starts nothing of a file that is not YAML, and systemd refuses a unit with a broken
                /// section and ignores what stands before the first one.
            },
            what: prose! {
                /// The text is not YAML 1.2, or in a unit file a section has no `]` or something stands before
                /// the first section.
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
        if let Some(error) = subject.syntax_error {
            let message = format!("not {}: {}", subject.syntax.title(), error.message);
            report.at(&(error.at..error.at + 1), message).emit();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::lint::{self, Options};

    #[test]
    fn a_broken_unit_is_found() {
        let fires = |text: &str| {
            let outcome =
                lint::bytes(Path::new("docker.service.d/x.conf"), text.as_bytes(), None, &Options::default()).unwrap();
            outcome.findings.iter().any(|finding| finding.rule.name == "syntax-error")
        };
        assert!(fires("OOMPolicy=continue\n") && fires("[Service\nOOMPolicy=continue\n"));
        assert!(!fires("[Service]\nOOMPolicy=continue\n"));
    }
}
