//! One engine is set up: planned, written down, written, asked, and where that was said started again and proven.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::super::Exit;
use super::InstallArgs;
use super::choose;
use super::show::{self, by_hand, diff, print, shown};
use crate::engines::Engine;
use crate::install::proof::{self, Effective, Seen};
use crate::install::target::{self, Instance};
use crate::install::{Journal, Lock, Needs, Plan, Planned, Request, plan, podman, restart};
use crate::policy::file;

/// How long a reload may take to be seen, in seconds: dockerd answers nothing to it.
const PATIENCE: u64 = 20;

/// What is asked for.
pub(super) fn request<'a>(
    args: &InstallArgs,
    instance: &'a Instance,
    shim: &'a Path,
    oomshim: &'a Path,
) -> Request<'a> {
    Request {
        name: &instance.name,
        shim,
        service: instance.service.as_deref(),
        scope: args.scope(),
        immune: args.immune.then_some(oomshim),
    }
}

/// Sets it up.
pub(super) fn one(args: &InstallArgs, instance: &Instance) -> anyhow::Result<Exit> {
    let (shim, engine) = (args.shim(), instance.target.engine());
    let oomshim = shim.with_file_name("oomshim");
    let request = request(args, instance, &shim, &oomshim);
    if args.is_here() {
        // A mistake in it would stop every container that now goes through oomshim.
        file::load(std::env::var_os(file::VARIABLE).as_deref()).context("the policy comes first")?;
    }
    let name = &instance.name;
    let work = || plan::plan(engine, &instance.launch, &request);
    if args.dry_run {
        return match work()? {
            Planned::Changes(plan) => print(&diff(&plan)).map(|()| Exit::Findings),
            other => said(name, &other),
        };
    }
    if args.restart && instance.service.is_none() && instance.target.engine() != Engine::Podman {
        return Err(restart::RestartError::NoUnit(instance.shown()).into());
    }
    if !matches!(work()?, Planned::Changes(_)) && !args.restart {
        return said(name, &work()?);
    }
    let all = target::journals(&args.root);
    let _lock = Lock::take(&all)?;
    if !matches!(work()?, Planned::Changes(_)) {
        return said(name, &work()?);
    }
    // What an installation left half done, or an uninstall for containers, makes room for the whole.
    if let Some(name) = Journal::names(&all, name).into_iter().find(|known| known == name) {
        Journal::read(&all, &name)?.undo().context("an installation is there, and cannot be taken back first")?;
    }
    let Planned::Changes(plan) = work()? else { bail!("it changed meanwhile: call it again") };
    if args.restart && !args.yes && !plan.effects.is_empty() {
        print(&format!("{name}: {}\n", plan.effects.join("\n")))?;
        if !choose::yes("Do that?")? {
            return Ok(Exit::Failure);
        }
    }
    let before = if args.is_here() { Effective::of(instance)? } else { Effective::default() };
    let journal = Journal::write(&all, &plan)?;
    let done = journal
        .apply(&plan)
        .map_err(anyhow::Error::from)
        .and_then(|()| asked(args, instance, &request, &before))
        .and_then(|()| if args.restart { started(args, instance, &plan) } else { Ok(Vec::new()) });
    match done {
        Ok(seen) => Ok(done_with(args, &plan, &seen)),
        Err(error) => Err(back(args, instance, &plan, &journal, error)),
    }
}

fn said(name: &str, planned: &Planned) -> anyhow::Result<Exit> {
    let text = match planned {
        Planned::StartsNothing => "it starts no containers by itself: whoever asks it to names the runtime",
        _ => "oomshim starts everything that it starts",
    };
    print(&format!("{name}: {text}\n"))?;
    Ok(Exit::Success)
}

/// Whether it holds now: by the files, as the engine reads them, and where it can be asked by the engine.
fn asked(args: &InstallArgs, instance: &Instance, request: &Request<'_>, before: &Effective) -> anyhow::Result<()> {
    let again = plan::plan(instance.target.engine(), &instance.launch, request);
    if matches!(again, Ok(Planned::Changes(_))) {
        bail!("another file counts more than the one that was written");
    }
    if !args.is_here() {
        return Ok(());
    }
    before.expect_only_ours(&Effective::of(instance)?)?;
    proof::validate(instance)?;
    if instance.target.engine() == Engine::Podman {
        let path = podman::runtime()?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !name.starts_with("oomshim-") {
            bail!("podman still uses {}", path.display());
        }
    }
    Ok(())
}

/// Starts the engine again and shows that it works.
fn started(args: &InstallArgs, instance: &Instance, plan: &Plan) -> anyhow::Result<Vec<Seen>> {
    let now = match plan.needs {
        Needs::Nothing => return prove(args, instance),
        needs => restart::restart(instance, needs, plan.has_unit)?,
    };
    prove(args, &now)
}

/// Proves it; for a while, because an engine that answers may not have read everything yet.
fn prove(args: &InstallArgs, instance: &Instance) -> anyhow::Result<Vec<Seen>> {
    let own = std::env::current_exe().context("find oomshim")?;
    let began = Instant::now();
    loop {
        match proof::prove(instance, &own, args.scope()) {
            Ok(seen) => return Ok(seen),
            Err(error) if began.elapsed() > Duration::from_secs(PATIENCE) => return Err(error.into()),
            Err(_) => std::thread::sleep(Duration::from_secs(1)),
        }
    }
}

/// Takes it back after a failure; gives what to tell.
fn back(
    args: &InstallArgs,
    instance: &Instance,
    plan: &Plan,
    journal: &Journal,
    error: anyhow::Error,
) -> anyhow::Error {
    if let Err(undo) = journal.undo() {
        return anyhow::Error::from(undo).context(format!("it failed ({error:#}), and could not be taken back"));
    }
    if args.restart && plan.needs != Needs::Nothing {
        // A reload takes nothing away (moby `daemon/reload_unix.go`).
        let again = restart::restart(instance, Needs::Restart, plan.has_unit);
        if let Err(failed) = again {
            return anyhow::Error::from(failed)
                .context(format!("it failed ({error:#}); every file is as it was, and it was not started again"));
        }
    }
    error.context("everything is as it was")
}

fn done_with(args: &InstallArgs, plan: &Plan, seen: &[Seen]) -> Exit {
    let names: Vec<String> = plan.files.iter().map(|change| shown(&change.path)).collect();
    let mut text = format!("{}: wrote {}", plan.name, names.join(", "));
    if !args.restart && !plan.effects.is_empty() {
        text.push_str(&format!("; {}", plan.effects.join("; ")));
    }
    text.push('\n');
    if plan.has_unit && !args.restart {
        text.push_str(&format!("{}: run `systemctl daemon-reload` before its restart\n", plan.name));
    }
    for seen in seen {
        text.push_str(&format!("{}: {seen}\n", plan.name));
    }
    text.push_str(&by_hand(plan));
    show::tell(&text);
    if plan.by_hand.is_empty() { Exit::Success } else { Exit::Findings }
}
