//! Making the changes that findings carry: in one text, and then again until nothing is left to be made.

use std::collections::BTreeMap;
use std::path::Path;

use super::finding::{Finding, Fixes, Outcome, Safety};
use super::kind::FileKind;
use super::{LintError, Options};
use crate::spec::edit::{self, Splice};

/// How often a file is judged anew. Each round makes at least one change, and changes that touch wait for the next one.
const ROUNDS: usize = 16;

/// A file with its fixes made.
#[derive(Debug)]
pub struct Fixed {
    /// The new bytes; the old ones where nothing was to be fixed.
    pub bytes: Vec<u8>,
    /// What was done, in the order it was done: the rule and the fix's title.
    pub made: Vec<(&'static str, String)>,
    /// What is found in the new bytes.
    pub outcome: Outcome,
}

/// Makes every fix that is not less safe than `least`, judges again, and goes on until there is none.
///
/// # Errors
/// [`LintError`] of the first judgement.
pub fn fix(
    name: &Path,
    bytes: &[u8],
    kind: Option<FileKind>,
    options: &Options,
    most: Safety,
) -> Result<Fixed, LintError> {
    let options = Options { fixes: Fixes::Changes, ..options.clone() };
    let mut bytes = bytes.to_vec();
    let mut made = Vec::new();
    let mut outcome = super::bytes(name, &bytes, kind, &options)?;
    for _ in 0..ROUNDS {
        let splices = take(&outcome.findings, most, &mut made);
        if splices.is_empty() {
            break;
        }
        bytes = edit::splice(&bytes, splices);
        // What a fix made is read as what the file was, even where its content now tells less.
        outcome = super::bytes(name, &bytes, Some(outcome.kind), &options)?;
    }
    Ok(Fixed { bytes, made, outcome })
}

/// The changes that can be made together: the first ones, and of those that touch them none.
fn take(findings: &[Finding], most: Safety, made: &mut Vec<(&'static str, String)>) -> Vec<Splice> {
    let mut taken = Vec::new();
    // The end of each range that is taken, by its start: of those that begin before another ends, only the last can
    // reach into it. A fix may have as many splices as the file has values.
    let mut ends: BTreeMap<usize, usize> = BTreeMap::new();
    for finding in findings {
        let Some(fix) = finding.fix.as_ref().filter(|fix| fix.safety <= most) else { continue };
        let touches = |splice: &Splice| {
            let last = ends.range(..=splice.range.end).next_back();
            last.is_some_and(|(_, end)| *end >= splice.range.start)
        };
        if fix.splices.is_empty() || fix.splices.iter().any(touches) {
            continue;
        }
        for splice in &fix.splices {
            let end = ends.entry(splice.range.start).or_default();
            *end = splice.range.end.max(*end);
        }
        made.push((finding.rule.name, fix.title.clone()));
        taken.extend(fix.splices.iter().cloned());
    }
    taken
}
