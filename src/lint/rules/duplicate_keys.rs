//! `duplicate-keys`: a key that is there twice.

use crate::lint::change;
use crate::lint::rule::prelude::*;
use crate::lint::schema::Flaw;
use crate::spec::edit::Splice;

pub(super) struct DuplicateKeys;

impl Rule for DuplicateKeys {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "duplicate-keys",
            summary: "a field is there twice, or in two spellings of one name",
            group: Group::Score,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::Safe,
            kinds: &[FileKind::Spec, FileKind::Hook],
            why: prose! {
                /// Runtimes disagree which of two counts: Go takes the last and reads names in any case, others take
                /// the first and read them exactly, so the oom_score_adj that you see is not the one that is written.
            },
            what: prose! {
                /// An object has two members of one name, or, where Go reads them into one field, names that differ
                /// only in case (`oomScoreAdj` and `OOMScoreAdj`). The keys of maps such as `annotations` keep their
                /// case. Duplicate keys with one value are a note: they do no harm yet.
            },
            fix: prose! {
                /// Keep one. The fix keeps the later value, because that is what runc reads, under the name that every
                /// runtime reads; it is safe where both have the same value.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        for flaw in subject.flaws() {
            let Flaw::DuplicateKey { first, second, name } = flaw else { continue };
            let (Some(key), Some(other)) = (first.key(), second.key()) else { continue };
            let same = first.bytes() == second.bytes();
            let message = if key == other {
                format!("{} is there twice", quote(&key))
            } else {
                format!("{} and {} are one field to Go, and two to others", quote(&key), quote(&other))
            };
            report
                .at(&second.name_span(), if same { format!("{message}, with one value") } else { message })
                .label("Go takes this one")
                .related(
                    &first.name_span(),
                    if subject.kind == FileKind::Hook { "not this one" } else { "others take this one" },
                )
                .severity(match (same, subject.kind) {
                    (true, _) => Severity::Note,
                    // Every reader of hooks.d is written in Go.
                    (false, FileKind::Hook) => Severity::Warning,
                    (false, _) => Severity::Error,
                })
                .fix(if same { Safety::Safe } else { Safety::Unsafe }, "keep the later one", || {
                    keep_later(*first, *second, *name)
                })
                .emit();
        }
    }
}

/// The earlier one goes; the later one gets the name that is not only Go's.
fn keep_later(first: Node<'_>, second: Node<'_>, name: Option<&'static str>) -> Vec<Splice> {
    let mut splices = vec![change::remove(first)];
    if let (Some(name), Some(range)) =
        (name.filter(|name| second.key().is_some_and(|key| key != *name)), second.key_span())
    {
        splices.push(Splice { range, text: format!("\"{name}\"") });
    }
    splices
}
