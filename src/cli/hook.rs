//! The command line of `oomshim-hook`. A hook that fails stops the container, so what goes wrong is recorded and forgiven,
//! unless the policy is strict, or the hook is a filter that cannot hand the spec on: then podman must not take nothing
//! for a spec.

use std::ffi::OsStr;
use std::io::Write;

use anyhow::{Result, anyhow};
use clap::Parser;
use tracing::{error, warn};

use crate::hook;
use crate::log::{self, Level, Log, LogTo, message};
use crate::policy::file::{self, Loaded, PolicyError};
use crate::runtime::failure;
use crate::system::host::Roots;
use crate::system::os_error::OsError;

/// Gives a container its `oom_score_adj` from an OCI hook.
///
/// At the stage createRuntime the hook reads the container's state and writes to `/proc/PID/oom_score_adj` and the
/// container's cgroup. At podman's stage precreate it reads config.json and prints it with the edits that oomshim-runc
/// would make. A failure is recorded and the container starts all the same, unless the policy says `strict = true`.
#[derive(Debug, Parser)]
#[command(name = "oomshim-hook", version, max_term_width = 100)]
pub struct Cli {
    /// The stage: createRuntime (the state on standard input) or precreate (config.json in, config.json out)
    #[arg(default_value = "createRuntime")]
    stage: String,
    /// The class, for hooks.d files that have decided by their `when`; without it the policy's rules decide
    #[arg(long, value_name = "NAME")]
    class: Option<String>,
}

/// What podman expects of a hook.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It reads a container's state.
    Hook,
    /// It reads a spec and prints it.
    Filter,
}

impl Kind {
    /// Whatever the rest of the arguments says: a name of the stage in any case.
    fn of<'a>(mut args: impl Iterator<Item = &'a OsStr>) -> Kind {
        if args.any(|arg| arg.eq_ignore_ascii_case("precreate")) { Kind::Filter } else { Kind::Hook }
    }
}

/// A failure, and whether the container starts all the same.
enum Failure {
    /// It does.
    Forgiven(anyhow::Error),
    /// It does not.
    Fatal(anyhow::Error),
}

/// Runs the hook and gives the exit status.
#[must_use]
pub fn main(args: &[&OsStr]) -> u8 {
    let loaded = file::load(std::env::var_os(file::VARIABLE).as_deref());
    // Without a policy there is nobody to tell but the journal, and nothing to do.
    log::start(&loaded.as_ref().map_or(Log { to: LogTo::Journald, level: Level::Info }, |it| it.policy.log.clone()));
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) if !error.use_stderr() => {
            let _ = error.print();
            return 0;
        }
        Err(error) => {
            // Another version's hooks.d file must not stop containers.
            let kind = Kind::of(args.iter().skip(1).copied());
            let line = error.to_string();
            return end(pass(kind, anyhow!("called wrongly: {}", line.lines().next().unwrap_or_default())));
        }
    };
    // As for the shim: a typo must not silently unprotect a fleet.
    let strict = loaded.as_ref().map_or(true, |loaded| loaded.policy.strict);
    let judge = |error| if strict { Failure::Fatal(error) } else { Failure::Forgiven(error) };
    end(match cli.stage.as_str() {
        "createRuntime" | "prestart" => create_runtime(&cli, loaded).map_err(judge),
        "precreate" => match precreate(&cli, loaded) {
            Ok((spec, edited)) => hand_on(&spec).and(edited.map_err(judge)),
            Err(error) => Err(Failure::Fatal(error)),
        },
        other => {
            pass(Kind::of([OsStr::new(other)].into_iter()), anyhow!("the stage {other:?} is not known to this version"))
        }
    })
}

/// What cannot be done at all is forgiven; but a filter has to hand the spec on.
fn pass(kind: Kind, why: anyhow::Error) -> Result<(), Failure> {
    if kind == Kind::Filter {
        let spec = hook::read_spec(std::io::stdin()).map_err(|error| Failure::Fatal(error.into()))?;
        hand_on(&spec)?;
    }
    Err(Failure::Forgiven(why))
}

/// Prints the spec. A filter whose standard output ends early has taken the spec away.
fn hand_on(spec: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout();
    let written = out.write_all(spec).and_then(|()| out.flush());
    written.map_err(|error| Failure::Fatal(anyhow!("cannot print the spec: {}", OsError::from(error))))
}

fn create_runtime(cli: &Cli, loaded: Result<Loaded, PolicyError>) -> Result<()> {
    let state = hook::read_state(std::io::stdin())?;
    Ok(hook::create_runtime(&state, cli.class.as_deref(), &loaded?.policy, &Roots::default())?)
}

/// The spec that podman is to have, and what stood against the edit, if anything did.
///
/// # Errors
/// Where there is no spec to hand on, or none that may be.
fn precreate(cli: &Cli, loaded: Result<Loaded, PolicyError>) -> Result<(Vec<u8>, Result<()>)> {
    let spec = hook::read_spec(std::io::stdin())?;
    let loaded = loaded?;
    match hook::precreate(&spec, cli.class.as_deref(), &loaded.policy, &Roots::default()) {
        Ok(bytes) => Ok((bytes, Ok(()))),
        Err(error) if loaded.policy.strict => Err(error.into()),
        Err(error) => Ok((spec, Err(error.into()))),
    }
}

fn end(outcome: Result<(), Failure>) -> u8 {
    match outcome {
        Ok(()) => 0,
        Err(Failure::Forgiven(why)) => {
            warn!(message_id = message::HOOK_FAILED.id, "hook: {why:#}");
            0
        }
        Err(Failure::Fatal(why)) => {
            error!(message_id = message::HOOK_FAILED.id, "hook: {why:#}");
            // runc puts a failed hook's standard error into its own message.
            let _ = writeln!(std::io::stderr(), "{}", failure::line(&format!("{why:#}")));
            1
        }
    }
}
