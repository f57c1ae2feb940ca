//! The linter: what will go wrong under memory pressure, before it does.
//!
//! Specs, policies, hooks.d files and the configurations of engines come in as bytes, findings go out as values; only
//! [`input`] and [`run`] touch files. One [`rule`] is one file in [`rules`]; [`report`] is where a finding is made;
//! [`output`] has a file for each format; [`fix`] makes the changes that findings carry; [`cross_file`] holds files
//! against each other.
//!
//! ```
//! use oomshim::lint::{self, Options};
//! use std::path::Path;
//!
//! let spec = br#"{"ociVersion":"1.3.0","root":{"path":"rootfs"},"process":{"cwd":"/","args":["make"]}}"#;
//! let outcome = lint::bytes(Path::new("config.json"), spec, None, &Options::default())?;
//! assert!(outcome.findings.iter().any(|finding| finding.rule.name == "oom-score-adj-unset"));
//! for finding in &outcome.findings {
//!     println!("{}: {} ({})", finding.place.start.line, finding.message, finding.rule.url());
//! }
//! # Ok::<(), lint::LintError>(())
//! ```

pub mod baseline;
mod change;
pub mod config;
mod containerd_view;
pub mod cross_file;
mod dockerd_view;
pub mod explain;
pub mod finding;
pub mod fix;
mod glob;
pub mod ignore;
pub mod input;
mod inspect_view;
pub mod kind;
mod kubernetes_view;
pub mod location;
pub mod output;
mod policy_view;
mod program;
pub mod report;
pub mod rule;
pub mod rules;
pub mod run;
pub mod schema;
pub mod select;
pub mod spec_view;
pub mod subject;
pub mod syntax;
pub mod target_host;
mod template_view;
mod toml;
mod tree_maker;
pub mod unit;
mod unit_value;
pub mod yaml;
mod yaml_flow;
mod yaml_scalar;

use std::path::Path;

use thiserror::Error;

use crate::json::Tree;
use finding::{Confidence, Finding, Fixes, Outcome};
use kind::{Certainty, FileKind, Recognized};
use report::Report;
use select::Selection;
use subject::Subject;
use syntax::Syntax;
use target_host::TargetHost;

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
    pub machine: Option<TargetHost>,
    /// What findings carry of their fixes.
    pub fixes: Fixes,
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
    /// It is another program's.
    #[error("no kind of file that is judged here; if it is one all the same, say which with --kind")]
    UnknownKind,
    /// Something makes the file of it.
    #[error("a template: judge what it renders to")]
    Template,
}

/// Judges the bytes of one file. `name` is what findings call it and helps to tell its kind, unless `kind` says it.
///
/// # Errors
/// [`LintError`] when there is nothing that could be judged. Text that is not JSON or TOML is a finding, not an error.
pub fn bytes(name: &Path, bytes: &[u8], kind: Option<FileKind>, options: &Options) -> Result<Outcome, LintError> {
    let stated = kind.map(|kind| Recognized { kind, certainty: Certainty::Content });
    bytes_as(name, bytes, stated, options)
}

/// Judges the bytes of one file as what it is told to be, if anything.
fn bytes_as(name: &Path, bytes: &[u8], told: Option<Recognized>, options: &Options) -> Result<Outcome, LintError> {
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
    let sniffed = syntax::of(text, name);
    let syntax = match told {
        Some(told) if !told.kind.is_written_in(sniffed) => told.kind.syntax(),
        _ => sniffed,
    };
    let parsed = syntax.parse(text);
    let recognized = told.or_else(|| match &parsed {
        Ok(_) if syntax == Syntax::Text => kind::of_template(text, name),
        Ok(tree) => kind::of_tree(tree, syntax, name),
        Err(_) => kind::of_text(text, syntax, name).map(|kind| Recognized { kind, certainty: Certainty::Name }),
    });
    let is_template = is_template(text);
    let Some(Recognized { kind, certainty }) = recognized else {
        let is_template = is_template && (parsed.is_err() || syntax == Syntax::Text);
        return Err(if is_template { LintError::Template } else { LintError::UnknownKind });
    };
    if told.is_none() && parsed.is_err() && is_template {
        return Err(LintError::Template);
    }
    let empty;
    let (tree, error) = match &parsed {
        Ok(tree) => (tree, None),
        Err(error) => {
            empty = Tree::empty(text.as_bytes());
            (&empty, Some(error))
        }
    };
    let mut subject = Subject::new(name, kind, text, tree);
    subject.syntax = syntax;
    subject.syntax_error = error;
    subject.machine = options.machine.as_ref();
    subject.on_disk = options.on_disk;
    if kind == FileKind::Inspect && error.is_none() {
        let spec = kind::inspect::spec(tree.root()).ok_or(LintError::UnknownKind)?;
        subject.judge_part(spec, FileKind::Spec);
        // Its paths are relative to a bundle that is not told, and the bundle's own spec claims the same cgroup.
        subject.on_disk = false;
        return Ok(Outcome { kind, claims: Vec::new(), ..judge(&subject, certainty, options) });
    }
    Ok(judge(&subject, certainty, options))
}

/// Whether a text only becomes a file: Go's and Jinja's braces.
fn is_template(text: &str) -> bool {
    ["{{", "{%"].iter().any(|open| text.contains(open))
}

fn judge<'s>(subject: &'s Subject<'s>, certainty: Certainty, options: &Options) -> Outcome {
    // What may be another program's is never changed, and neither is what nothing reads again.
    let is_changed = certainty == Certainty::Content && !subject.is_part();
    let fixes = if is_changed { options.fixes } else { Fixes::None };
    let mut report = Report::new(subject, fixes);
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
    let (name, kind) = (subject.name.to_owned(), subject.kind);
    Outcome { name, kind, certainty, findings: open, ignored, claims, unjudged, unlisted }
}
