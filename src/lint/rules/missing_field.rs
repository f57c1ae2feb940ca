//! `missing-field`: something without which no runtime starts the container.

use crate::lint::rule::prelude::*;
use crate::lint::schema::Flaw;

pub(super) struct MissingField;

impl Rule for MissingField {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "missing-field",
            summary: "a field that must be there is not",
            group: Group::Shape,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Spec],
            why: prose! {
                /// Without what the specification requires a runtime refuses the container, or reads a zero where a
                /// value was meant.
            },
            what: prose! {
                /// A member that runtime-spec 1.3 requires on Linux is absent or `null`: `ociVersion`, `root.path`,
                /// `process.cwd`, `process.args`, a mount's destination, a namespace's type, a hook's path and the
                /// like. `process` itself may be absent until the container is started. Specs for other systems are not
                /// judged.
            },
            fix: prose! {
                /// Add the field.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let spec = subject.spec();
        let other = ["windows", "vm", "solaris", "zos", "freebsd"];
        if spec.linux.is_none() && other.into_iter().any(|system| subject.root().field(system).is_some()) {
            return;
        }
        let args = spec.process.and_then(|process| process.field("args"));
        if let Some(args) = args.filter(|args| args.kind() == Kind::Array && args.items().next().is_none()) {
            report.at(&args, "`args` is empty: runtimes refuse the container").label("args must not be empty").emit();
        }
        for flaw in subject.flaws() {
            let Flaw::Missing { node, object, field } = flaw else { continue };
            // What containerd makes of a base_runtime_spec has the arguments of the image.
            if *field == "args" && spec.is_base() {
                continue;
            }
            let place = node.key_span().unwrap_or_else(|| node.span().start..node.span().start + 1);
            report
                .at(&place, format!("`{field}` is missing in {}", object.name))
                .label(format!("{field} is required in here"))
                .emit();
        }
    }
}
