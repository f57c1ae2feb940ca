//! `oomshim protect`: a score for a daemon that is about to start, or for one that runs.

use std::ffi::{CString, OsString};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use anyhow::{Context, bail};
use nix::errno::Errno;
use thiserror::Error;

use super::Exit;
use crate::engines;
use crate::protect::{self, Got, Tree};
use crate::system::exec;
use crate::system::oom_score_adj::OomScoreAdj;
use crate::system::os_error::OsError;
use crate::text::escape;

/// The command line of `oomshim protect`.
#[derive(Debug, clap::Args)]
#[command(after_help = "A daemon's start must not depend on its protection: without --strict, what cannot be done is \
                        said on standard error and the command starts all the same.\n\nExit status: the command's own. \
                        Where it was not started, as with env(1): 127 if there is no such program, 126 if it cannot \
                        be run, 125 if --strict forbids it. With --pid: 0 all have the score, 1 some got the nearest \
                        one, 2 some got none.")]
pub struct Args {
    /// The score, from -1000 (never killed) to 1000 (killed first)
    #[arg(long, value_name = "N", default_value = "-1000", allow_hyphen_values = true)]
    score: OomScoreAdj,
    /// Start nothing where the score cannot be had, or where the daemon would hand it on to build steps
    #[arg(long)]
    strict: bool,
    /// Give the score to a running process instead of starting one; may be given more than once
    #[arg(long, value_name = "PID", conflicts_with = "command")]
    pid: Vec<u32>,
    /// With --pid: to its descendants too, except for containers
    #[arg(long, requires = "pid")]
    tree: bool,
    /// The command to become, and its arguments
    #[arg(last = true, required_unless_present = "pid", value_name = "CMD")]
    command: Vec<OsString>,
}

/// The command could not be started.
#[derive(Debug, Error)]
#[error("cannot start {program}: {reason}")]
struct NotStarted {
    program: String,
    reason: OsError,
}

/// The exit status for an error: env(1)'s where a command was to be started, because a supervisor must be able to tell
/// that from an end of the daemon's own.
#[must_use]
pub fn status_of(args: &Args, error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<NotStarted>() {
        Some(NotStarted { reason: OsError(Errno::ENOENT), .. }) => 127,
        Some(_) => 126,
        None if args.pid.is_empty() => 125,
        None => Exit::Failure.status(),
    }
}

/// Gives the score and becomes the command, or ends.
///
/// # Errors
/// Where the command cannot be started, or with `--strict` not be protected.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let proc = Path::new("/proc");
    if !args.pid.is_empty() {
        return running(args, proc);
    }
    if args.score < OomScoreAdj::ZERO {
        for warning in engines::inherited_immunity_warnings(&args.command) {
            complain(args.strict, &warning)?;
        }
    }
    match protect::protect_self(proc, args.score) {
        Ok(got) if got.is_wanted() => {}
        Ok(got) => complain(args.strict, &clamped(&got))?,
        Err(error) => complain(args.strict, &format!("cannot set the score {}: {error}", args.score))?,
    }
    let command: Vec<CString> = args
        .command
        .iter()
        .map(|arg| CString::new(arg.as_bytes()))
        .collect::<Result<_, _>>()
        .context("read the command")?;
    let reason = exec::exec_command(&command);
    let program = args.command.first().map(|program| program.to_string_lossy().into_owned()).unwrap_or_default();
    Err(NotStarted { program, reason }.into())
}

fn running(args: &Args, proc: &Path) -> anyhow::Result<Exit> {
    let mut exit = Exit::Success;
    for &pid in &args.pid {
        let Tree { done, containers } = protect::protect_pid(proc, pid, args.tree, args.score)?;
        for got in &done {
            if !got.is_wanted() {
                complain(args.strict, &clamped(got))?;
                exit = Exit::Findings;
            }
        }
        let highest = done.iter().map(|got| got.score).max().unwrap_or(args.score);
        let mut text = format!("{} processes at {highest}", done.len());
        if !containers.is_empty() {
            text.push_str(&format!(", {} left alone in containers", containers.len()));
        }
        super::print(&format!("{pid}: {text}\n"))?;
    }
    Ok(exit)
}

fn clamped(got: &Got) -> String {
    let who = got.pid.map_or("this process".to_owned(), |pid| format!("process {pid}"));
    format!(
        "{who} has the score {} instead of {}: going lower needs CAP_SYS_RESOURCE in the initial user namespace",
        got.score, got.wanted
    )
}

/// Fails where it is strict, and warns where it is not.
fn complain(strict: bool, message: &str) -> anyhow::Result<()> {
    if strict {
        bail!("{message}; not started, because of --strict");
    }
    let _ = writeln!(std::io::stderr(), "oomshim: warning: {}", escape::text(message));
    Ok(())
}
