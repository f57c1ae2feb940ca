//! `misspelt-field`: a name that is almost one that its reader knows.

use crate::lint::change;
use crate::lint::rule::prelude::*;
use crate::lint::schema::{Flaw, nearest, spec::names};
use crate::spec::edit::Splice;

pub(super) struct MisspeltField;

impl Rule for MisspeltField {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "misspelt-field",
            summary: "a field whose name is almost a known one",
            group: Group::Shape,
            severity: Severity::Warning,
            confidence: Confidence::High,
            fixable: Fixable::Unsafe,
            kinds: &[FileKind::Spec, FileKind::Hook, FileKind::Buildkitd, FileKind::Containerd],
            why: prose! {
                /// Readers ignore what they do not know, so a misspelt setting is no setting and nobody says so.
            },
            what: prose! {
                /// An object of runtime-spec 1.3, of a hooks.d file, of buildkitd.toml or of containerd's config.toml
                /// has a member that it does not define, and whose name is a slip of the pen away from one that it
                /// does. In a spec a name in another case is reported too: runc and everything in Go reads it, crun and
                /// youki do not (where the right one is there as well, see `duplicate-keys`). dockerd refuses such
                /// names; see `dockerd-unknown-key`.
            },
            fix: prose! {
                /// Write the name as the specification has it. The fix is unsafe because the setting then takes effect.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        // hooks.d and the files of engines have readers in Go alone, which take names in any case.
        if subject.kind == FileKind::Spec {
            other_case(subject, report);
        }
        // Measuring names costs far more than reading them; a file with more strange names than this is no spec.
        for flaw in subject.flaws().iter().filter(|flaw| matches!(flaw, Flaw::Unknown { .. })).take(1000) {
            let Flaw::Unknown { node, object, parent } = flaw else { continue };
            let (Some(key), Some(span)) = (node.key(), node.key_span()) else { continue };
            let Some(meant) = nearest(&key, names(object.fields)) else { continue };
            let rename = || vec![Splice { range: span.clone(), text: format!("\"{meant}\"") }];
            let draft = report
                .at(&span, format!("{} has no field {}; did you mean `{meant}`?", object.name, quote(&key)))
                .label("nobody reads this");
            // Where the right name is there too, renaming would make duplicate keys.
            let already = !draft.is_unlisted() && parent.fields(meant).next().is_some();
            if already {
                draft.fix(Safety::Unsafe, format!("take {} away", quote(&key)), || vec![change::remove(*node)]).emit();
            } else {
                draft.fix(Safety::Unsafe, format!("rename it to {meant}"), rename).emit();
            }
        }
    }
}

/// Names that Go takes for the field and nobody else does.
fn other_case(subject: &Subject<'_>, report: &mut Report<'_>) {
    for flaw in subject.flaws().iter().filter(|flaw| matches!(flaw, Flaw::OtherCase { .. })).take(1000) {
        let Flaw::OtherCase { node, name, parent } = flaw else { continue };
        let (Some(key), Some(span)) = (node.key(), node.key_span()) else { continue };
        if parent.fields(name).nth(1).is_some() {
            continue;
        }
        let rename = || vec![Splice { range: span.clone(), text: format!("\"{name}\"") }];
        report
            .at(
                &span,
                format!("{} is `{name}` to runc, and nothing to crun and youki, which read names exactly", quote(&key)),
            )
            .label("only Go reads this")
            .fix(Safety::Unsafe, format!("rename it to {name}"), rename)
            .emit();
    }
}
