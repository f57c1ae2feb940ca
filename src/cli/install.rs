//! `oomshim install` and `oomshim uninstall`: an engine is set up by one command, and as it was by another.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use similar::TextDiff;

use super::Exit;
use crate::doctor::Snapshot;
use crate::engines::{self, Engine, Launch};
use crate::fsutil::confined::ConfinedRoot;
use crate::install::{self, Journal, Plan, Planned, Undone, journal, podman};
use crate::policy::file;
use crate::text::escape;

/// An engine that can be set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Target {
    /// Its OCI worker's steps; takes effect when buildkitd is restarted
    Buildkitd,
    /// Containers and builds of podman and buildah, as root; takes effect at once
    Podman,
}

impl Target {
    fn engine(self) -> Engine {
        match self {
            Target::Buildkitd => Engine::Buildkitd,
            Target::Podman => Engine::Podman,
        }
    }
}

/// The command line of `oomshim install`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "What a file held is kept below /var/lib/oomshim/install, and `oomshim uninstall` puts it back. No engine is \
                        restarted.\n\nExit status: 0 done, or nothing to do; 1 with --check or --dry-run, where something would \
                        change; 2 where it was not done, and nothing is changed."
)]
pub struct InstallArgs {
    /// The engines
    #[arg(value_enum, required = true, value_name = "ENGINE")]
    engines: Vec<Target>,
    /// Show the changes as a diff and write nothing
    #[arg(long, alias = "diff")]
    dry_run: bool,
    /// Only tell whether oomshim starts what the engine starts
    #[arg(long, conflicts_with = "dry_run")]
    check: bool,
    /// The root of a machine that is mounted elsewhere; its engines are not asked
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
}

/// The command line of `oomshim uninstall`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Where containers of podman still need the name of their runtime, the name stays and leads to the plain \
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
    /// The root of a machine that is mounted elsewhere; its engines are not asked
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
}

/// Sets the engines up.
///
/// # Errors
/// Where an engine cannot be set up; it is then as it was.
pub fn install(args: &InstallArgs) -> anyhow::Result<Exit> {
    let mut exit = Exit::Success;
    for target in &args.engines {
        let engine = target.engine();
        let one = || install_one(args, engine).with_context(|| format!("{} is not set up", engine.name()));
        if one()? == Exit::Findings {
            exit = Exit::Findings;
        }
    }
    Ok(exit)
}

fn install_one(args: &InstallArgs, engine: Engine) -> anyhow::Result<Exit> {
    let (shim, all) = (engines::shim_path(), journals(&args.root));
    let launch = launch(engine, &args.root)?;
    if launch.find_program(engine.name().as_ref()).is_none() && launch.program.is_none() {
        bail!("{} is not in PATH and does not run", engine.name());
    }
    if args.root == Path::new("/") {
        // A mistake in it would stop every container that now goes through oomshim.
        file::load(std::env::var_os(file::VARIABLE).as_deref()).context("the policy comes first")?;
    }
    let plan = match install::plan::plan(engine, &launch, &shim)? {
        Planned::Nothing => {
            super::print(&format!("{}: oomshim starts everything that it starts\n", engine.name()))?;
            return Ok(Exit::Success);
        }
        Planned::Changes(plan) => plan,
    };
    if args.check || args.dry_run {
        let text = if args.check { format!("{}: not set up\n", engine.name()) } else { diff(&plan) };
        super::print(&text)?;
        return Ok(Exit::Findings);
    }
    let (plan, journal) = match Journal::read(&all, engine) {
        // What an uninstall left for containers makes room for the whole again.
        Ok(journal) if journal.is_remainder() => {
            journal.undo()?;
            let Planned::Changes(plan) = install::plan::plan(engine, &launch, &shim)? else {
                bail!("it changed meanwhile")
            };
            let journal = Journal::write(&all, &plan)?;
            (plan, journal)
        }
        _ => {
            let journal = Journal::write(&all, &plan)?;
            (plan, journal)
        }
    };
    let proven =
        journal.apply(&plan).map_err(anyhow::Error::from).and_then(|()| prove(engine, &launch, &shim, &args.root));
    if let Err(error) = proven {
        journal.undo().with_context(|| format!("it failed ({error:#}), and could not be taken back"))?;
        return Err(error.context("everything is as it was"));
    }
    let names: Vec<String> = plan.files.iter().map(|change| shown(&change.path)).collect();
    super::print(&format!("{}: wrote {}; {}\n", engine.name(), names.join(", "), plan.effect))?;
    Ok(Exit::Success)
}

