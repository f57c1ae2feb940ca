//! What was found, in the format that its reader wants. A file here is a format; none of them decides anything.

pub mod diff;
pub mod github;
pub mod gitlab;
pub mod human;
pub mod json;
pub mod junit;
pub mod list;
pub mod oneline;
pub mod sarif;

use std::path::Path;

use super::finding::Severity;
use super::run::Results;
use crate::text::escape;

/// How many of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Files that were judged.
    pub files: usize,
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
    /// Notes.
    pub notes: usize,
    /// Findings that the files themselves say to ignore.
    pub ignored: usize,
    /// Findings of a rule beyond the most that are listed of one file.
    pub unlisted: usize,
    /// Findings that a baseline has.
    pub baselined: usize,
    /// Files that a person named and that are another program's.
    pub skipped: usize,
}

impl Counts {
    /// Counts what was found.
    #[must_use]
    pub fn of(results: &Results) -> Self {
        let skipped = results.skipped.iter().filter(|skipped| skipped.is_named).count();
        let mut counts =
            Counts { files: results.outcomes.len(), skipped, baselined: results.baselined, ..Counts::default() };
        for outcome in &results.outcomes {
            counts.ignored += outcome.ignored.len();
            counts.unlisted += outcome.unlisted;
            for finding in &outcome.findings {
                match finding.severity {
                    Severity::Error => counts.errors += 1,
                    Severity::Warning => counts.warnings += 1,
                    Severity::Note => counts.notes += 1,
                }
            }
        }
        counts
    }
}

/// A file's name, which may be hostile, as one word of a line.
fn name(path: &Path) -> String {
    escape::bytes(path.as_os_str().as_encoded_bytes())
}

/// `1 error`, `2 errors`.
fn plural(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}
