//! `unit-immune-limit`: a unit with a memory limit and nothing that may be killed for it.

use crate::lint::rule::prelude::*;
use crate::lint::unit::values;
use crate::lint::unit_value::{self, Value, Zero};

pub(super) struct UnitImmuneLimit;

impl Rule for UnitImmuneLimit {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "unit-immune-limit",
            summary: "MemoryMax on a unit with OOMScoreAdjust=-1000",
            group: Group::Killing,
            severity: Severity::Error,
            confidence: Confidence::Medium,
            fixable: Fixable::No,
            kinds: &[FileKind::Unit],
            why: prose! {
                /// At the limit the kernel finds no process that it may kill, and every process of the unit that needs
                /// memory hangs.
            },
            what: prose! {
                /// `[Service]` has `OOMScoreAdjust=-1000`, which every process of the unit inherits, and a `MemoryMax=`
                /// (or the older `MemoryLimit=`) other than `infinity`. What the daemon starts with an oom_score_adj of
                /// its own in a cgroup below the unit can be killed, which the file does not tell.
            },
            fix: prose! {
                /// Use `MemoryHigh=`, which throttles and kills nothing, or take the limit away; or leave the daemon at
                /// -999. A running unit keeps its oom_score_adj until it is restarted.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let last = |key: &str| values(subject.root(), "Service", key).pop();
        let text = |node: Node<'_>| node.text().unwrap_or_default().into_owned();
        let Some(score) = last("OOMScoreAdjust").filter(|node| unit_value::score(&text(*node)) == Some(-1000)) else {
            return;
        };
        for key in ["MemoryMax", "MemoryLimit"] {
            let Some(limit) = last(key).filter(|node| is_limit(&text(*node))) else { continue };
            report
                .at(
                    &limit,
                    format!("{key}={} on a unit whose processes may not be killed: at the limit it hangs", text(limit)),
                )
                .label("cannot be enforced")
                .related(&score, "because of this oom_score_adj")
                .emit();
        }
    }
}

/// Whether it limits anything; what systemd ignores is said by `unit-ignored-setting`.
fn is_limit(text: &str) -> bool {
    text != "infinity" && Value::Size(Zero::Refused).takes(text)
}
