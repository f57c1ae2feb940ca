//! `engine-killed-first`: an engine that is a better victim than what it starts.

use super::unit_engine_killed::daemon;
use crate::lint::rule::prelude::*;
use crate::lint::unit::values;
use crate::lint::unit_value;

pub(super) struct EngineKilledFirst;

impl Rule for EngineKilledFirst {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "engine-killed-first",
            summary: "an engine with an oom_score_adj above 0",
            group: Group::Score,
            severity: Severity::Warning,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Containerd, FileKind::Unit],
            why: prose! {
                /// The kernel adds a thousandth of the machine's memory to its badness for each point, so the engine
                /// is killed before the step that took the memory; and what it starts without an oom_score_adj of its
                /// own inherits the number.
            },
            what: prose! {
                /// containerd's `oom_score`, or `OOMScoreAdjust=` of a unit whose `ExecStart=` starts an engine or a CI
                /// agent, is above 0.
            },
            fix: prose! {
                /// Set it to -999, together with `BinaryName = "/usr/local/bin/oomshim-runc"` for its runtimes, or
                /// leave it out.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        if subject.kind == FileKind::Unit {
            let score = values(subject.root(), "Service", "OOMScoreAdjust").pop();
            // What systemd ignores is said by `unit-ignored-setting`.
            let number = score.and_then(Node::text).and_then(|text| unit_value::score(&text)).unwrap_or_default();
            if let (Some(score), Some(program)) = (score.filter(|_| number > 0), daemon(subject)) {
                report
                    .at(&score, format!("with an oom_score_adj of {number} {program} itself is killed before what it started"))
                    .label("above 0")
                    .help("Write `OOMScoreAdjust=-999` and let what it starts go through oomshim; it applies at the next restart.")
                    .emit();
            }
            return;
        }
        let Some(node) = subject.root().field("oom_score") else { return };
        let Some(number) = node.integer().filter(|number| (1..=1000).contains(number)) else { return };
        report
            .at(&node, format!("with an oom_score of {number} containerd itself is killed before what it started"))
            .label("above 0")
            .emit();
    }
}
