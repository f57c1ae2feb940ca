//! `oomshim doctor`: whether this machine is safe.

use anyhow::bail;

use super::format::OutputFormat;
use super::{Exit, colour};
use crate::doctor::{self, CHECKS, Snapshot, Status, output};

/// The command line of `oomshim doctor`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The exit status is 1 where a check fails, and with --strict also where one warns or is skipped."
)]
pub struct Args {
    /// Only this check; may be given more than once
    #[arg(long, value_name = "CHECK")]
    only: Vec<String>,
    /// Show the checks and what they ask
    #[arg(long)]
    list: bool,
    /// Do not be content with warnings and with checks that are skipped
    #[arg(long)]
    strict: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

/// Examines the machine.
///
/// # Errors
/// Where a check is asked for that does not exist.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    if args.list {
        let lines: Vec<String> = CHECKS.iter().map(|check| format!("{:<16}  {}\n", check.id, check.question)).collect();
        super::print(&lines.concat())?;
        return Ok(Exit::Success);
    }
    if let Some(unknown) = args.only.iter().find(|id| CHECKS.iter().all(|check| check.id != **id)) {
        bail!("there is no check {unknown:?}; `oomshim doctor --list` shows them");
    }
    let reports = doctor::examine(&Snapshot::take(), &args.only);
    match args.format {
        OutputFormat::Text => colour::print(&output::text(&reports), colour::doctor)?,
        OutputFormat::Json => super::print(&output::json(&reports))?,
    }
    let worst = doctor::worst(&reports);
    let bad = worst == Status::Fail || args.strict && worst != Status::Pass;
    Ok(if bad { Exit::Findings } else { Exit::Success })
}
