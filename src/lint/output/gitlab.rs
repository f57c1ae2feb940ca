//! GitLab's code quality report, which shows findings in a merge request.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use crate::lint::finding::{Finding, Severity};
use crate::lint::run::Results;

#[derive(Serialize)]
struct Issue<'a> {
    description: &'a str,
    check_name: &'static str,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
}

/// Writes an array of issues.
///
/// # Errors
/// Those of the writer.
pub fn write(results: &Results, out: &mut impl Write) -> io::Result<()> {
    let issues = results.outcomes.iter().flat_map(|outcome| {
        let one = |finding| issue(&outcome.name, finding);
        outcome.findings.iter().map(one)
    });
    serde_json::to_writer_pretty(&mut *out, &issues.collect::<Vec<_>>())?;
    writeln!(out)
}

fn issue<'a>(name: &Path, finding: &'a Finding) -> Issue<'a> {
    let path = name.strip_prefix("./").unwrap_or(name).to_string_lossy().into_owned();
    Issue {
        description: &finding.message,
        check_name: finding.rule.name,
        // Of the whole project, so the file is part of it.
        fingerprint: format!("{:016x}{:016x}", crate::lint::report::hash(&path), finding.fingerprint),
        severity: match finding.severity {
            Severity::Error => "critical",
            Severity::Warning => "major",
            Severity::Note => "info",
        },
        location: Location { path, lines: Lines { begin: finding.place.start.line } },
    }
}
