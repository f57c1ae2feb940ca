//! SARIF 2.1.0 (OASIS), which code scanners and editors read.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use crate::lint::finding::{Confidence, Finding, Related, Severity};
use crate::lint::location::Place;
use crate::lint::rules;
use crate::lint::run::Results;

/// The place of the schema, which readers use to recognise the version.
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

#[derive(Serialize)]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Value; 1],
}

/// Writes one run. Its exit status goes into it, because some readers want to know.
///
/// # Errors
/// Those of the writer.
pub fn write(results: &Results, exit_code: u8, out: &mut impl Write) -> io::Result<()> {
    let found = results.outcomes.iter().flat_map(|outcome| {
        let open = outcome.findings.iter().map(|finding| result(&outcome.name, finding, false));
        open.chain(outcome.ignored.iter().map(|finding| result(&outcome.name, finding, true)))
    });
    let problems = results.problems.iter().map(|problem| {
        json!({
            "level": "error",
            "message": { "text": problem.message },
            "locations": [{ "physicalLocation": { "artifactLocation": { "uri": uri(&problem.path) } } }],
        })
    });
    let unjudged = results.outcomes.iter().flat_map(|outcome| {
        outcome.unjudged.iter().map(|unjudged| {
            json!({
                "level": "note",
                "message": { "text": format!("cannot judge {}: {}", unjudged.rule, unjudged.reason) },
                "associatedRule": { "id": unjudged.rule },
                "locations": [{ "physicalLocation": { "artifactLocation": { "uri": uri(&outcome.name) } } }],
            })
        })
    });
    let run = json!({
        "tool": { "driver": {
            "name": "oomshim lint",
            "version": env!("CARGO_PKG_VERSION"),
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "informationUri": crate::lint::DOCUMENTATION,
            "rules": rules::ALL.iter().map(|rule| descriptor(rule.meta())).collect::<Vec<_>>(),
        }},
        "columnKind": "unicodeCodePoints",
        "invocations": [{
            "executionSuccessful": results.problems.is_empty(),
            "exitCode": exit_code,
            "toolExecutionNotifications": problems.chain(unjudged).collect::<Vec<_>>(),
        }],
        "results": found.collect::<Vec<_>>(),
    });
    serde_json::to_writer_pretty(&mut *out, &Log { schema: SCHEMA, version: "2.1.0", runs: [run] })?;
    writeln!(out)
}

fn descriptor(meta: &crate::lint::rule::Meta) -> Value {
    json!({
        "id": meta.name,
        "shortDescription": { "text": meta.summary },
        "fullDescription": { "text": meta.why },
        "helpUri": meta.url(),
        "help": { "text": format!("{}\n\n{}", meta.what, meta.fix), "markdown": format!("{}\n\n**Fix.** {}", meta.what, meta.fix) },
        "defaultConfiguration": { "level": level(meta.severity) },
        "properties": { "precision": precision(meta.confidence), "tags": [meta.group.word()] },
    })
}

fn result(name: &Path, finding: &Finding, ignored: bool) -> Value {
    let index = rules::ALL.iter().position(|rule| rule.meta().name == finding.rule.name);
    let mut result = json!({
        "ruleId": finding.rule.name,
        "ruleIndex": index,
        "level": level(finding.severity),
        "message": { "text": format!("{}. {}", finding.message, finding.help) },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": uri(name) },
                "region": with_snippet(&finding.place, &finding.excerpt.text[finding.excerpt.marked.clone()]),
            },
            "logicalLocations": [{ "fullyQualifiedName": finding.pointer }],
        }],
        "partialFingerprints": { "oomshimFinding/v1": format!("{:016x}", finding.fingerprint) },
        "properties": { "precision": precision(finding.confidence) },
    });
    if !finding.related.is_empty() {
        let related = finding.related.iter().map(|Related { file, place, label }| {
            let uri = uri(file.as_deref().unwrap_or(name));
            json!({
                "physicalLocation": { "artifactLocation": { "uri": uri }, "region": region(place) },
                "message": { "text": label },
            })
        });
        result["relatedLocations"] = related.collect();
    }
    if let Some(fix) = finding.fix.as_ref().filter(|fix| !fix.splices.is_empty()) {
        let replacements = fix.places.iter().zip(&fix.splices);
        let replacements = replacements.map(
            |(place, splice)| json!({ "deletedRegion": region(place), "insertedContent": { "text": splice.text } }),
        );
        result["fixes"] = json!([{
            "description": { "text": fix.title },
            "artifactChanges": [{
                "artifactLocation": { "uri": uri(name) },
                "replacements": replacements.collect::<Vec<_>>(),
            }],
        }]);
    }
    if ignored {
        result["suppressions"] = json!([{ "kind": "inSource" }]);
    }
    result
}

fn region(place: &Place) -> Value {
    json!({
        "startLine": place.start.line, "startColumn": place.start.column,
        "endLine": place.end.line, "endColumn": place.end.column,
    })
}

fn with_snippet(place: &Place, text: &str) -> Value {
    let mut region = region(place);
    region["snippet"] = json!({ "text": text });
    region
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
