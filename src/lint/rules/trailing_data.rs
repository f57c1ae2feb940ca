//! `trailing-data`: something stands behind the spec.

use crate::lint::rule::prelude::*;
use crate::spec::edit::Splice;

pub(super) struct TrailingData;

impl Rule for TrailingData {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "trailing-data",
            summary: "something stands behind the file's JSON value",
            group: Group::Shape,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::Unsafe,
            kinds: &[FileKind::Spec, FileKind::Hook, FileKind::Dockerd],
            why: prose! {
                /// runc reads the first value and stops, BuildKit and most others refuse the file: the same spec starts
                /// and cannot be executed into. podman, CRI-O and dockerd refuse such a file.
            },
            what: prose! {
                /// Behind the closing brace there is more than white space, as when a shorter text was written over a
                /// longer one.
            },
            fix: prose! {
                /// Take away what stands behind the value.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let end = subject.tree.root().span().end;
        let text = subject.text;
        let rest = text[end..].trim_start_matches([' ', '\t', '\n', '\r']);
        if rest.is_empty() {
            return;
        }
        let start = text.len() - rest.len();
        let cut =
            || vec![Splice { range: end..text.trim_end_matches([' ', '\t', '\n', '\r']).len(), text: String::new() }];
        report
            .at(&(start..text.len()), "something stands behind the JSON value")
            .label(if subject.kind == FileKind::Spec { "not read by runc, refused by others" } else { "refused" })
            .fix(Safety::Unsafe, "take away what stands behind the value", cut)
            .emit();
    }
}
