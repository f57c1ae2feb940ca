//! The linter: what will go wrong under memory pressure, before it does.
//!
//! Specs, policies, hooks.d files and the configurations of engines come in as bytes, findings go out as values; only
//! [`input`] and [`run`] touch files. One [`rule`] is one file in [`rules`]; [`report`] is where a finding is made;
//! [`output`] has a file for each format; [`fix`] makes the changes that findings carry; [`together`] holds files
//! against each other.
//!
//! ```
//! use oomshim::lint::{self, Options};
//! use std::path::Path;
//!
//! let spec = br#"{"ociVersion":"1.3.0","root":{"path":"rootfs"},"process":{"cwd":"/","args":["make"]}}"#;
//! let outcome = lint::bytes(Path::new("config.json"), spec, None, &Options::default())?;
//! assert!(outcome.findings.iter().any(|finding| finding.rule.name == "oom-score-unset"));
//! for finding in &outcome.findings {
//!     println!("{}: {} ({})", finding.place.start.line, finding.message, finding.rule.url());
//! }
//! # Ok::<(), lint::LintError>(())
//! ```

mod change;
mod deployment;
pub mod explain;
pub mod finding;
pub mod fix;
pub mod ignore;
pub mod input;
pub mod kind;
pub mod location;
pub mod machine;
mod memparse;
pub mod output;
pub mod report;
pub mod rule;
pub mod rules;
pub mod run;
pub mod schema;
pub mod select;
pub mod spec_view;
pub mod subject;
pub mod together;
mod toml;

use std::path::Path;

use thiserror::Error;

use crate::json::{self, Tree};
use finding::{Confidence, Finding, Outcome};
use kind::{FileKind, Syntax};
use machine::Machine;
use report::Report;
use select::Selection;
use subject::Subject;

/// Where people read about the rules.
pub const DOCUMENTATION: &str = "https://github.com/oomshim/oomshim/blob/main/docs/rules.md";

/// The largest file that is read, in bytes: 16 MiB.
pub const LIMIT: usize = 16 * 1024 * 1024;

/// How to judge.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Which rules judge.
    pub selection: Selection,
    /// The machine to judge against; without it only the file is looked at.
    pub machine: Option<Machine>,
    /// Whether findings carry the changes of their fixes, and not only their titles.
    pub with_fixes: bool,
    /// The least confidence that is reported.
    pub min_confidence: Option<Confidence>,
    /// Whether names are those of real files, beside which others can be looked for.
    pub on_disk: bool,
}

/// Why a file cannot be judged at all.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LintError {
    /// It is larger than [`LIMIT`].
    #[error("larger than 16 MiB")]
    TooLarge,
    /// It holds bytes that no text has.
    #[error("a binary file: byte {0} is NUL")]
    Binary(usize),
    /// It is not UTF-8, which JSON and TOML have to be.
    #[error("byte {0} is not UTF-8, which JSON and TOML have to be")]
    NotUtf8(usize),
    /// Nothing tells what it is.
    #[error("neither content nor name tells what kind of file this is; say it with --kind ({})", kinds())]
    UnknownKind,
}

fn kinds() -> String {
    FileKind::ALL.iter().map(|(_, word)| *word).collect::<Vec<_>>().join(", ")
}

/// Judges the bytes of one file. `name` is what findings call it and helps to tell its kind, unless `kind` says it.
///
/// # Errors
/// [`LintError`] when there is nothing that could be judged. Text that is not JSON or TOML is a finding, not an error.
pub fn bytes(name: &Path, bytes: &[u8], kind: Option<FileKind>, options: &Options) -> Result<Outcome, LintError> {
    if bytes.len() > LIMIT {
        return Err(LintError::TooLarge);
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let head = &bytes[..bytes.len().min(8192)];
        let nul = head.iter().position(|byte| *byte == 0);
        nul.map_or(LintError::NotUtf8(error.valid_up_to()), LintError::Binary)
    })?;
    if let Some(nul) = text.bytes().take(8192).position(|byte| byte == 0) {
        return Err(LintError::Binary(nul));
    }
    let syntax = kind.map_or_else(|| syntax_of(text, name), FileKind::syntax);
    let parsed = match syntax {
        Syntax::Json => json::parse(text.as_bytes()),
        Syntax::Toml => toml::parse(text),
    };
    let kind = kind.or_else(|| match &parsed {
        Ok(tree) => kind::of_tree(tree, syntax, name),
        Err(_) => kind::of_text(text, name).filter(|kind| kind.syntax() == syntax),
    });
    let kind = kind.ok_or(LintError::UnknownKind)?;
    let empty;
    let (tree, error) = match &parsed {
        Ok(tree) => (tree, None),
        Err(error) => {
            empty = Tree::empty(text.as_bytes());
            (&empty, Some(error))
        }
    };
    let mut subject = Subject::new(name, kind, text, tree);
    subject.syntax_error = error;
    subject.machine = options.machine.as_ref();
    subject.on_disk = options.on_disk;
    Ok(judge(&subject, options))
}

/// JSON begins with a brace or a bracket; nothing else that is linted does, but a table header has a bracket too.
fn syntax_of(text: &str, name: &Path) -> Syntax {
    let is_toml = name.extension().is_some_and(|extension| extension == "toml");
    let is_json = name.extension().is_some_and(|extension| extension == "json");
    match text.trim_start_matches('\u{feff}').trim_start().bytes().next() {
        Some(b'{') => Syntax::Json,
        _ if is_json => Syntax::Json,
        _ if is_toml => Syntax::Toml,
        Some(b'"') | None => Syntax::Json,
        Some(_) => Syntax::Toml,
    }
}

fn judge<'s>(subject: &'s Subject<'s>, options: &Options) -> Outcome {
    let mut report = Report::new(subject, options.with_fixes);
    for rule in rules::ALL {
        let meta = rule.meta();
        let applies = meta.kinds.contains(&subject.kind) && options.selection.contains(meta);
        if applies && (subject.syntax_error.is_none() || rule.reads_broken_files()) {
            report.begin(meta);
            rule.check(subject, &mut report);
        }
    }
    let Report { findings, mut claims, unjudged, unlisted, .. } = report;
    let sure = |finding: &Finding| options.min_confidence.is_none_or(|least| finding.confidence >= least);
    let mut findings: Vec<_> = findings.into_iter().filter(sure).collect();
    findings.sort_by_key(|finding| finding.place.bytes.start);
    claims.retain(|claim| sure(&claim.finding));
    let nothing = findings.is_empty() && claims.is_empty();
    let ignores = if nothing { Vec::new() } else { ignore::of(subject) };
    let is_ignored = |finding: &Finding| ignores.iter().any(|ignore| ignore.covers(finding));
    for claim in &mut claims {
        claim.ignored = is_ignored(&claim.finding);
    }
    let (ignored, open) = findings.into_iter().partition(is_ignored);
    Outcome { name: subject.name.to_owned(), kind: subject.kind, findings: open, ignored, claims, unjudged, unlisted }
}
