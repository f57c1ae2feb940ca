//! `oomshim install` and `oomshim uninstall`: an engine is set up by one command, and as it was by another.

mod check;
mod choose;
mod set_up;
mod show;
mod take_back;

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::Exit;
use crate::engines;
use crate::fsutil::confined::ConfinedRoot;
use crate::install::{PlanError, Scope, Target};

impl clap::ValueEnum for Target {
    fn value_variants<'a>() -> &'a [Target] {
        &Target::ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        let help = match self {
            Target::Buildkitd => "Its build steps; takes effect when buildkitd is restarted",
            Target::Docker => "Its containers, from the next reload on, and docker build, from the next restart on",
            Target::Containerd => "A handler for pods of Kubernetes; takes effect when containerd is restarted",
            Target::Crio => "A handler for pods of Kubernetes; takes effect when crio is reloaded",
            Target::K3s => "A handler for pods; takes effect when k3s is restarted",
            Target::Rke2 => "A handler for pods; takes effect when rke2 is restarted",
            Target::Podman => "Containers and builds of podman and buildah, as root; takes effect at once",
        };
        let value = clap::builder::PossibleValue::new(self.name()).help(help);
        Some(if *self == Target::Crio { value.alias("crio") } else { value })
    }
}

/// Which of docker's workloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Only {
    /// The steps of docker build
    Builds,
    /// Containers of docker run
    Containers,
}

/// The command line of `oomshim install`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "What a file held is kept below /var/lib/oomshim/install, and `oomshim uninstall` puts it back. No engine is \
                        restarted without --restart.\n\nExit status: 0 done, or nothing to do; 1 where something is left to do by hand, with \
                        --dry-run where something would change, and with --check where it does not work; 2 where it was not done: \
                        everything is as it was, or the message says what is not."
)]
#[expect(clippy::struct_excessive_bools, reason = "they are switches of a command line")]
pub struct InstallArgs {
    /// The engines; without one, those that run
    #[arg(value_enum, value_name = "ENGINE")]
    engines: Vec<Target>,
    /// Show the changes as a diff and write nothing
    #[arg(long, alias = "diff")]
    dry_run: bool,
    /// Tell whether it is installed and works: run a container and ask it for its oom_score_adj
    #[arg(long, conflicts_with_all = ["dry_run", "restart"])]
    check: bool,
    /// Ask nothing
    #[arg(long, short)]
    yes: bool,
    /// Reload or restart the engine by systemd, and show that it works; take everything back where it does not
    #[arg(long)]
    restart: bool,
    /// Make the daemon immune as well, by a drop-in of its systemd unit
    #[arg(long)]
    immune: bool,
    /// Only these of docker's workloads
    #[arg(long, value_enum, value_name = "WORKLOADS")]
    only: Option<Only>,
    /// Which one, where several of an engine run
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,
    /// The root of a machine that is mounted elsewhere; its engines are not asked
    #[arg(long, value_name = "DIR", default_value = "/", conflicts_with = "restart")]
    root: PathBuf,
}

/// The command line of `oomshim uninstall`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Containers have the name of their runtime in them. Where some exist, the name stays and leads to the plain \
                        runtime; call it again when they are gone.\n\nExit status: 0 everything is as it was, 1 names were left, 2 \
                        something is left as it is, with the reason."
)]
pub struct UninstallArgs {
    /// The engines
    #[arg(value_enum, required = true, value_name = "ENGINE")]
    engines: Vec<Target>,
    /// Leave no name behind, also where containers need it: they cannot be started or stopped any more
    #[arg(long)]
    force: bool,
    /// Restart the engine by systemd afterwards
    #[arg(long)]
    restart: bool,
    /// The root of a machine that is mounted elsewhere; its engines are not asked
    #[arg(long, value_name = "DIR", default_value = "/", conflicts_with = "restart")]
    root: PathBuf,
}

impl InstallArgs {
    fn scope(&self) -> Scope {
        match self.only {
            None => Scope::All,
            Some(Only::Builds) => Scope::Builds,
            Some(Only::Containers) => Scope::Containers,
        }
    }

    fn is_here(&self) -> bool {
        self.root == Path::new("/")
    }

    /// Where oomshim-runc is on the machine that is set up.
    fn shim(&self) -> PathBuf {
        if self.is_here() {
            return engines::shim_path();
        }
        let files = ConfinedRoot::new(&self.root);
        let usual = ["/usr/local/bin", "/usr/bin"].map(|directory| Path::new(directory).join(engines::SHIM));
        let found = usual.iter().find(|path| files.program(path).is_some());
        found.unwrap_or(&usual[0]).clone()
    }
}

/// Sets the engines up.
///
/// # Errors
/// Where an engine cannot be set up; it is then as it was.
pub fn install(args: &InstallArgs) -> anyhow::Result<Exit> {
    if args.only.is_some() && args.engines != [Target::Docker] {
        anyhow::bail!("--only is for docker: `oomshim install docker --only builds`");
    }
    let Some(instances) = choose::instances(args)? else { return Ok(Exit::Failure) };
    let mut exit = Exit::Success;
    for instance in &instances {
        let done = if args.check { check::one(args, instance) } else { set_up::one(args, instance) };
        let done = done.with_context(|| format!("{} is not set up", instance.target.name()));
        match done {
            Ok(Exit::Success) => {}
            Ok(other) => exit = worse(exit, other),
            Err(error) => match error.downcast_ref::<PlanError>().and_then(PlanError::remedy) {
                // Several lines to be copied, which an error of one line cannot have.
                Some(remedy) => {
                    show::complain(&format!("{error:#}:\n{remedy}"))?;
                    exit = Exit::Failure;
                }
                None => return Err(error),
            },
        }
    }
    Ok(exit)
}

/// The one that says more.
fn worse(one: Exit, other: Exit) -> Exit {
    if one.status() < other.status() { other } else { one }
}

/// Takes the engines' set-up back.
///
/// # Errors
/// Where something cannot be taken back; it is then left as it is.
pub fn uninstall(args: &UninstallArgs) -> anyhow::Result<Exit> {
    let mut exit = Exit::Success;
    for target in &args.engines {
        let done = take_back::all_of(args, *target).with_context(|| format!("{} is left as it is", target.name()));
        if done? == Exit::Findings {
            exit = Exit::Findings;
        }
    }
    Ok(exit)
}
