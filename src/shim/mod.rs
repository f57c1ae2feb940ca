//! What `oomshim-runc` does before it becomes the runtime, from top to bottom: [`prepare`].

mod create;
mod error;
mod exec;
mod known;
mod refusal;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

pub use error::{ShimError, Unprotected};
pub use refusal::{Refusal, could_not_start};

use crate::log::{self, Level, Log, LogTo};
use crate::policy::file::{self, Loaded, PolicyError};
use crate::policy::{self, Policy};
use crate::registry;
use crate::runtime::argv::{self, CommandLine};
use crate::runtime::flavor::{Flavor, Subcommand};
use crate::runtime::locate::{self, Configured, Located, SelfExe};
use crate::system::capabilities;
use crate::system::host::Roots;
use crate::system::oom_score_adj::OomScoreAdj;
use crate::system::own_score::{OwnScore, OwnScoreError};
use known::Known;
use refusal::refusal;

/// What the process was given besides its arguments.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Where the kernel's file systems are.
    pub roots: Roots,
    /// Below which the directory of [`crate::registry`] is.
    pub run: PathBuf,
    /// `OOMSHIM_POLICY`
    pub policy: Option<OsString>,
    /// `PATH`
    pub path: Option<OsString>,
    /// `XDG_RUNTIME_DIR`
    pub runtime_dir: Option<OsString>,
    /// Whether this process was here before.
    pub round: Round,
}

/// Whether a process was here before: what it became then was no runtime, or a wrapper that found oomshim as one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Round {
    /// It comes from an engine.
    #[default]
    First,
    /// It comes from oomshim itself.
    Again,
}

impl Environment {
    /// This process's.
    #[must_use]
    pub fn of_process() -> Self {
        let roots = Roots::default();
        let runtime_dir = std::env::var_os("XDG_RUNTIME_DIR");
        let user = runtime_dir.as_deref().filter(|directory| !directory.is_empty());
        // What a rootless engine starts is recorded where its user may write.
        let run = user.filter(|_| is_rootless(&roots)).map_or(Path::new(registry::ROOT), Path::new).to_owned();
        let round = if crate::system::exec::was_marked() { Round::Again } else { Round::First };
        let [policy, path] = [file::VARIABLE, "PATH"].map(std::env::var_os);
        Environment { roots, run, policy, path, runtime_dir, round }
    }
}

/// Whether runtimes take this process for a rootless one.
fn is_rootless(roots: &Roots) -> bool {
    !geteuid().is_root() || !capabilities::in_initial_user_namespace(&roots.proc)
}

/// How it ends.
#[derive(Debug)]
pub enum Ending<'a> {
    /// Become this runtime.
    Exec(Start),
    /// Start nothing.
    Refuse(Refusal<'a>),
}

/// The runtime to become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Its path.
    pub runtime: PathBuf,
    /// How it reads its command line.
    pub flavor: Flavor,
}

/// Does everything that is to be done before the runtime runs. `args` begins with the program's own name.
#[must_use]
pub fn prepare<'a>(args: &[&'a OsStr], environment: &Environment) -> Ending<'a> {
    let (name, rest) = args.split_first().map_or((OsStr::new(""), &[][..]), |(name, rest)| (*name, rest));
    let refuse = |flavor: Flavor, error: &ShimError| Ending::Refuse(refusal(&argv::parse(flavor, rest), error));
    // Where the runtime is not known yet, its command line is read as the name suggests that oomshim was called by.
    let unknown = Flavor::of_runtime(name);
    if environment.round == Round::Again {
        log::start(&Log { to: LogTo::Journald, level: Level::Error });
        return refuse(unknown, &ShimError::Loop);
    }
    let known = known::find(rest, environment);
    let own = SelfExe::of(&environment.roots.proc);
    if let Ok(Some(known)) = &known
        && known.subcommand != Subcommand::Exec
        && let Some(maker) = known.maker.locate(&own)
    {
        // The runtime that made the container can do all of this to it, whatever the policy says by now.
        return Ending::Exec(Start { runtime: maker.path, flavor: maker.flavor });
    }
    let loaded = file::load(environment.policy.as_deref());
    // Without a policy nobody has said where records go, and the journal is where people look.
    let journal = Log { to: LogTo::Journald, level: Level::Error };
    log::start(loaded.as_ref().map_or(&journal, |loaded| &loaded.policy.log));
    let located = match known.map_err(ShimError::Registry).and_then(|known| {
        let located = locate_runtime(known.as_ref(), &loaded, name, environment, &own)?;
        Ok((located, known))
    }) {
        Ok(located) => located,
        Err(error) => return refuse(configured(&loaded).flavor().unwrap_or(unknown), &error),
    };
    let (runtime, known) = located;
    let line = argv::parse(runtime.flavor, rest);
    match act(&line, rest, &runtime, known.as_ref(), &loaded, environment) {
        Ok(()) => Ending::Exec(Start { runtime: runtime.path, flavor: runtime.flavor }),
        Err(error) => Ending::Refuse(refusal(&line, &error)),
    }
}