/// Whether it holds now: by the files, as the engine reads them, and where it can be asked by the engine.
fn prove(engine: Engine, launch: &Launch, shim: &Path, root: &Path) -> anyhow::Result<()> {
    if install::plan::plan(engine, launch, shim)? != Planned::Nothing {
        bail!("another file counts more than the one that was written");
    }
    if engine == Engine::Podman && root == Path::new("/") {
        let path = podman::runtime()?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !name.starts_with("oomshim-") {
            bail!("podman still uses {}", path.display());
        }
    }
    Ok(())
}

/// Takes the engines' set-up back.
///
/// # Errors
/// Where something cannot be taken back; it is then left as it is.
pub fn uninstall(args: &UninstallArgs) -> anyhow::Result<Exit> {
    let mut exit = Exit::Success;
    for target in &args.engines {
        let engine = target.engine();
        let one = || uninstall_one(args, engine).with_context(|| format!("{} is left as it is", engine.name()));
        if one()? == Exit::Findings {
            exit = Exit::Findings;
        }
    }
    Ok(exit)
}

fn uninstall_one(args: &UninstallArgs, engine: Engine) -> anyhow::Result<Exit> {
    let journal = Journal::read(&journals(&args.root), engine)?;
    if engine == Engine::Podman && args.root == Path::new("/") && !args.force {
        let containers = podman::containers_of_oomshim()?;
        if !containers.is_empty() {
            let names = podman::remainder(&containers, &Launch::by_root("podman", ConfinedRoot::new("/")))?;
            let path = journal.leave(&names)?;
            let ids: Vec<&str> = containers.iter().map(|container| container.name.as_str()).collect();
            super::print(&format!(
                "podman: new containers go to the plain runtime. {} stays, with the names that these need: {}. When they are gone, \
                 run `oomshim uninstall podman` again\n",
                shown(&path),
                escape::text(&ids.join(", "))
            ))?;
            return Ok(Exit::Findings);
        }
    }
    for (path, undone) in journal.undo()? {
        let what = match undone {
            Undone::Restored => "is as it was",
            Undone::Removed => "is removed",
            Undone::TakenOut => "was changed by others since; oomshim's part is taken out",
            Undone::AsBefore => "was as before already",
        };
        super::print(&format!("{}: {} {what}\n", engine.name(), shown(&path)))?;
    }
    if engine == Engine::Buildkitd {
        super::print(
            "buildkitd: restart it; until then its steps go through oomshim. A daemon with a low oom_score_adj hands that on to its steps from then on\n",
        )?;
    }
    Ok(Exit::Success)
}

/// How the engine was started: the one that runs, or as root would start it.
fn launch(engine: Engine, root: &Path) -> anyhow::Result<Launch> {
    let files = ConfinedRoot::new(root);
    if root != Path::new("/") || engine == Engine::Podman {
        return Ok(Launch::by_root(engine.name(), files));
    }
    let snapshot = Snapshot::take();
    let running: Vec<_> = snapshot.engines.iter().filter(|running| running.engine == engine).collect();
    match running[..] {
        [] => Ok(Launch::by_root(engine.name(), files)),
        [running] => {
            let launch = running.launch.clone().with_context(|| running.name())?;
            let of = |path: &Path| std::fs::metadata(path).map(|root| (root.dev(), root.ino()));
            if of(launch.files.root())? != of(root)? {
                bail!("{} has a root file system of its own; call it with --root", running.name());
            }
            let directory = launch.files.directory().to_owned();
            Ok(Launch { files: files.in_directory(directory), ..launch })
        }
        _ => {
            let names: Vec<String> = running.iter().map(|running| running.name()).collect();
            bail!("several run, and it is not known which is meant: {}", names.join(", "))
        }
    }
}

fn journals(root: &Path) -> PathBuf {
    root.join(journal::DIRECTORY.trim_start_matches('/'))
}

/// The plan for people.
fn diff(plan: &Plan) -> String {
    let mut text = String::new();
    for (link, target) in &plan.links {
        text.push_str(&format!("link {} -> {}\n", shown(link), escape::text(target)));
    }
    for change in &plan.files {
        let before = String::from_utf8_lossy(change.before.as_deref().unwrap_or_default());
        let after = String::from_utf8_lossy(&change.after);
        let (path, empty) = (shown(&change.path), "/dev/null".to_owned());
        let old = if change.before.is_some() { &path } else { &empty };
        text.push_str(&TextDiff::from_lines(&*before, &*after).unified_diff().header(old, &path).to_string());
    }
    text.push_str(&format!("# {}\n", plan.effect));
    text
}

fn shown(path: &Path) -> String {
    escape::bytes(path.as_os_str().as_encoded_bytes())
}
