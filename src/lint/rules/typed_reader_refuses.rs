//! `typed-reader-refuses`: a spec that programs with the types of oci-spec do not read.

use crate::lint::rule::prelude::*;
use crate::lint::schema::Flaw;

pub(super) struct TypedReaderRefuses;

impl Rule for TypedReaderRefuses {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "typed-reader-refuses",
            summary: "a spec that the types of oci-spec do not read",
            group: Group::Shape,
            severity: Severity::Note,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Spec],
            why: prose! {
                /// youki and other programs in Rust read a spec with the types of the crate oci-spec, which are
                /// stricter than Go's in places: youki does not start this container.
            },
            what: prose! {
                /// The crate's own reader refuses the spec, for a reason that no other rule about its shape tells
                /// already. oomshim itself edits the text and reads no types, so it edits this spec like any other.
            },
            fix: prose! {
                /// Write what the reader expects, or run the container with runc or crun.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let told = |flaw: &Flaw<'_>| !matches!(flaw, Flaw::Unknown { .. });
        if subject.flaws().iter().any(told) {
            return;
        }
        // What stands behind the value is no part of it, and another rule's.
        let value = &subject.text[subject.root().span()];
        let Err(error) = serde_json::from_str::<oci_spec::runtime::Spec>(value) else { return };
        let at = subject.root().span().start + offset(value, error.line(), error.column());
        let node = innermost(subject.root(), at);
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        report.at(&node, format!("oci-spec does not read this: {message}")).label("refused").emit();
    }
}

/// The byte that a line and a column of `serde_json` stand for, which count from 1 and up to what was read last.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (before + column).saturating_sub(1).min(text.len())
}

/// The smallest value that has that byte in it.
fn innermost(root: Node<'_>, at: usize) -> Node<'_> {
    let mut node = root;
    while let Some(child) = node.children().find(|child| child.name_span().start <= at && at < child.span().end) {
        node = child;
    }
    node
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::lint::{self, Options};

    #[test]
    fn the_place_is_where_the_reader_stopped() {
        let spec = "{\"ociVersion\":\"1.0.2\",\n \"root\":{\"path\":\"rootfs\"},\n \"process\":{\"cwd\":\"/\",\"args\":[\"x\"],\"capabilities\":{\"bounding\":[\"CAP_NOTHING\"]}}}";
        let found = lint::bytes(Path::new("config.json"), spec.as_bytes(), None, &Options::default()).unwrap();
        let finding = found.findings.iter().find(|finding| finding.rule.name == "typed-reader-refuses").unwrap();
        assert_eq!(finding.pointer, "/process/capabilities/bounding", "{}", finding.message);
    }
}
