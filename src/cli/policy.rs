//! `oomshim policy`: is the policy right, what does it say, and what does it do to one container.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Subcommand, ValueEnum};

use super::{Exit, colour};
use crate::explain::{self, Explanation, RuleOutcome};
use crate::lint;
use crate::lint::finding::Severity;
use crate::lint::kind::FileKind;
use crate::policy::file::{self, Loaded};
use crate::policy::show;
use crate::system::host;
use crate::text::escape;

/// The command line of `oomshim policy`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say what is wrong with the policy, and where: what `oomshim lint` says of it
    Check {
        /// The policy file [default: the one in force]
        file: Option<PathBuf>,
    },
    /// Print the policy in force, with everything that a file leaves out
    Show {
        /// The policy file [default: the one in force]
        file: Option<PathBuf>,
    },
    /// Say which class the container of a bundle gets and why, what would be edited, and what cannot be had here
    Explain {
        /// The bundle, a directory with a config.json
        bundle: PathBuf,
        /// The policy file [default: the one in force]
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        /// The container's id, for rules on it
        #[arg(long)]
        id: Option<OsString>,
        /// text or json
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
}

/// How an explanation is printed.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs; its `version` is 1
    Json,
}

/// Runs the subcommand.
///
/// # Errors
/// Where the policy or the bundle is not right.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    match &args.command {
        Command::Check { file } => check(file.as_ref()),
        Command::Show { file } => {
            let loaded = load(file.as_ref())?;
            super::print(&format!("# {}\n{}", place(&loaded), show::toml(&loaded.policy)))?;
            Ok(Exit::Success)
        }
        Command::Explain { bundle, policy, id, format } => {
            let loaded = load(policy.as_ref())?;
            let roots = host::Roots::default();
            let explanation = explain::explain(&loaded, bundle, id.as_deref(), &roots)
                .with_context(|| format!("explain {}", bundle.display()))?;
            match format {
                Format::Text => colour::print(&text(&explanation), colour::policy)?,
                Format::Json => super::print(&json(&explanation)?)?,
            }
            Ok(Exit::Success)
        }
    }
}

/// What the linter finds in the policy; a mistake that stops containers is one of its errors.
fn check(file: Option<&PathBuf>) -> anyhow::Result<Exit> {
    let Some(source) = file::source(named(file).as_deref())? else {
        super::print("built-in policy: there is no file to check\n")?;
        return Ok(Exit::Success);
    };
    let found = lint::bytes(&source.path, source.text.as_bytes(), Some(FileKind::Policy), &lint::Options::default())?;
    let place = escape::text(&source.path.display().to_string()).into_owned();
    let mut out = String::new();
    let mut counts = [0, 0];
    for finding in &found.findings {
        counts[usize::from(finding.severity != Severity::Error)] += 1;
        let (start, rule) = (finding.place.start, finding.rule.name);
        let _ = writeln!(
            out,
            "{place}:{}:{}: {}: {} [{rule}]",
            start.line, start.column, finding.severity, finding.message
        );
        let _ = writeln!(out, "  = help: {}", finding.help);
    }
    let _ = match counts {
        [0, 0] => writeln!(out, "{place}: no errors, no warnings"),
        [errors, warnings] => writeln!(out, "{place}: errors: {errors}, warnings and notes: {warnings}"),
    };
    colour::print(&out, colour::policy)?;
    Ok(if counts[0] == 0 { Exit::Success } else { Exit::Findings })
}

fn load(file: Option<&PathBuf>) -> Result<Loaded, file::PolicyError> {
    file::load(named(file).as_deref())
}

/// The file that is meant, if one is named at all.
fn named(file: Option<&PathBuf>) -> Option<OsString> {
    file.map(|path| path.clone().into_os_string()).or_else(|| std::env::var_os(file::VARIABLE))
}

fn place(loaded: &Loaded) -> String {
    loaded.path.as_ref().map_or("built-in policy".to_owned(), |path| path.display().to_string())
}

fn text(explanation: &Explanation) -> String {
    let mut out = String::new();
    let safe = |text: &str| escape::text(text).into_owned();
    let _ = writeln!(out, "class    {}", safe(&explanation.class));
    let _ = writeln!(out, "because  {}", safe(&explanation.because));
    let _ = writeln!(out, "policy   {}", safe(&explanation.policy));
    let section = |out: &mut String, title: &str, lines: &[String]| {
        if !lines.is_empty() {
            let _ = writeln!(out, "\n{title}");
        }
        for line in lines {
            let _ = writeln!(out, "  {}", safe(line));
        }
    };
    let rules: Vec<String> = explanation.rules.iter().map(|rule| format!("{}: {}", rule.name, rule.outcome)).collect();
    section(&mut out, "rules, in order", &rules);
    let edits: Vec<String> =
        explanation.edits.iter().map(|edit| format!("{} = {} ({})", edit.field, edit.value, edit.change)).collect();
    section(&mut out, "edits of config.json", &edits);
    let skipped: Vec<String> = explanation.not_applied.iter().map(|it| format!("{}: {}", it.what, it.why)).collect();
    section(&mut out, "not applied", &skipped);
    section(&mut out, "the guard", &explanation.guard);
    section(&mut out, "to know", &explanation.notes);
    out
}

fn json(explanation: &Explanation) -> anyhow::Result<String> {
    let rules: Vec<_> = explanation
        .rules
        .iter()
        .map(|rule| serde_json::json!({"rule": rule.name, "matched": rule.outcome == RuleOutcome::Holds, "why": rule.outcome.to_string()}))
        .collect();
    let edits: Vec<_> = explanation
        .edits
        .iter()
        .map(|edit| serde_json::json!({"field": edit.field, "value": edit.value, "change": edit.change}))
        .collect();
    let skipped: Vec<_> =
        explanation.not_applied.iter().map(|it| serde_json::json!({"what": it.what, "why": it.why})).collect();
    let value = serde_json::json!({
        "version": 1,
        "class": explanation.class,
        "because": explanation.because,
        "policy": explanation.policy,
        "rules": rules,
        "edits": edits,
        "not_applied": skipped,
        "guard": explanation.guard,
        "notes": explanation.notes,
    });
    Ok(format!("{}\n", serde_json::to_string_pretty(&value)?))
}
