//! The command line of `oomshim-hook`. A hook that fails stops the container, so everything that goes wrong is recorded
//! and forgiven, unless the policy is strict.

use std::ffi::OsStr;
use std::io::{Read, Write};

use clap::Parser;
use tracing::{error, warn};

use crate::hook::{self, HookError};
use crate::log::{self, Level, Log, LogTo, message};
use crate::policy::file::{self, Loaded};
use crate::spec::bundle;
use crate::system::host::Roots;

/// Gives a container its score from an OCI hook.
///
/// At the stage createRuntime the hook reads the container's state and writes to /`proc/PID/oom_score_adj` and the
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

/// Runs the hook and gives the exit status.
#[must_use]
pub fn main(args: &[&OsStr]) -> u8 {
    let loaded = file::load(std::env::var_os(file::VARIABLE).as_deref());
    // Without a policy there is nobody to tell but the journal, and nothing to do.
    log::start(&loaded.as_ref().map_or(Log { to: LogTo::Journald, level: Level::Info }, |it| it.policy.log.clone()));
    // As for the shim: a typo must not silently unprotect a fleet.
    let strict = loaded.as_ref().map_or(true, |loaded| loaded.policy.strict);
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) if !error.use_stderr() => {
            let _ = error.print();
            return 0;
        }
        Err(error) => {
            // Another version's hooks.d file must not stop containers; but a filter has to hand the spec on.
            if args.iter().skip(1).any(|arg| arg.eq_ignore_ascii_case("precreate")) {
                hand_on();
            }
            let line = error.to_string();
            return end(Err(format!("called wrongly: {}", line.lines().next().unwrap_or_default())), false);
        }
    };
    let outcome = match cli.stage.as_str() {
        "createRuntime" | "prestart" => create_runtime(&cli, loaded),
        "precreate" => precreate(&cli, loaded, strict),
        other => {
            if other.eq_ignore_ascii_case("precreate") {
                hand_on();
            }
            return end(Err(format!("the stage {other:?} is not known to this version")), false);
        }
    };
    end(outcome, strict)
}

/// A filter whose standard output is empty has taken the spec away.
fn hand_on() {
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::stdout());
}

fn create_runtime(cli: &Cli, loaded: Result<Loaded, file::PolicyError>) -> Result<(), String> {
    let state = hook::read_input(std::io::stdin(), hook::STATE_LIMIT).map_err(|error| error.to_string())?;
    let policy = loaded.map_err(|error| error.to_string())?.policy;
    let done = hook::create_runtime(&state, cli.class.as_deref(), &policy, &Roots::default());
    done.map_err(|error: HookError| error.to_string())
}

fn precreate(cli: &Cli, loaded: Result<Loaded, file::PolicyError>, strict: bool) -> Result<(), String> {
    let mut spec = Vec::new();
    let read = std::io::stdin().take(bundle::LIMIT + 1).read_to_end(&mut spec);
    read.map_err(|error| HookError::Input(error.into()).to_string())?;
    if spec.len() as u64 > bundle::LIMIT {
        if !strict {
            let _ = std::io::stdout().write_all(&spec);
            hand_on();
        }
        return Err(HookError::TooLarge(bundle::LIMIT).to_string());
    }
    let edited = loaded.map_err(|error| error.to_string()).and_then(|loaded| {
        hook::precreate(&spec, cli.class.as_deref(), &loaded.policy, &Roots::default())
            .map_err(|error| error.to_string())
    });
    let (bytes, outcome) = match edited {
        Ok(bytes) => (bytes, Ok(())),
        Err(error) if strict => return Err(error),
        Err(error) => (spec, Err(error)),
    };
    let written = std::io::stdout().write_all(&bytes).and_then(|()| std::io::stdout().flush());
    written
        .map_err(|error| format!("cannot print the spec: {}", crate::system::os_error::OsError::from(error)))
        .and(outcome)
}

fn end(outcome: Result<(), String>, strict: bool) -> u8 {
    match outcome {
        Ok(()) => 0,
        Err(message) if !strict => {
            warn!(message_id = message::HOOK_FAILED.id, "hook: {message}");
            0
        }
        Err(message) => {
            error!(message_id = message::HOOK_FAILED.id, "hook: {message}");
            // runc puts a failed hook's standard error into its own message.
            let _ = writeln!(std::io::stderr(), "{}", crate::runtime::failure::line(&message));
            1
        }
    }
}
