//! `invalid-unified-value`: a value that the kernel does not take.

use crate::lint::rule::prelude::*;

pub(super) struct InvalidUnifiedValue;

impl Rule for InvalidUnifiedValue {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "invalid-unified-value",
            summary: "a memory setting in unified that the kernel refuses",
            group: Group::Killing,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Spec],
            why: "The runtime writes the text into the file of that name; what the kernel refuses stops the container.",
            what: "`memory.oom.group` takes 0 and 1. `memory.max`, `memory.high`, `memory.low`, `memory.min` and `memory.swap.max` take bytes, with K, M or G behind them if you like, or `max`. Keys of `memory.*` that are no files that can be written are reported too.",
            fix: "Write what the file takes.",
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        for entry in subject.spec().unified.into_iter().flat_map(Node::children) {
            let (Some(key), Some(value)) = (entry.key(), entry.text()) else { continue };
            let value = value.trim();
            let wrong = match key.as_ref() {
                "memory.oom.group" => (!matches!(value, "0" | "1")).then_some("takes 0 or 1"),
                "memory.max" | "memory.high" | "memory.low" | "memory.min" | "memory.swap.max" | "memory.swap.high"
                | "memory.zswap.max" => (!is_size(value)).then_some("takes bytes or `max`"),
                "memory.current"
                | "memory.events"
                | "memory.stat"
                | "memory.swap.current"
                | "memory.swap.events"
                | "memory.pressure" => Some("cannot be set"),
                _ => None,
            };
            if let Some(wrong) = wrong {
                report
                    .at(&entry, format!("{key} {wrong}, not {}", quote(value)))
                    .label("the kernel refuses this")
                    .emit();
            }
        }
    }
}

/// What the kernel's `page_counter_memparse` takes.
fn is_size(text: &str) -> bool {
    let digits = text.trim_end_matches(['k', 'K', 'm', 'M', 'g', 'G', 't', 'T']);
    text == "max"
        || (text.len() - digits.len() <= 1 && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}
