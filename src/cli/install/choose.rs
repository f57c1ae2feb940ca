//! Which engines are meant: those that are named, or those that run, after a question.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::bail;

use super::InstallArgs;
use super::show::{print, shown};
use crate::install::target::{self, Instance};

/// The engines that are meant; `None` where the answer to the question is no.
pub(super) fn instances(args: &InstallArgs) -> anyhow::Result<Option<Vec<Instance>>> {
    if !args.engines.is_empty() {
        let named = args.engines.iter().map(|target| target::find(*target, &args.root, args.pid));
        return Ok(Some(named.collect::<Result<_, _>>()?));
    }
    if !args.is_here() {
        bail!("name the engines: with --root none is looked for");
    }
    let (mut found, hidden) = target::all();
    if let Some(pid) = args.pid {
        found.retain(|instance| instance.pid == Some(pid));
    }
    let starts = |instance: &Instance| {
        let routes = instance.target.engine().routes(&instance.launch, &crate::engines::shim_path());
        // What cannot be read is said when it is set up, not passed over.
        routes.is_ok_and(|routes| routes.is_empty())
    };
    found.retain(|instance| !starts(instance));
    for error in hidden {
        print(&format!("{error}\n"))?;
    }
    if found.is_empty() {
        bail!("no engine runs here; name the one to set up");
    }
    for instance in &found {
        let file = instance.target.engine().config_file(&instance.launch);
        let file = file.map_or_else(String::new, |file| format!(", {}", shown(&file)));
        let unit = instance.service.as_ref().map_or_else(String::new, |unit| format!(", {unit}"));
        print(&format!("found {}{file}{unit}\n", instance.shown()))?;
    }
    let asks_nothing = args.yes || args.check || args.dry_run;
    Ok((asks_nothing || yes("Set them up?")?).then_some(found))
}

/// Asks a person.
///
/// # Errors
/// Where there is nobody to ask.
pub(super) fn yes(question: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("there is no terminal to ask on: name the engines, or say --yes");
    }
    print(&format!("{question} [y/N] "))?;
    std::io::stdout().flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}
