//! `wrong-type`: a value that is not what its reader reads there.

use crate::lint::rule::prelude::*;
use crate::lint::schema::Flaw;

pub(super) struct WrongType;

impl Rule for WrongType {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "wrong-type",
            summary: "a value of another type than the specification's",
            group: Group::Shape,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Spec],
            why: prose! {
                /// One value of a wrong type makes runtimes refuse the whole spec.
            },
            what: prose! {
                /// Somewhere in what runtime-spec 1.3 defines for Linux stands a value of another JSON type, or a
                /// number that does not fit (a fraction, a negative size, more than 32 bits for a user id). `null`
                /// passes, as it does in Go. `process.oomScoreAdj` has rules of its own.
            },
            fix: prose! {
                /// Write what the message says.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        if !subject.root().is_object() {
            return report.at(&subject.root(), "a spec is a JSON object").label("not an object").emit();
        }
        for flaw in subject.flaws() {
            let Flaw::WrongType { node, expected } = flaw else { continue };
            if node.is_named("oomScoreAdj") {
                continue;
            }
            let name = node.key().map_or(String::new(), |key| format!("{} is ", quote(&key)));
            report
                .at(node, format!("{name}{}, but must be {expected}", shown(*node)))
                .label(format!("expected {expected}"))
                .emit();
        }
    }
}

fn shown(node: Node<'_>) -> String {
    match node.kind() {
        Kind::Object => "an object".to_owned(),
        Kind::Array => "an array".to_owned(),
        Kind::String => "a string".to_owned(),
        Kind::Number | Kind::Bool | Kind::Null => quote(&node.raw()),
    }
}
