//! `buildkitd-invalid-value`: a value of the right type with which buildkitd does not start.

use crate::lint::rule::prelude::*;
use crate::lint::schema::go_units::ram_in_bytes;

pub(super) struct BuildkitdInvalidValue;

impl Rule for BuildkitdInvalidValue {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "buildkitd-invalid-value",
            summary: "a value in buildkitd.toml that buildkitd refuses",
            group: Group::Deployment,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Buildkitd],
            why: prose! {
                /// buildkitd does not start with it, and nothing checks the file before.
            },
            what: prose! {
                /// A size of the garbage collector (`gckeepstorage`, `reservedSpace`, `maxUsedSpace`, `minFreeSpace`,
                /// `keepBytes`) is neither bytes, nor a text such as `20GB`, nor one such as `10%`; a duration
                /// (`keepDuration`, `maxAge`) is neither seconds nor a text such as `48h`; `log.format` or `log.level`
                /// is none of its words.
            },
            fix: prose! {
                /// Write what the message says.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let root = subject.root();
        for (key, words) in [
            ("format", &["text", "json"][..]),
            ("level", &["panic", "fatal", "error", "warn", "warning", "info", "debug", "trace"]),
        ] {
            let Some(node) = root.at(&["log", key]) else { continue };
            let text = node.text().unwrap_or_default().to_ascii_lowercase();
            if node.kind() == Kind::String && !text.is_empty() && !words.contains(&&*text) {
                report.refused(&node, "buildkitd", &format!("log.{key} is none of {}", words.join(", "))).emit();
            }
        }
        if let Some(age) = root.at(&["history", "maxAge"]) {
            duration(age, report);
        }
        for worker in ["oci", "containerd"].into_iter().filter_map(|name| root.at(&["worker", name])) {
            collector(worker, report);
            let policies = worker.field("gcpolicy").into_iter();
            for policy in policies.flat_map(|it| if it.is_object() { vec![it] } else { it.items().collect() }) {
                collector(policy, report);
                policy.field("keepDuration").into_iter().for_each(|node| duration(node, report));
            }
        }
    }
}

const SIZES: [&str; 5] = ["gckeepstorage", "reservedSpace", "maxUsedSpace", "minFreeSpace", "keepBytes"];

fn collector(table: Node<'_>, report: &mut Report<'_>) {
    for (key, node) in SIZES.into_iter().filter_map(|key| Some((key, table.field(key)?))) {
        let Some(text) = node.text().filter(|text| !text.is_empty()) else { continue };
        let is_good = match text.strip_suffix('%') {
            Some(percent) => percent.parse::<i64>().is_ok(),
            None => ram_in_bytes(&text).is_some(),
        };
        if !is_good {
            report.refused(&node, "buildkitd", &format!("{key} is no size such as `20GB` or `10%`")).emit();
        }
    }
}

fn duration(node: Node<'_>, report: &mut Report<'_>) {
    if node.text().is_some_and(|text| !is_duration(&text)) {
        report.refused(&node, "buildkitd", "this is no duration such as `48h`, and no number of seconds").emit();
    }
}

/// What Go's `time.ParseDuration` takes, or whole seconds.
fn is_duration(text: &str) -> bool {
    let mut rest = text.trim_start_matches(['-', '+']);
    if text.is_empty() || text.parse::<i64>().is_ok() {
        return true;
    }
    while !rest.is_empty() {
        let number = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
        if !rest[..number].bytes().any(|byte| byte.is_ascii_digit()) {
            return false;
        }
        rest = &rest[number..];
        let units = ["ns", "us", "µs", "μs", "ms", "s", "m", "h"];
        let Some(unit) = units.into_iter().find(|unit| rest.starts_with(unit)) else { return false };
        rest = &rest[unit.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::lint::kind::FileKind;
    use crate::lint::{self, Options};

    #[test]
    fn values_are_judged_as_buildkitd_does() {
        let fires = |text: &str| {
            let name = Path::new("buildkitd.toml");
            let outcome = lint::bytes(name, text.as_bytes(), Some(FileKind::Buildkitd), &Options::default()).unwrap();
            outcome.findings.iter().filter(|finding| finding.rule.name == "buildkitd-invalid-value").count()
        };
        // Each as buildkitd 0.33 said.
        let cases = [
            ("[worker.oci]\ngckeepstorage = 'abc'\n", 1),
            ("[worker.oci]\ngckeepstorage = '9GB'\nreservedSpace = '10%'\nmaxUsedSpace = 9000\n", 0),
            ("[[worker.oci.gcpolicy]]\nkeepDuration = 'x'\nkeepBytes = 'y'\n", 2),
            ("[[worker.oci.gcpolicy]]\nkeepDuration = '48h'\n[history]\nmaxAge = '1h30m'\n", 0),
            ("[history]\nmaxAge = '172800'\n", 0),
            ("[log]\nformat = 'xml'\nlevel = 'x'\n", 2),
            ("[log]\nformat = 'json'\nlevel = 'debug'\n", 0),
        ];
        for (text, expected) in cases {
            assert_eq!(fires(text), expected, "{text}");
        }
    }
}
