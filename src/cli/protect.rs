//! `oomshim protect`: an oom_score_adj for a daemon that is about to start, or for one that runs.

use std::ffi::{CString, OsString};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use anyhow::{Context, bail};
use nix::errno::Errno;
use thiserror::Error;

use super::Exit;
use crate::engines::command::{self, Judgement, Unknown};
use crate::engines::standing::Standing;
use crate::engines::{Engine, Launch};
use crate::install::ask;
use crate::protect::{self, Extent, Got, Protected};
use crate::system::exec;
use crate::system::host::Roots;
use crate::system::oom_score_adj::OomScoreAdj;
use crate::system::os_error::OsError;
use crate::text::escape;

/// The command line of `oomshim protect`.
#[derive(Debug, clap::Args)]
#[command(after_help = "A daemon's start must not depend on its protection: without --strict, what cannot be done is \
                        said on standard error and the command starts all the same.\n\nExit status: the command's own. \
                        Where it was not started, as with env(1): 127 if there is no such program, 126 if it cannot \
                        be run, 125 if --strict forbids it. With --pid: 0 all have it, 1 some got the nearest one, 2 some \
                        got none.")]
pub struct Args {
    /// The oom_score_adj, from -1000 (never killed) to 1000 (killed first)
    #[arg(long, value_name = "N", default_value = "-1000", allow_hyphen_values = true)]
    score: OomScoreAdj,
    /// Start nothing that cannot be protected, would hand its immunity on to build steps, or cannot be judged
    #[arg(long)]
    strict: bool,
    /// Clear memory.oom.group on its cgroup and all above, so that it is not killed as a group with its steps
    #[arg(long)]
    ungroup: bool,
    /// Protect a running process instead of starting one; may be given more than once
    #[arg(long, value_name = "PID", conflicts_with = "command")]
    pid: Vec<u32>,
    /// Protect nothing: only tell, as `ExecStartPre=` of a systemd unit, whether steps of what it starts would be immune too
    #[arg(long, value_name = "UNIT", conflicts_with_all = ["command", "pid", "ungroup"])]
    check_unit: Option<String>,
    /// With --pid: to its descendants too, except for containers
    #[arg(long, requires = "pid")]
    tree: bool,
    /// The command to become, and its arguments
    #[arg(last = true, required_unless_present_any = ["pid", "check_unit"], value_name = "CMD")]
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

/// Gives the oom_score_adj and becomes the command, or ends.
///
/// # Errors
/// Where the command cannot be started, or with `--strict` not be protected.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let roots = Roots::default();
    if let Some(unit) = &args.check_unit {
        return check_unit(unit);
    }
    if !args.pid.is_empty() {
        return running(args, &roots);
    }
    if args.score < OomScoreAdj::ZERO {
        let Judgement { leaks, unknown } = command::judge(&args.command);
        leaks.iter().try_for_each(|warning| complain(args.strict, warning))?;
        match unknown {
            Some(Unknown::StartsOthers(reason)) => complain(args.strict, &reason)?,
            Some(Unknown::NoEngine(reason)) if args.strict => complain(args.strict, &reason)?,
            _ => {}
        }
    }
    if args.ungroup {
        ungroup(args, &roots, None)?;
    }
    match protect::protect_self(&roots.proc, args.score) {
        Ok(got) if got.is_wanted() => {}
        Ok(got) => complain(args.strict, &clamped(&got))?,
        Err(error) => complain(args.strict, &format!("cannot set oom_score_adj to {}: {error}", args.score))?,
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

/// Judges the command line of a unit. Its environment is this process's own: systemd gives `ExecStartPre=` the same.
fn check_unit(unit: &str) -> anyhow::Result<Exit> {
    let program = ask::program("systemctl").context("find systemctl")?;
    let mut systemctl = std::process::Command::new(program);
    let answer = ask::ask(systemctl.args(["show", "--property=ExecStart", "--value", "--", unit]), 30)?;
    let command = exec_start(&answer.out).with_context(|| format!("{} starts nothing", escape::text(unit)))?;
    let Judgement { leaks, unknown } = command::judge(&command);
    leaks.iter().try_for_each(|warning| complain(false, warning))?;
    if let Some(Unknown::StartsOthers(reason)) = &unknown {
        complain(false, reason)?;
    }
    Ok(if leaks.is_empty() { Exit::Success } else { Exit::Findings })
}

/// The words of a command as `systemctl show` prints it: `{ path=… ; argv[]=WORD WORD… ; ignore_errors=no ; … }`.
fn exec_start(text: &str) -> Option<Vec<OsString>> {
    let words = text.split("argv[]=").nth(1)?.split(" ; ignore_errors=").next()?;
    let words: Vec<OsString> = words.split_ascii_whitespace().map(OsString::from).collect();
    (!words.is_empty()).then_some(words)
}

fn running(args: &Args, roots: &Roots) -> anyhow::Result<Exit> {
    let mut exit = Exit::Success;
    let extent = if args.tree { Extent::Tree } else { Extent::Process };
    for &pid in &args.pid {
        if args.score < OomScoreAdj::ZERO {
            for warning in warnings_for(&roots.proc, pid) {
                complain(args.strict, &warning)?;
            }
        }
        if args.ungroup {
            ungroup(args, roots, Some(pid))?;
        }
        let Protected { done, containers } = protect::protect_pid(&roots.proc, pid, extent, args.score)?;
        for got in &done {
            if !got.is_wanted() {
                complain(args.strict, &clamped(got))?;
                exit = Exit::Findings;
            }
        }
        let highest = done.iter().map(|got| got.score).max().unwrap_or(args.score);
        let mut text = format!("{} processes have oom_score_adj {highest}", done.len());
        if !containers.is_empty() {
            text.push_str(&format!(", {} left alone in containers", containers.len()));
        }
        super::print(&format!("{pid}: {text}\n"))?;
    }
    Ok(exit)
}

/// What there is to say before a process that runs is made immune.
fn warnings_for(proc: &Path, pid: u32) -> Vec<String> {
    let standing = Standing::of(proc, pid);
    let mut warnings = match standing {
        Ok(Standing::Contained | Standing::User(_)) => {
            let standing = standing.map(|standing| standing.to_string()).unwrap_or_default();
            vec![format!(
                "process {pid} is {standing}: whoever runs it gets an immunity that is meant for the machine's daemons"
            )]
        }
        _ => Vec::new(),
    };
    // What cannot be read is said when its oom_score_adj cannot be set.
    if let Ok(launch) = Launch::of_process(proc, pid)
        && let Some(engine) = launch.args.first().and_then(|program| Engine::of_program(program))
    {
        warnings.extend(command::of_launch(engine, &launch));
    }
    warnings
}

/// Clears `memory.oom.group`, and says where.
fn ungroup(args: &Args, roots: &Roots, pid: Option<u32>) -> anyhow::Result<()> {
    match protect::ungroup(roots, pid) {
        Ok(cleared) => cleared.iter().for_each(|path| {
            let path = escape::bytes(path.as_os_str().as_bytes());
            let _ = writeln!(std::io::stderr(), "oomshim: cleared {path}");
        }),
        Err(error) => complain(args.strict, &format!("cannot clear memory.oom.group: {error}"))?,
    }
    Ok(())
}

fn clamped(got: &Got) -> String {
    let who = got.pid.map_or("this process".to_owned(), |pid| format!("process {pid}"));
    format!(
        "{who} has oom_score_adj {} instead of {}: going lower needs CAP_SYS_RESOURCE in the initial user namespace",
        got.score, got.wanted
    )
}

/// Fails where it is strict, and warns where it is not.
fn complain(strict: bool, message: &str) -> anyhow::Result<()> {
    if strict {
        bail!("{message}; not done, because of --strict");
    }
    let lines: Vec<_> = message.lines().map(escape::text).collect();
    let _ = writeln!(std::io::stderr(), "oomshim: warning: {}", lines.join("\n"));
    Ok(())
}
