//! JSON, version 1: the words of this file and no other's, so that what changes inside changes nothing out there.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use super::Counts;
use crate::lint::finding::{Finding, Fix, Related};
use crate::lint::location::{Place, Position};
use crate::lint::run::Results;

/// The number that goes up when a reader of the old one would be misled.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Report<'a> {
    version: u32,
    tool: Tool,
    summary: Summary,
    findings: Vec<One<'a>>,
    ignored: Vec<One<'a>>,
    cannot_judge: Vec<Unjudged<'a>>,
    fixed: Vec<Fixed<'a>>,
    problems: Vec<Trouble<'a>>,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Summary {
    files: usize,
    errors: usize,
    warnings: usize,
    notes: usize,
    ignored: usize,
    unlisted: usize,
    skipped: usize,
    baselined: usize,
}

#[derive(Serialize)]
struct One<'a> {
    rule: &'static str,
    severity: &'static str,
    confidence: &'static str,
    message: &'a str,
    why: &'static str,
    help: &'a str,
    url: String,
    file: String,
    kind: &'static str,
    pointer: &'a str,
    location: Location<'a>,
    related: Vec<Location<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<Repair<'a>>,
    fingerprint: String,
}

#[derive(Serialize)]
struct Location<'a> {
    /// Only where it is not the finding's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    start: Point,
    end: Point,
    /// Bytes from the beginning of the file.
    offset: usize,
    length: usize,
    #[serde(skip_serializing_if = "str::is_empty")]
    label: &'a str,
}

/// Lines and columns from 1, columns in Unicode code points.
#[derive(Serialize)]
struct Point {
    line: usize,
    column: usize,
}

#[derive(Serialize)]
struct Repair<'a> {
    title: &'a str,
    safety: &'static str,
    edits: Vec<Replacement<'a>>,
}

#[derive(Serialize)]
struct Replacement<'a> {
    offset: usize,
    length: usize,
    text: &'a str,
}

#[derive(Serialize)]
struct Unjudged<'a> {
    file: String,
    rule: &'static str,
    reason: &'a str,
}

/// What `--fix` did to a file.
#[derive(Serialize)]
struct Fixed<'a> {
    file: String,
    rule: &'static str,
    title: &'a str,
}

#[derive(Serialize)]
struct Trouble<'a> {
    file: String,
    message: &'a str,
}

/// Writes everything that was found as one object.
///
/// # Errors
/// Those of the writer.
pub fn write(results: &Results, out: &mut impl Write) -> io::Result<()> {
    let Counts { files, errors, warnings, notes, ignored, unlisted, skipped, baselined } = Counts::of(results);
    let all = |pick: fn(&crate::lint::finding::Outcome) -> &Vec<Finding>| {
        let outcomes = results.outcomes.iter();
        outcomes
            .flat_map(|outcome| pick(outcome).iter().map(|finding| one(&outcome.name, outcome.kind.word(), finding)))
            .collect()
    };
    let unjudged = results.outcomes.iter().flat_map(|outcome| {
        outcome.unjudged.iter().map(|unjudged| Unjudged {
            file: lossy(&outcome.name),
            rule: unjudged.rule,
            reason: &unjudged.reason,
        })
    });
    let fixed = results
        .changes
        .iter()
        .flat_map(|change| change.made.iter().map(|(rule, title)| Fixed { file: lossy(&change.path), rule, title }));
    let report = Report {
        version: VERSION,
        tool: Tool { name: "oomshim", version: env!("CARGO_PKG_VERSION") },
        summary: Summary { files, errors, warnings, notes, ignored, unlisted, skipped, baselined },
        findings: all(|outcome| &outcome.findings),
        ignored: all(|outcome| &outcome.ignored),
        cannot_judge: unjudged.collect(),
        fixed: fixed.collect(),
        problems: results
            .problems
            .iter()
            .map(|problem| Trouble { file: lossy(&problem.path), message: &problem.message })
            .collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &report)?;
    writeln!(out)
}

fn one<'a>(name: &Path, kind: &'static str, finding: &'a Finding) -> One<'a> {
    One {
        rule: finding.rule.name,
        severity: finding.severity.word(),
        confidence: finding.confidence.word(),
        message: &finding.message,
        why: finding.rule.why,
        help: &finding.help,
        url: finding.rule.url(),
        file: lossy(name),
        kind,
        pointer: &finding.pointer,
        location: location(None, &finding.place, &finding.label),
        related: finding
            .related
            .iter()
            .map(|Related { file, place, label }| location(file.as_deref(), place, label))
            .collect(),
        fix: finding.fix.as_ref().map(repair),
        fingerprint: format!("{:016x}", finding.fingerprint),
    }
}

fn location<'a>(file: Option<&Path>, place: &Place, label: &'a str) -> Location<'a> {
    let point = |position: Position| Point { line: position.line, column: position.column };
    Location {
        file: file.map(lossy),
        start: point(place.start),
        end: point(place.end),
        offset: place.bytes.start,
        length: place.bytes.len(),
        label,
    }
}

fn repair(fix: &Fix) -> Repair<'_> {
    let edits = fix.splices.iter().map(|splice| Replacement {
        offset: splice.range.start,
        length: splice.range.len(),
        text: &splice.text,
    });
    Repair { title: &fix.title, safety: fix.safety.word(), edits: edits.collect() }
}

/// JSON has no bytes; what is not UTF-8 in a name becomes U+FFFD.
fn lossy(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
