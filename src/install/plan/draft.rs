//! A plan while it is made: one remedy after the other goes into it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{FileChange, Needs, Plan, PlanError, Planned, Request, tombstone, unit};
use crate::engines::{Change, Engine, Launch, Remedy, Route, route};
use crate::fsutil::confined::ConfinedRoot;
use crate::install::splice;

pub(super) struct Draft<'a> {
    launch: &'a Launch,
    request: &'a Request<'a>,
    plan: Plan,
    files: BTreeMap<PathBuf, FileChange>,
    /// The workloads that go through oomshim by it.
    covered: Vec<String>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(engine: Engine, launch: &'a Launch, request: &'a Request<'a>) -> Draft<'a> {
        let arguments = launch.args.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let plan = Plan { arguments, ..Plan::empty(request.name, engine) };
        Draft { launch, request, plan, files: BTreeMap::new(), covered: Vec::new() }
    }

    pub(super) fn covers(&self, route: &Route) -> bool {
        self.covered.iter().any(|workloads| *workloads == route.workloads)
    }

    /// Adds what makes oomshim start the route's workloads.
    pub(super) fn add(&mut self, route: &Route) -> Result<(), PlanError> {
        let (remedy, files) = (&route.remedy, &self.launch.files);
        if files.program(self.request.shim).is_none() {
            return Err(PlanError::NoShim(self.request.shim.to_owned()));
        }
        let Some(links) = links(files, &remedy.commands) else {
            self.plan.by_hand.push(remedy.clone());
            return Ok(());
        };
        let own = route::shim_of(self.launch, self.request.shim, route.starter.flavor()).0;
        match (&remedy.change, self.request.service) {
            (Change::Set { file, lines } | Change::Template { file, lines, .. }, _) => {
                self.settings(file, lines, remedy, tombstone::tombstone(self.plan.engine, route, lines, &own))?;
            }
            (Change::Unit { lines, .. }, Some(service)) => self.drop_in(service, unit::RUNTIME, lines)?,
            (Change::Unit { .. }, None) | (Change::Option(_), _) => {
                self.plan.by_hand.push(remedy.clone());
                return Ok(());
            }
        }
        self.plan.links.extend(links);
        self.covered.push(route.workloads.clone().into_owned());
        if !self.plan.effects.contains(&remedy.effect) {
            self.plan.effects.push(remedy.effect.clone());
        }
        Ok(())
    }

    /// Adds what makes the daemon immune.
    pub(super) fn protect(&mut self, oomshim: &Path) -> Result<(), PlanError> {
        let service = self.request.service.ok_or(PlanError::NoUnit)?;
        self.drop_in(service, unit::IMMUNE, &unit::immunity(oomshim))?;
        if self.plan.has_unit {
            self.plan.effects.push("the daemon is immune from its next start on".to_owned());
        }
        Ok(())
    }

    fn settings(
        &mut self,
        file: &Path,
        lines: &[String],
        remedy: &Remedy,
        tombstone: Vec<String>,
    ) -> Result<(), PlanError> {
        let path = real_path(&self.launch.files, file);
        let change = self.change(file, &path)?;
        let text = std::str::from_utf8(&change.after).map_err(|_| PlanError::NotText(path.clone()))?;
        if let Some(mark) = managed(&path, text) {
            return Err(PlanError::Managed { path, mark, remedy: Box::new(remedy.clone()) });
        }
        let problem = |problem| PlanError::Splice { path: path.clone(), problem, remedy: Box::new(remedy.clone()) };
        change.after = splice::merge(file, text, lines).map_err(problem)?.into_bytes();
        if change.tombstone.is_empty() {
            change.tombstone = tombstone;
        }
        let is_reloaded = matches!(self.plan.engine, Engine::Dockerd | Engine::Crio);
        let needs = match self.plan.engine {
            Engine::Podman => Needs::Nothing,
            _ if is_reloaded => Needs::Reload,
            _ => Needs::Restart,
        };
        self.plan.needs = self.plan.needs.max(needs);
        Ok(())
    }

    fn drop_in(&mut self, service: &str, name: &str, lines: &[String]) -> Result<(), PlanError> {
        let file = unit::path(service, name);
        let path = real_path(&self.launch.files, &file);
        let wanted = unit::text(lines).into_bytes();
        let change = self.change(&file, &path)?;
        if change.before.as_ref().is_some_and(|before| *before != wanted) {
            let change = Change::Unit { unit: service.to_owned(), lines: lines.to_vec() };
            let effect = format!("then restart {service}; {} is there and is not oomshim's", path.display());
            return Err(PlanError::ByHand(Box::new(Remedy { commands: Vec::new(), change, effect })));
        }
        change.after = wanted;
        if change.before.is_none() {
            self.plan.has_unit = true;
            self.plan.needs = Needs::Restart;
        }
        Ok(())
    }

    /// The change of a file, which begins with what it holds.
    fn change(&mut self, file: &Path, path: &Path) -> Result<&mut FileChange, PlanError> {
        let before = self.launch.files.read(file);
        let before = before.map_err(|reason| PlanError::Unreadable { path: path.to_owned(), reason })?;
        Ok(self.files.entry(path.to_owned()).or_insert_with(|| {
            let after = before.clone().unwrap_or_default();
            FileChange { path: path.to_owned(), before, after, tombstone: Vec::new() }
        }))
    }

    pub(super) fn finish(self) -> Result<Planned, PlanError> {
        let Draft { mut plan, files, .. } = self;
        // A template or a drop-in has it, and the engine was not started since.
        plan.files = files.into_values().filter(|change| change.before.as_ref() != Some(&change.after)).collect();
        plan.links.sort();
        plan.links.dedup();
        match (plan.files.is_empty(), plan.by_hand.first()) {
            (true, None) => Ok(Planned::Nothing),
            (true, Some(remedy)) => Err(PlanError::ByHand(Box::new(remedy.clone()))),
            (false, _) => Ok(Planned::Changes(plan)),
        }
    }
}

