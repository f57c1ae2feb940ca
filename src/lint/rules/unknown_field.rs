//! `unknown-field`: a name that the specification does not know.

use crate::lint::change;
use crate::lint::rule::prelude::*;
use crate::lint::schema::spec::{SPEC, names};
use crate::lint::schema::{Flaw, Object, Shape, nearest};

pub(super) struct UnknownField;

impl Rule for UnknownField {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "unknown-field",
            summary: "a field that no reader of the file has",
            group: Group::Shape,
            severity: Severity::Note,
            confidence: Confidence::Low,
            fixable: Fixable::Unsafe,
            kinds: &[FileKind::Spec, FileKind::Buildkitd],
            why: prose! {
                /// Runtimes must ignore what they do not know, and buildkitd does so without a word, so it may be a
                /// newer field, or nothing at all.
            },
            what: prose! {
                /// An object of the specification has a member that version 1.3 does not define and that is no slip of
                /// the pen either. One that another object has, and only that one, is told to be at the wrong place, as
                /// a warning of high confidence: `oomScoreAdj` belongs into `process`. A spec whose `ociVersion` is
                /// newer than 1.3 is not judged. In buildkitd.toml: a key that buildkitd 0.33 does not read.
            },
            fix: prose! {
                /// If it is meant for a newer runtime, say so with `ociVersion`; if it is for people or other programs,
                /// put it into `annotations`.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let version = subject.root().field("ociVersion").and_then(Node::text).unwrap_or_default();
        let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        if (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) > (1, 3) {
            return;
        }
        let reader = if subject.kind == FileKind::Spec { "runtime-spec 1.3" } else { "buildkitd 0.33" };
        // Measuring names costs far more than reading them; a file with more strange names than this is no spec.
        for flaw in subject.flaws().iter().filter(|flaw| matches!(flaw, Flaw::Unknown { .. })).take(1000) {
            let Flaw::Unknown { node, object, .. } = flaw else { continue };
            let (Some(key), Some(span)) = (node.key(), node.key_span()) else { continue };
            if nearest(&key, names(object.fields)).is_some() {
                continue;
            }
            let draft =
                report.at(&span, format!("{} has no field {} in {reader}", object.name, quote(&key))).label("ignored");
            match home(&key).filter(|_| subject.kind == FileKind::Spec) {
                None => draft.emit(),
                Some(home) => {
                    let draft = draft
                        .help(format!("Move it into `{home}`, which has a field of that name."))
                        .severity(Severity::Warning)
                        .confidence(Confidence::High);
                    match misplaced_score(subject, *node) {
                        Some((process, score)) => draft
                            .fix(Safety::Unsafe, "move oomScoreAdj into process", || {
                                vec![change::remove(*node), change::insert(process, &[("oomScoreAdj", &score)])]
                            })
                            .emit(),
                        None => draft.emit(),
                    }
                }
            }
        }
    }
}

/// Where a misplaced `oomScoreAdj` can be moved to, and its value: into a process that has none.
fn misplaced_score<'t>(subject: &Subject<'t>, node: Node<'t>) -> Option<(Node<'t>, String)> {
    let spec = subject.spec();
    let is_score = node.is_named("oomScoreAdj") && node.integer().is_some_and(|score| (-1000..=1000).contains(&score));
    let process = spec.process.filter(|process| is_score && process.fields("oomScoreAdj").next().is_none())?;
    // A change inside of what is removed would be lost.
    let is_apart = node.span().end <= process.span().start || process.span().end <= node.name_span().start;
    is_apart.then(|| (process, node.raw().into_owned()))
}

/// The object that has such a field, where it is the only one.
fn home(key: &str) -> Option<&'static str> {
    let mut homes = Vec::new();
    find(key, &SPEC, &mut homes);
    match homes[..] {
        [home] if home != SPEC.name => Some(home),
        _ => None,
    }
}

fn find(key: &str, object: &Object, homes: &mut Vec<&'static str>) {
    for field in object.fields {
        if field.name == key {
            homes.push(object.name);
        }
        let mut shape = &field.shape;
        while let Shape::List(inner) | Shape::Map(inner) = shape {
            shape = inner;
        }
        if let Shape::Object(inner) = shape {
            find(key, inner, homes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_at_home_where_only_one_object_has_it() {
        assert_eq!((home("oomScoreAdj"), home("cgroupsPath")), (Some("process"), Some("linux")));
        assert_eq!((home("path"), home("type"), home("hostname"), home("nothing")), (None, None, None, None));
    }
}
