//! `not-toml`: the file cannot be read at all.

use crate::lint::kind::Syntax;
use crate::lint::rule::prelude::*;

pub(super) struct NotToml;

impl Rule for NotToml {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "not-toml",
            summary: "the file is not TOML",
            group: Group::Shape,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[
                FileKind::Policy,
                FileKind::Buildkitd,
                FileKind::Containerd,
                FileKind::Crio,
                FileKind::ContainersConf,
                FileKind::Nvidia,
            ],
            why: prose! {
                /// A daemon with a broken configuration does not start, and a broken policy stops every container.
            },
            what: prose! {
                /// The text is not TOML 1.0, or says a key twice.
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
        if let Some(error) = subject.syntax_error.filter(|_| subject.syntax == Syntax::Toml) {
            report.at(&(error.at..error.at + 1), format!("not TOML: {}", error.message)).emit();
        }
    }
}
