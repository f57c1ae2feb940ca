//! SARIF 2.1.0 (OASIS), which code scanners and editors read. What is said of a rule is said once, in its descriptor; a
//! result has what is its own.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use crate::lint::finding::{Confidence, Finding, Fix, Related, Severity};
use crate::lint::location::Place;
use crate::lint::rule::Meta;
use crate::lint::rules;
use crate::lint::run::Results;

/// The place of the schema, which readers use to recognise the version.
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The most changes of a fix that are written. Nobody makes more of them by hand, and `--fix` needs no SARIF.
const CHANGES: usize = 20;

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Tool,
    column_kind: &'static str,
    invocations: [Invocation<'a>; 1],
    results: Vec<One<'a>>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    version: &'static str,
    semantic_version: &'static str,
    information_uri: &'static str,
    rules: Vec<Descriptor>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    id: &'static str,
    short_description: Text<&'static str>,
    full_description: Text<&'static str>,
    help_uri: String,
    help: Markdown,
    default_configuration: Configuration,
    properties: RuleProperties,
}

#[derive(Serialize)]
struct Text<T> {
    text: T,
}

#[derive(Serialize)]
struct Markdown {
    text: String,
    markdown: String,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct RuleProperties {
    precision: &'static str,
    tags: [&'static str; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation<'a> {
    execution_successful: bool,
    exit_code: u8,
    tool_execution_notifications: Vec<Notification<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Notification<'a> {
    level: &'static str,
    message: Text<std::borrow::Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    associated_rule: Option<RuleReference>,
    locations: [Location<'a>; 1],
}

#[derive(Serialize)]
struct RuleReference {
    id: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "they are SARIF's")]
struct Location<'a> {
    physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    logical_locations: Option<[LogicalLocation<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Text<&'a str>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogicalLocation<'a> {
    fully_qualified_name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: Artifact,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Serialize)]
struct Artifact {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
    start_column: usize,
    end_line: usize,
    end_column: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct One<'a> {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Text<String>,
    locations: [Location<'a>; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location<'a>>,
    partial_fingerprints: Fingerprints,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<Repair<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressions: Vec<Suppression>,
    properties: ResultProperties,
}

#[derive(Serialize)]
struct Fingerprints {
    #[serde(rename = "oomshimFinding/v1")]
    finding: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Repair<'a> {
    description: Text<&'a str>,
    artifact_changes: [ArtifactChange<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactChange<'a> {
    artifact_location: Artifact,
    replacements: Vec<Replacement<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Replacement<'a> {
    deleted_region: Region,
    inserted_content: Text<&'a str>,
}

#[derive(Serialize)]
struct Suppression {
    kind: &'static str,
}

#[derive(Serialize)]
struct ResultProperties {
    precision: &'static str,
}

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
