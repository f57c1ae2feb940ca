//! `unsupported-version`: a version of the specification that runtimes do not know.

use crate::lint::rule::prelude::*;

pub(super) struct UnsupportedVersion;

impl Rule for UnsupportedVersion {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "unsupported-version",
            summary: "ociVersion is no version of the specification 1.x",
            group: Group::Shape,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Spec],
            why: prose! {
                /// crun and youki refuse a spec whose version does not begin with 1, and runc reads it as if it did.
            },
            what: prose! {
                /// `ociVersion` is not of the form MAJOR.MINOR.PATCH (semantic versioning 2.0, a suffix such as -dev
                /// allowed), or its MAJOR is not 1. Newer minor versions pass: they only add.
            },
            fix: prose! {
                /// Write the version that the spec was written for, such as `1.3.0`.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let Some(node) = subject.root().field("ociVersion") else { return };
        let Some(text) = node.text() else { return };
        match major(&text) {
            Some("1") => {}
            Some(_) => report
                .at(&node, format!("version {} is not one of 1.x", quote(&text)))
                .label("unknown to runtimes")
                .emit(),
            None => report
                .at(&node, format!("{} is no version: write MAJOR.MINOR.PATCH", quote(&text)))
                .label("no version")
                .emit(),
        }
    }
}

/// The major number of a semantic version.
fn major(text: &str) -> Option<&str> {
    let core = text.split(['-', '+']).next()?;
    let parts: Vec<&str> = core.split('.').collect();
    let number = |part: &&str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && (part.len() == 1 || !part.starts_with('0'))
    };
    (parts.len() == 3 && parts.iter().all(number)).then(|| parts[0])
}
