//! The command line of `oomshim lint`.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::lint::finding::{Confidence, Severity};
use crate::lint::kind::FileKind;

/// Tell what will go wrong under memory pressure, in specs, policies, hooks and engine configurations
///
/// Exit status: 0 when nothing is found that counts for --fail-on, 1 when something is, 2 when a file could not be
/// judged or written, when there was nothing to judge, or when the command line is wrong.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "they are flags of a command line")]
pub struct Args {
    /// Files, bundles, directories to be searched, or - for standard input
    #[arg(value_name = "PATH", required_unless_present_any = ["explain", "list_rules"])]
    pub(super) paths: Vec<PathBuf>,
    /// What the files are, whatever they say themselves; in directories, those whose names end as that kind's do
    #[arg(long, value_name = "KIND", value_parser = word(FileKind::ALL))]
    pub(super) kind: Option<FileKind>,
    /// How findings are written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(super) format: Format,
    /// Make the fixes that are safe
    #[arg(long)]
    pub(super) fix: bool,
    /// Make all fixes, also those that may change what somebody wanted
    #[arg(long)]
    pub(super) unsafe_fixes: bool,
    /// Show what fixes would change, and write nothing; the exit status is that of the files as they are
    #[arg(long)]
    pub(super) diff: bool,
    /// Judge only by these rules or groups (oom-score-adj, killing, memory, shape, deployment)
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub(super) select: Vec<String>,
    /// Do not judge by these rules or groups
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub(super) ignore: Vec<String>,
    /// The least severity that makes the exit status 1: note, warning, error [default: warning]
    #[arg(long, value_name = "SEVERITY", value_parser = word(Severity::ALL))]
    pub(super) fail_on: Option<Severity>,
    /// The least confidence that is reported: low, medium, high [default: low]
    #[arg(long, value_name = "CONFIDENCE", value_parser = word(Confidence::ALL))]
    pub(super) min_confidence: Option<Confidence>,
    /// Leave out files and directories that match, as .gitignore has it; can be repeated
    #[arg(long, value_name = "GLOB")]
    pub(super) exclude: Vec<String>,
    /// Search what .gitignore leaves out
    #[arg(long)]
    pub(super) no_gitignore: bool,
    /// Report only what is not in this file
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
    /// Write what is found to this file, for --baseline, and exit with 0
    #[arg(long, value_name = "FILE", conflicts_with_all = ["baseline", "fix", "unsafe_fixes", "diff", "list"])]
    pub(super) write_baseline: Option<PathBuf>,
    /// The settings of the project, in place of the nearest .oomshim-lint.toml
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Use no .oomshim-lint.toml
    #[arg(long, conflicts_with = "config")]
    pub(super) no_config: bool,
    /// What standard input is called, which helps to tell what it is
    #[arg(long, value_name = "NAME")]
    pub(super) stdin_filename: Option<PathBuf>,
    /// List what each file is judged as, and those that are skipped
    #[arg(long, conflicts_with_all = ["fix", "unsafe_fixes", "diff"])]
    pub(super) list: bool,
    /// Exit with 0 when none of the files is of a kind that is judged
    #[arg(long)]
    pub(super) allow_none: bool,
    /// Judge against this machine: its cgroups, its rights, its swap, its files
    #[arg(long)]
    pub(super) host: bool,
    /// Tell what a rule finds, why it matters and what to do
    #[arg(long, value_name = "RULE", conflicts_with = "list_rules")]
    pub(super) explain: Option<String>,
    /// List all rules
    #[arg(long)]
    pub(super) list_rules: bool,
}

/// The formats of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Human,
    /// For programs; its version is in it
    Json,
    /// SARIF 2.1.0, for code scanners and editors
    Sarif,
    /// Workflow commands of GitHub Actions
    Github,
    /// A code quality report for GitLab
    Gitlab,
    /// XML as `JUnit` writes it, for CI servers
    Junit,
    /// A line for each finding: file, line, column, severity, message, rule
    Oneline,
}

/// Parses one of the words of an enumeration, and lists them where it cannot.
pub(super) fn word<T: Copy + Send + Sync + 'static>(
    all: &'static [(T, &'static str)],
) -> impl clap::builder::TypedValueParser<Value = T> {
    use clap::builder::{PossibleValuesParser, TypedValueParser};
    let words = PossibleValuesParser::new(all.iter().map(|(_, word)| *word));
    words.try_map(move |text| {
        let found = all.iter().find(|(_, word)| *word == text);
        found.map(|(value, _)| *value).ok_or_else(|| std::io::Error::other("not one of the words"))
    })
}
