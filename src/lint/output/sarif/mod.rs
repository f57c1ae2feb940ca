//! SARIF 2.1.0 (OASIS), which code scanners and editors read. What is said of a rule is said once, in its descriptor; a
//! result has what is its own.

mod model;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use crate::lint::finding::{Confidence, Finding, Fix, Related, Severity};
use crate::lint::location::Place;
use crate::lint::rule::Meta;
use crate::lint::rules;
use crate::lint::run::Results;
use model::{
    Artifact, ArtifactChange, Configuration, Descriptor, Driver, Fingerprints, Invocation, Location, Log,
    LogicalLocation, Markdown, Notification, One, PhysicalLocation, Region, Repair, Replacement, ResultProperties,
    RuleProperties, RuleReference, Run, Suppression, Text, Tool,
};

/// The place of the schema, which readers use to recognise the version.
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The most changes of a fix that are written. Nobody makes more of them by hand, and `--fix` needs no SARIF.
const CHANGES: usize = 20;

/// Writes one run. Its exit status goes into it, because some readers want to know.
///
/// # Errors
/// Those of the writer.
pub fn write(results: &Results, exit_code: u8, out: &mut impl Write) -> io::Result<()> {
    let indices: HashMap<&str, usize> = rules::ALL.iter().map(|rule| rule.meta().name).zip(0..).collect();
    let found = results.outcomes.iter().flat_map(|outcome| {
        let one = |finding, suppressions| result(&outcome.name, finding, suppressions, &indices);
        let open = outcome.findings.iter().map(move |finding| one(finding, Vec::new()));
        let one = |finding, suppressions| result(&outcome.name, finding, suppressions, &indices);
        open.chain(outcome.ignored.iter().map(move |finding| one(finding, vec![Suppression { kind: "inSource" }])))
    });
    let run = Run {
        tool: Tool { driver: driver() },
        column_kind: "unicodeCodePoints",
        invocations: [Invocation {
            execution_successful: results.problems.is_empty(),
            exit_code,
            tool_execution_notifications: notifications(results),
        }],
        results: found.collect(),
    };
    serde_json::to_writer(&mut *out, &Log { schema: SCHEMA, version: "2.1.0", runs: [run] })?;
    writeln!(out)
}

fn driver() -> Driver {
    Driver {
        name: "oomshim lint",
        version: env!("CARGO_PKG_VERSION"),
        semantic_version: env!("CARGO_PKG_VERSION"),
        information_uri: crate::lint::DOCUMENTATION,
        rules: rules::ALL.iter().map(|rule| descriptor(rule.meta())).collect(),
    }
}

fn descriptor(meta: &Meta) -> Descriptor {
    Descriptor {
        id: meta.name,
        short_description: Text { text: meta.summary },
        full_description: Text { text: meta.why },
        help_uri: meta.url(),
        help: Markdown {
            text: format!("{}\n\n{}", meta.what, meta.fix),
            markdown: format!("{}\n\n**Fix.** {}", meta.what, meta.fix),
        },
        default_configuration: Configuration { level: level(meta.severity) },
        properties: RuleProperties { precision: precision(meta.confidence), tags: [meta.group.word()] },
    }
}

fn notifications(results: &Results) -> Vec<Notification<'_>> {
    let problems = results.problems.iter().map(|problem| Notification {
        level: "error",
        message: Text { text: problem.message.as_str().into() },
        associated_rule: None,
        locations: [location(&problem.path, None)],
    });
    let unjudged = results.outcomes.iter().flat_map(|outcome| {
        outcome.unjudged.iter().map(|unjudged| Notification {
            level: "note",
            message: Text { text: format!("cannot judge {}: {}", unjudged.rule, unjudged.reason).into() },
            associated_rule: Some(RuleReference { id: unjudged.rule }),
            locations: [location(&outcome.name, None)],
        })
    });
    problems.chain(unjudged).collect()
}

fn result<'a>(
    name: &Path,
    finding: &'a Finding,
    suppressions: Vec<Suppression>,
    indices: &HashMap<&str, usize>,
) -> One<'a> {
    // What the rule advises in general is in its descriptor.
    let own_help = if finding.help == finding.rule.fix { "" } else { finding.help.as_str() };
    let related = finding.related.iter().map(|Related { file, place, label }| Location {
        message: Some(Text { text: label }),
        ..location(file.as_deref().unwrap_or(name), Some(place))
    });
    One {
        rule_id: finding.rule.name,
        rule_index: indices.get(finding.rule.name).copied().unwrap_or_default(),
        level: level(finding.severity),
        message: Text { text: format!("{}. {own_help}", finding.message).trim_end().to_owned() },
        locations: [Location {
            logical_locations: Some([LogicalLocation { fully_qualified_name: &finding.pointer }]),
            ..location(name, Some(&finding.place))
        }],
        related_locations: related.collect(),
        partial_fingerprints: Fingerprints { finding: format!("{:016x}", finding.fingerprint) },
        fixes: finding.fix.iter().filter_map(|fix| repair(name, fix)).collect(),
        suppressions,
        properties: ResultProperties { precision: precision(finding.confidence) },
    }
}

fn repair<'a>(name: &Path, fix: &'a Fix) -> Option<Repair<'a>> {
    let replacements = fix.places.iter().zip(&fix.splices).map(|(place, splice)| Replacement {
        deleted_region: region(place),
        inserted_content: Text { text: &splice.text },
    });
    (1..=CHANGES).contains(&fix.splices.len()).then(|| Repair {
        description: Text { text: &fix.title },
        artifact_changes: [ArtifactChange {
            artifact_location: Artifact { uri: uri(name) },
            replacements: replacements.collect(),
        }],
    })
}

fn location<'a>(name: &Path, place: Option<&Place>) -> Location<'a> {
    let artifact_location = Artifact { uri: uri(name) };
    let physical_location = PhysicalLocation { artifact_location, region: place.map(region) };
    Location { physical_location, logical_locations: None, message: None }
}

fn region(place: &Place) -> Region {
    Region {
        start_line: place.start.line,
        start_column: place.start.column,
        end_line: place.end.line,
        end_column: place.end.column,
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// GitHub's word for it.
fn precision(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    }
}

/// The file's name as a URI reference (RFC 3986), bytes that no URI has in percent.
fn uri(path: &Path) -> String {
    let mut uri = String::new();
    let text = path.as_os_str().as_encoded_bytes();
    let text = text.strip_prefix(b"./").unwrap_or(text);
    if text.starts_with(b"/") {
        uri.push_str("file://");
    }
    for &byte in text {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            _ => {
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_uris() {
        assert_eq!(uri(Path::new("./a b/ü:c.json")), "a%20b/%C3%BC%3Ac.json");
        assert_eq!(uri(Path::new("/etc/x")), "file:///etc/x");
    }
}
