//! `policy-default-unprotected`: what no rule speaks of is no easier to kill than the daemons.

use crate::lint::rule::prelude::*;
use crate::policy::class::Adjust;
use crate::system::oom_score_adj::OomScoreAdj;

pub(super) struct PolicyDefaultUnprotected;

impl Rule for PolicyDefaultUnprotected {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "policy-default-unprotected",
            summary: "the default class leaves containers as they are",
            group: Group::Deployment,
            severity: Severity::Warning,
            confidence: Confidence::Medium,
            fixable: Fixable::No,
            kinds: &[FileKind::Policy],
            why: prose! {
                /// A container that no rule speaks of then has what its engine asked for, which for dockerd is always
                /// 0, and a build step is as hard to kill as the daemon that runs it.
            },
            what: prose! {
                /// `[default]` names `keep`, a class with an `oom_score_adj` of 0, or one with `adjust = "fill"`, which
                /// gives nothing where the engine asked for something. The same goes for the built-in default class
                /// where the file changes it.
            },
            fix: prose! {
                /// Let the default be a class above 0, `build-step` for instance, and name what is to be left alone in
                /// rules with `class = "keep"`.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let Ok(policy) = subject.policy() else { return };
        let root = subject.root();
        let class = policy.resolve(&policy.default);
        let table = class.and_then(|class| root.field("class")?.entry_of(&class.name));
        // Without [default] it is the built-in one, whose class the file may have changed.
        let (said, changed) = (root.at(&["default", "class"]), table.and_then(Node::key_span));
        let Some(place) = said.map(Node::span).or(changed) else { return };
        let message = match class {
            None => "what no rule speaks of is left alone: it has what its engine asks for, or 0, and is as hard to kill as \
                     anything else"
                .to_owned(),
            Some(class) if class.oom_score_adj <= OomScoreAdj::ZERO => {
                format!("what no rule speaks of gets oom_score_adj {}, as hard to kill as anything else", class.oom_score_adj)
            }
            Some(class) if class.adjust == Adjust::Fill => format!(
                "what no rule speaks of gets oom_score_adj {} only where its engine asks for none, and dockerd and the \
                 kubelet always ask for one",
                class.oom_score_adj
            ),
            Some(_) => return,
        };
        report.at(&place, message).label("unprotected").emit();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::lint::kind::FileKind;
    use crate::lint::{self, Options};

    #[test]
    fn every_default_that_protects_nobody_is_found() {
        let messages = |text: &str| -> Vec<String> {
            let found = lint::bytes(Path::new("p"), text.as_bytes(), Some(FileKind::Policy), &Options::default());
            let all = found.unwrap().findings.into_iter();
            all.filter(|finding| finding.rule.name == "policy-default-unprotected")
                .map(|finding| finding.message)
                .collect()
        };
        let class = |lines: &str| format!("[class.x]\n{lines}\n[default]\nclass = \"x\"\n");
        assert!(messages("[default]\nclass = \"keep\"\n")[0].contains("is left alone"));
        assert!(messages(&class("oom_score_adj = 0"))[0].contains("gets oom_score_adj 0"));
        assert!(
            messages(&class("oom_score_adj = 500\nadjust = \"fill\""))[0]
                .contains("only where its engine asks for none")
        );
        assert!(messages("[class.build-step]\noom_score_adj = 0\n")[0].contains("gets oom_score_adj 0"));
        assert!(messages(&class("oom_score_adj = 500")).is_empty() && messages("").is_empty());
        assert!(messages("[class.x]\noom_score_adj = 0\n").is_empty(), "a class that is not the default");
    }
}
