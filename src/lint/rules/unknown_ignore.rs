//! `unknown-ignore`: an ignore that ignores nothing.

use crate::lint::ignore;
use crate::lint::rule::prelude::*;
use crate::lint::rules;
use crate::lint::schema::nearest;
use crate::lint::select::is_known;

pub(super) struct UnknownIgnore;

impl Rule for UnknownIgnore {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "unknown-ignore",
            summary: "an ignore names a rule that there is not",
            group: Group::Shape,
            severity: Severity::Warning,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[
                FileKind::Spec,
                FileKind::Policy,
                FileKind::Buildkitd,
                FileKind::Containerd,
                FileKind::Crio,
                FileKind::ContainersConf,
                FileKind::Unit,
                FileKind::Compose,
            ],
            why: prose! {
                /// It ignores nothing, and whoever wrote it believes that it does.
            },
            what: prose! {
                /// The annotation `oomshim.lint.ignore` of a spec, or a comment `# oomshim: ignore[…]` of a TOML file,
                /// names neither a rule nor a group of rules nor `all`.
            },
            fix: prose! {
                /// Write the rule's name as the findings have it.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        for ignore in ignore::of(subject).iter().filter(|ignore| !is_known(&ignore.name)) {
            let names = rules::ALL.iter().map(|rule| rule.meta().name);
            let near = nearest(&ignore.name, names).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            report
                .at(&ignore.span, format!("there is no rule {}{near}", quote(&ignore.name)))
                .label("ignores nothing")
                .emit();
        }
    }
}
