//! `unknown-field`: a name that the specification does not know.

use crate::lint::rule::prelude::*;
use crate::lint::schema::{Flaw, nearest, spec::names};

pub(super) struct UnknownField;

impl Rule for UnknownField {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "unknown-field",
            summary: "a field that runtime-spec 1.3 does not have",
            group: Group::Shape,
            severity: Severity::Note,
            confidence: Confidence::Low,
            fixable: Fixable::No,
            kinds: &[FileKind::Spec],
            why: "Runtimes must ignore what they do not know, so it may be a newer field, or nothing at all.",
            what: "An object of the specification has a member that version 1.3 does not define and that is no slip of the pen either. A spec whose `ociVersion` is newer than 1.3 is not asked.",
            fix: "If it is meant for a newer runtime, say so with `ociVersion`; if it is for people or other programs, put it into `annotations`.",
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let version = subject.root().field("ociVersion").and_then(Node::text).unwrap_or_default();
        let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        if (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) > (1, 3) {
            return;
        }
        // Measuring names costs far more than reading them; a file with more strange names than this is no spec.
        for flaw in subject.flaws().iter().filter(|flaw| matches!(flaw, Flaw::Unknown { .. })).take(1000) {
            let Flaw::Unknown { node, object, .. } = flaw else { continue };
            let (Some(key), Some(span)) = (node.key(), node.key_span()) else { continue };
            if nearest(&key, names(object.fields)).is_none() {
                report
                    .at(&span, format!("{} has no field {} in runtime-spec 1.3", object.name, quote(&key)))
                    .label("ignored")
                    .emit();
            }
        }
    }
}
