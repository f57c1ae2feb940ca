//! What was installed is taken back; names that containers need stay until the last of them is gone.

use std::ffi::OsString;
use std::path::Path;

use super::super::Exit;
use super::UninstallArgs;
use super::show::{shown, tell};
use crate::engines::{Engine, Launch};
use crate::fsutil::confined::ConfinedRoot;
use crate::install::target::{self, Instance, Target};
use crate::install::{Journal, Lock, Needs, Undone, pins, podman, restart};
use crate::text::escape;

/// Takes back every installation of that kind.
pub(super) fn all_of(args: &UninstallArgs, target: Target) -> anyhow::Result<Exit> {
    let all = target::journals(&args.root);
    // Without a lock first, which would make the directory.
    if Journal::names(&all, target.name()).is_empty() {
        Journal::read(&all, target.name())?;
    }
    let _lock = Lock::take(&all)?;
    let names = Journal::names(&all, target.name());
    let mut exit = Exit::Success;
    for name in names {
        if one(args, target, Journal::read(&all, &name)?)? == Exit::Findings {
            exit = Exit::Findings;
        }
    }
    Ok(exit)
}

fn one(args: &UninstallArgs, target: Target, journal: Journal) -> anyhow::Result<Exit> {
    let (name, has_unit) = (journal.name().to_owned(), journal.has_unit());
    let is_here = args.root == Path::new("/");
    let files = ConfinedRoot::new(&args.root);
    let arguments: Vec<OsString> = journal.arguments().iter().map(OsString::from).collect();
    let launch = Launch { args: arguments, ..Launch::by_root(target.engine().name(), files) };
    let needed = if args.force { Vec::new() } else { pins::pins(target, &launch)? };
    let (done, exit) = if needed.is_empty() {
        (journal.undo()?, Exit::Success)
    } else {
        let settings = if target == Target::Podman && is_here {
            Some(podman::remainder(&podman::containers_of_oomshim()?, &launch)?)
        } else {
            None
        };
        (journal.leave(settings.as_deref())?, Exit::Findings)
    };
    for (path, undone) in done {
        let what = match undone {
            Undone::Restored => "is as it was",
            Undone::Removed => "is removed",
            Undone::TakenOut => "was changed by others since; oomshim's part is taken out",
            Undone::AsBefore => "was as before already",
            Undone::Left => "has only the runtime's name, which leads to the plain runtime",
        };
        tell(&format!("{name}: {} {what}\n", shown(&path)));
    }
    if !needed.is_empty() {
        tell(&format!(
            "{name}: containers need the name: {}. When they are gone, run `oomshim uninstall {}` again\n",
            escape::text(&pins::shown(&needed)),
            target.name()
        ));
    }
    if args.restart {
        again(target, &name, has_unit)?;
    } else if let Some(text) = then(target, has_unit, exit) {
        tell(&format!("{name}: {text}\n"));
    }
    Ok(exit)
}

fn again(target: Target, name: &str, has_unit: bool) -> anyhow::Result<()> {
    let is_it = |instance: &Instance| instance.pid.is_some() && instance.name == name;
    let Some(instance) = target::all().0.into_iter().find(is_it) else { return Ok(()) };
    let needs = if target.engine() == Engine::Crio { Needs::Reload } else { Needs::Restart };
    restart::restart(&instance, needs, has_unit)?;
    tell(&format!("{name}: restarted\n"));
    Ok(())
}

/// What makes it take effect.
fn then(target: Target, has_unit: bool, exit: Exit) -> Option<String> {
    let units = if has_unit { "`systemctl daemon-reload`, then " } else { "" };
    let text = match target {
        Target::Podman => return None,
        Target::Buildkitd => {
            "restart it; until then its steps go through oomshim. A daemon with a low oom_score_adj hands that on to its steps \
             from then on"
        }
        Target::Docker if exit == Exit::Findings && !has_unit => "`systemctl reload docker`",
        // moby `daemon/reload_unix.go`
        Target::Docker => {
            "restart it: a reload takes no runtime away, and until then new containers go through oomshim"
        }
        Target::Crio => "`systemctl reload crio`",
        Target::Containerd | Target::K3s | Target::Rke2 => "restart it; until then pods may still choose the handler",
    };
    Some(format!("{units}{text}"))
}
