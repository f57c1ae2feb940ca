//! `oomshim guard`: the daemon. What it knows, and what it would have done with a recorded series, are subcommands.

mod replay;
mod status;

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::Exit;
use crate::guard::daemon::{Daemon, Rehearsal, Setup};
use crate::guard::place::DIRECTORY;
use crate::log;
use crate::policy::Policy;
use crate::policy::file;
use crate::registry;
use crate::text::escape;

/// The command line of `oomshim guard`.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "It kills the jobs that oomshim started, and those that `kill` in [guard] of the policy names; all others \
                  it only observes. SIGHUP reads the policy again. Start it by its unit, oomshim-guard.service, which \
                  protects it."
)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Kill nobody: only record what would have been done
    #[arg(long)]
    dry_run: bool,
    /// The policy, instead of /etc/oomshim/policy.toml
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Append every sample to a file that `oomshim guard replay` reads
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show the jobs, who would be killed first, and how far away that is
    Status(status::Args),
    /// Tell what the guard would have done with a recorded series, and when
    Replay(replay::Args),
}

/// Runs the guard, or asks about it.
///
/// # Errors
/// Where it cannot start, where none runs, or where a series cannot be read.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    match &args.command {
        Some(Command::Status(args)) => status::run(args),
        Some(Command::Replay(args)) => replay::run(args),
        None => guard(args),
    }
}

/// The policy of that file, or the usual one.
fn policy(path: Option<&Path>) -> Result<Policy, String> {
    let named = path.map(|path| path.as_os_str().to_owned()).or_else(|| std::env::var_os(file::VARIABLE));
    file::load(named.as_deref()).map(|loaded| loaded.policy).map_err(|error| error.to_string())
}

fn guard(args: &Args) -> anyhow::Result<Exit> {
    let loaded = policy(args.policy.as_deref()).map_err(anyhow::Error::msg)?;
    log::start(&loaded.log);
    let open = |path: &PathBuf| {
        let mut options = OpenOptions::new();
        options.create(true).append(true).mode(0o600);
        options.open(path).with_context(|| format!("open {}", path.display()))
    };
    let recorder = args.record.as_ref().map(open).transpose()?;
    let setup = Setup {
        policy: loaded,
        reload: policy,
        policy_file: args.policy.clone(),
        rehearsal: if args.dry_run { Rehearsal::Dry } else { Rehearsal::Real },
        recorder,
        directory: DIRECTORY.into(),
        proc: "/proc".into(),
        registry: registry::ROOT.into(),
    };
    let mut daemon = Daemon::start(setup)?;
    for what in daemon.cannot() {
        eprint(&format!("oomshim guard: {}\n", escape::text(what)));
    }
    daemon.run()?;
    Ok(Exit::Success)
}

fn eprint(text: &str) {
    use std::io::Write as _;
    let _ = std::io::stderr().write_all(text.as_bytes());
}
