//! What was found before and is not to be told again: a file of fingerprints, so that a project can begin with the
//! linter today and fix what it has later.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::finding::Finding;
use super::run::Results;

/// The number that goes up when an older linter would misread the file.
const VERSION: u32 = 1;

/// The findings of each file, by their rule and fingerprint. A finding that is there twice is listed twice.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    version: u32,
    findings: BTreeMap<String, Vec<String>>,
}

/// Why a baseline cannot be used.
#[derive(Debug, Error)]
pub enum BaselineError {
    /// It cannot be read or written.
    #[error("cannot {operation} the baseline {}: {reason}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was tried.
        operation: &'static str,
        /// The system's answer.
        reason: io::Error,
    },
    /// It is no baseline.
    #[error("{} is no baseline of this version: {reason}; make it anew with --write-baseline", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl Baseline {
    /// What was found now.
    #[must_use]
    pub fn of(results: &Results) -> Self {
        let mut findings = BTreeMap::new();
        for outcome in results.outcomes.iter().filter(|outcome| !outcome.findings.is_empty()) {
            let list: &mut Vec<String> = findings.entry(file(&outcome.name)).or_default();
            list.extend(outcome.findings.iter().map(key));
            list.sort_unstable();
        }
        Baseline { version: VERSION, findings }
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`BaselineError`]
    pub fn read(path: &Path) -> Result<Self, BaselineError> {
        let failed = |reason| BaselineError::File { path: path.to_owned(), operation: "read", reason };
        let malformed = |reason| BaselineError::Malformed { path: path.to_owned(), reason };
        let text = fs::read(path).map_err(failed)?;
        let baseline: Baseline = serde_json::from_slice(&text).map_err(|error| malformed(error.to_string()))?;
        if baseline.version != VERSION {
            return Err(malformed(format!("its version is {}", baseline.version)));
        }
        Ok(baseline)
    }

    /// Writes it.
    ///
    /// # Errors
    /// [`BaselineError`]
    pub fn write(&self, path: &Path) -> Result<(), BaselineError> {
        let failed = |reason| BaselineError::File { path: path.to_owned(), operation: "write", reason };
        let mut text = serde_json::to_vec_pretty(self).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        fs::write(path, text).map_err(failed)
    }

    /// How many findings it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.findings.values().map(Vec::len).sum()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }

    /// Takes from the results what it has, each as often as it has it.
    pub fn subtract(mut self, results: &mut Results) {
        for outcome in &mut results.outcomes {
            let Some(known) = self.findings.get_mut(&file(&outcome.name)) else { continue };
            outcome.findings.retain(|finding| {
                let key = key(finding);
                let Some(index) = known.iter().position(|known| *known == key) else { return true };
                known.swap_remove(index);
                results.baselined += 1;
                false
            });
        }
    }
}

fn key(finding: &Finding) -> String {
    format!("{}:{:016x}", finding.rule.name, finding.fingerprint)
}

fn file(name: &Path) -> String {
    name.strip_prefix("./").unwrap_or(name).to_string_lossy().into_owned()
}