/// The links that commands make which do not exist yet; `None` where a command does something else.
fn links(files: &ConfinedRoot, commands: &[String]) -> Option<Vec<(PathBuf, String)>> {
    let mut all = Vec::new();
    for command in commands.iter().flat_map(|line| line.split(" && ")) {
        let words: Vec<&str> = command.split(' ').collect();
        match words[..] {
            // What has a link gets its directory as well.
            ["mkdir", "-p", _] => {}
            ["ln", "-s" | "-sfn", target, link] => {
                let path = real_path(files, Path::new(link));
                match std::fs::read_link(&path) {
                    Ok(present) if present == Path::new(target) => {}
                    _ if path.symlink_metadata().is_ok() => return None,
                    _ => all.push((path, target.to_owned())),
                }
            }
            _ => return None,
        }
    }
    Some(all)
}

/// What says that a program writes the file: a line of its first ten, or a store of packages that it is in.
fn managed(path: &Path, text: &str) -> Option<String> {
    const STORES: [&str; 3] = ["/nix/store/", "/gnu/store/", "/ostree/"];
    let shown = path.to_string_lossy();
    if let Some(store) = STORES.iter().find(|store| shown.contains(**store)) {
        return Some((*store).to_owned());
    }
    let says_so = |line: &&str| {
        let line = line.to_ascii_lowercase();
        ["do not edit", "k0s_managed", "ansible managed", "managed by"].iter().any(|mark| line.contains(mark))
    };
    text.trim_start_matches('\u{feff}')
        .lines()
        .take(10)
        .filter(|line| line.trim_start().starts_with('#'))
        .find(says_so)
        .map(|line| line.trim().to_owned())
}

/// The path behind all links as this process names it, also of what does not exist yet.
fn real_path(files: &ConfinedRoot, path: &Path) -> PathBuf {
    let mut missing = Vec::new();
    let mut rest = path;
    loop {
        if let Some(real) = files.real_path(rest) {
            return missing.iter().rev().fold(real, |path: PathBuf, name| path.join(name));
        }
        match (rest.parent(), rest.file_name()) {
            (Some(parent), Some(name)) => {
                missing.push(name.to_owned());
                rest = parent;
            }
            _ => return files.root().join(path.strip_prefix("/").unwrap_or(path)),
        }
    }
}
