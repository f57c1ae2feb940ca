//! `negative-oom-score-adj`: a container that is spared for no reason that its engine gives.

use crate::lint::change;
use crate::lint::inspect_view::containers;
use crate::lint::rule::prelude::*;
use crate::spec::edit::Edit;
use crate::system::oom_score_adj::OomScoreAdj;

pub(super) struct NegativeOomScoreAdj;

impl Rule for NegativeOomScoreAdj {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "negative-oom-score-adj",
            summary: "process.oomScoreAdj is below 0 and no engine says why",
            group: Group::Score,
            severity: Severity::Warning,
            confidence: Confidence::Medium,
            fixable: Fixable::Unsafe,
            kinds: &[FileKind::Spec, FileKind::ContainerInspect],
            why: prose! {
                /// Every point below 0 is a thousandth of the machine's memory that the container may eat before the
                /// kernel prefers it to an innocent process.
            },
            what: prose! {
                /// `process.oomScoreAdj` is from -999 to -1, and the spec has no annotation of a Kubernetes engine,
                /// whose values follow the pod's quality of service. Somebody chose it by hand, or an engine copied its
                /// own. -1000 is the business of `immune-step`.
            },
            fix: prose! {
                /// Give what may be killed 500, and what is to be spared its oom_score_adj through a rule of oomshim's
                /// policy that its engine controls.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        if subject.kind == FileKind::ContainerInspect {
            return inspected(subject.root(), report);
        }
        let spec = subject.spec();
        let Some((node, score)) = spec.valid_score() else { return };
        if score >= OomScoreAdj::ZERO || score == OomScoreAdj::MIN || spec.is_kubernetes() {
            return;
        }
        let Ok(step) = OomScoreAdj::new(500) else { return };
        let is_step = spec.is_build_step();
        let who = if is_step { "a build step" } else { "the container" };
        report
            .at(&node, format!("{who} has the oom_score_adj {score}: the kernel kills others before it"))
            .label("below 0")
            .confidence(if is_step { Confidence::High } else { Confidence::Medium })
            .fix(Safety::Unsafe, "set oomScoreAdj to 500", || change::edits(node, &[Edit::OomScoreAdj(step)]))
            .emit();
    }
}

fn inspected(root: Node<'_>, report: &mut Report<'_>) {
    for container in containers(root) {
        let Some((node, score)) = container.score().filter(|(_, score)| (-999..0).contains(score)) else { continue };
        let message = format!("{} has the oom_score_adj {score}: the kernel kills others before it", container.name());
        report.at(&node, message).label("below 0").emit();
    }
}