/// What the policy says about the runtime; a malformed one may still do.
fn configured(loaded: &Result<Loaded, PolicyError>) -> Configured<'_> {
    match loaded {
        Ok(loaded) => loaded.policy.configured_runtime(),
        Err(error) => error.runtime(),
    }
}

/// The runtime to become: the one that made the container, or else the one that the policy names.
fn locate_runtime(
    known: Option<&Known>,
    loaded: &Result<Loaded, PolicyError>,
    name: &OsStr,
    environment: &Environment,
    own: &SelfExe,
) -> Result<Located, ShimError> {
    if let Some(maker) = known.and_then(|known| known.maker.locate(own)) {
        return Ok(maker);
    }
    let by_policy = || match loaded {
        // What it says about the runtime cannot be known. Another runtime would answer that there is no such container,
        // which engines take for a success.
        Err(error) if !matches!(error, PolicyError::Malformed { .. }) => {
            Err(ShimError::UnreadablePolicy(error.clone()))
        }
        _ => {
            let path = environment.path.as_deref();
            locate::locate(configured(loaded), name, path, own).map_err(ShimError::Locate)
        }
    };
    match known {
        None => by_policy(),
        // Another runtime of its family reads its state; one of another family would say that there is no container.
        Some(known) => {
            let same = by_policy().ok().filter(|located| located.flavor == known.maker.flavor);
            same.ok_or_else(|| ShimError::MakerGone(known.maker.path.clone(), known.maker.flavor))
        }
    }
}

/// Does what is to be done for that command line.
fn act(
    line: &CommandLine<'_>,
    rest: &[&OsStr],
    runtime: &Located,
    known: Option<&Known>,
    loaded: &Result<Loaded, PolicyError>,
    environment: &Environment,
) -> Result<(), ShimError> {
    let policy = loaded.as_ref().map(|loaded| &loaded.policy);
    // A container is started by a right policy only; what is started in it goes by what can be known.
    let right = || policy.map_err(|error| ShimError::WrongPolicy(error.clone()));
    let built_in = policy::built_in();
    let lenient = policy.unwrap_or(&built_in);
    match line {
        CommandLine::Container(it) if it.subcommand.creates() => create::create(it, runtime, right()?, environment),
        CommandLine::Container(it) if it.subcommand == Subcommand::Exec => {
            exec::enter(it, runtime.flavor, known, lenient, environment)
        }
        CommandLine::Container(_) | CommandLine::Other => Ok(()),
        CommandLine::Unrecognized { subcommand, why, .. } => {
            let why = Unprotected::Line(runtime.flavor, why.clone());
            let may_be = |wanted: fn(Subcommand) -> bool| match subcommand {
                Some(subcommand) => wanted(*subcommand),
                None => rest.iter().any(|arg| Subcommand::named(arg).is_some_and(wanted)),
            };
            // Where not even the subcommand is clear, a wrong policy must not keep anybody from stopping a container.
            if may_be(Subcommand::creates) && (subcommand.is_some() || policy.is_ok()) {
                create::unedited(right()?, environment, None, why, None)
            } else if may_be(|it| it == Subcommand::Exec || it.creates()) {
                exec::unreadable(lenient, environment, why)
            } else {
                // It stops or shows a container, and that works with any policy.
                Ok(())
            }
        }
    }
}

/// Raises this process's own `oom_score_adj`, which what it becomes inherits, to that one; whether it was lower.
fn raise_own(oom_score_adj: OomScoreAdj, environment: &Environment) -> Result<bool, OwnScoreError> {
    OwnScore::read(&environment.roots.proc)?.raise(oom_score_adj)
}

/// The score of the default class; 0 where containers are kept as they are, because nothing of them is to be immune.
fn default_score(policy: &Policy) -> OomScoreAdj {
    policy.resolve(&policy.default).map_or(OomScoreAdj::ZERO, |class| class.oom_score_adj)
}
