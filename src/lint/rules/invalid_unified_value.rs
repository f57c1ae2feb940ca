//! `invalid-unified-value`: a value that the kernel does not take.

use crate::lint::rule::prelude::*;
use crate::lint::schema::nearest;
use crate::system::memory_size::Limit;

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
            why: prose! {
                /// The runtime writes the text into the file of that name; what the kernel refuses stops the container.
            },
            what: prose! {
                /// `memory.oom.group` takes 0 and 1. `memory.max`, `memory.high`, `memory.low`, `memory.min` and
                /// `memory.swap.max` take bytes, with K, M, G, T, P or E behind them if you like, or `max`; `0x` begins
                /// a hexadecimal number and `0` an octal one. Keys of `memory.*` that are no files that can be written
                /// are reported too.
            },
            fix: prose! {
                /// Write what the file takes.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        for entry in subject.spec().unified.into_iter().flat_map(Node::children) {
            let (Some(key), Some(value)) = (entry.key(), entry.text()) else { continue };
            let value = value.trim();
            let wrong = match key.as_ref() {
                "memory.oom.group" => (!matches!(value, "0" | "1")).then_some("takes 0 or 1"),
                "memory.max" | "memory.high" | "memory.low" | "memory.min" | "memory.swap.max" | "memory.swap.high"
                | "memory.zswap.max" => Limit::parse(value).is_none().then_some("takes bytes or `max`"),
                "memory.current"
                | "memory.events"
                | "memory.stat"
                | "memory.swap.current"
                | "memory.swap.events"
                | "memory.pressure" => Some("cannot be set"),
                key if key.starts_with("memory.") && !OTHERS.contains(&key) => {
                    unknown(entry, key, report);
                    None
                }
                key if key.contains('/') || !key.contains('.') => {
                    let message = format!("{} is not of the form CONTROLLER.FILE: the runtime refuses it", quote(key));
                    report.at(&entry.name_span(), message).label("no file of a cgroup").emit();
                    None
                }
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

/// Files of the memory controller whose values are not judged here.
const OTHERS: [&str; 5] =
    ["memory.reclaim", "memory.peak", "memory.swap.peak", "memory.zswap.writeback", "memory.oom.priority"];

/// Files of `memory.*` that can be written, for suggestions.
const WRITABLE: [&str; 8] = [
    "memory.high",
    "memory.low",
    "memory.max",
    "memory.min",
    "memory.oom.group",
    "memory.swap.high",
    "memory.swap.max",
    "memory.zswap.max",
];

/// A file of the memory controller that there is not: the runtime cannot open it.
fn unknown(entry: Node<'_>, key: &str, report: &mut Report<'_>) {
    let near = match key {
        "memory.limit_in_bytes" => Some("memory.max"),
        "memory.soft_limit_in_bytes" => Some("memory.high"),
        "memory.memsw.limit_in_bytes" => Some("memory.swap.max"),
        _ => nearest(key, WRITABLE.into_iter()),
    };
    let shown = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    report
        .at(
            &entry.name_span(),
            format!("cgroup v2 has no file {}: the runtime refuses the container{shown}", quote(key)),
        )
        .label("no such file")
        .confidence(if near.is_some() { Confidence::High } else { Confidence::Medium })
        .emit();
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::lint::{self, Options};

    #[test]
    fn every_way_in_which_the_kernel_reads_a_size_is_taken() {
        let fires = |value: &str| {
            let text =
                format!(r#"{{"ociVersion":"1.3.0","linux":{{"resources":{{"unified":{{"memory.max":"{value}"}}}}}}}}"#);
            let outcome = lint::bytes(Path::new("config.json"), text.as_bytes(), None, &Options::default()).unwrap();
            outcome.findings.iter().any(|finding| finding.rule.name == "invalid-unified-value")
        };
        for value in ["max", "0x20000000", "1P", "1e", "0777k", "2G"] {
            assert!(!fires(value), "{value}");
        }
        for value in ["", "MAX", "1.5G", "-1", "08", "1GB", "half"] {
            assert!(fires(value), "{value}");
        }
    }
}
