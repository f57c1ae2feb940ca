//! What an installation would change: an engine's remedies, spliced into the files that they name. Nothing is written here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::splice::{self, SpliceError};
use crate::engines::{Change, Engine, EngineError, Launch, Remedy};
use crate::fsutil::confined::ConfinedRoot;
use crate::system::os_error::OsError;

/// Why an engine's configuration is not changed.
#[derive(Debug, Error)]
pub enum PlanError {
    /// What the engine starts cannot be told.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// oomshim is not where the configuration would name it.
    #[error("{} is not installed: run `make install` first", .0.display())]
    NoShim(PathBuf),
    /// The settings cannot be put into the file.
    #[error("{}: {problem}:\n{remedy}", .path.display())]
    Splice {
        /// The file.
        path: PathBuf,
        /// Why not.
        problem: SpliceError,
        /// What a person can do.
        remedy: Box<Remedy>,
    },
    /// It takes more than a file.
    #[error("this is not done here, but by hand:\n{0}")]
    ByHand(Box<Remedy>),
    /// The file says that a program writes it.
    #[error("{} is written by a program ({mark:?}), and a change of it would be lost; there, set:\n{remedy}", .path.display())]
    Managed {
        /// The file.
        path: PathBuf,
        /// Its line that says so.
        mark: String,
        /// What a person can do.
        remedy: Box<Remedy>,
    },
    /// The file cannot be read.
    #[error("cannot read {}: {reason}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: OsError,
    },
    /// The file is not text.
    #[error("{} is not UTF-8", .0.display())]
    NotText(PathBuf),
}

/// A file, before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// The file as this process names it, behind all links.
    pub path: PathBuf,
    /// What it holds; `None` where it does not exist.
    pub before: Option<Vec<u8>>,
    /// What it will hold.
    pub after: Vec<u8>,
}

/// What an installation would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The engine.
    pub engine: Engine,
    /// Links to make: the link, and what it leads to.
    pub links: Vec<(PathBuf, String)>,
    /// The files.
    pub files: Vec<FileChange>,
    /// What then makes it take effect, and what that does to what runs.
    pub effect: String,
}

/// What there is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Planned {
    /// Nothing: oomshim starts everything that the engine starts.
    Nothing,
    /// This.
    Changes(Plan),
}

/// Plans the installation for an engine that is started like that.
///
/// # Errors
/// [`PlanError`]
pub fn plan(engine: Engine, launch: &Launch, shim: &Path) -> Result<Planned, PlanError> {
    let routes = engine.routes(launch, shim)?;
    let remedies: Vec<&Remedy> = routes.iter().filter(|route| !route.is_oomshim()).map(|route| &route.remedy).collect();
    if remedies.is_empty() {
        return Ok(Planned::Nothing);
    }
    if launch.files.program(shim).is_none() {
        return Err(PlanError::NoShim(shim.to_owned()));
    }
    let mut files: BTreeMap<PathBuf, FileChange> = BTreeMap::new();
    let (mut links, mut effects) = (Vec::new(), Vec::new());
    for remedy in remedies {
        let by_hand = || PlanError::ByHand(Box::new(remedy.clone()));
        for command in &remedy.commands {
            let words: Vec<&str> = command.split(' ').collect();
            let ["ln", "-s", target, link] = words[..] else { return Err(by_hand()) };
            links.push((real_path(&launch.files, Path::new(link)), target.to_owned()));
        }
        let Change::Set { file, lines } = &remedy.change else { return Err(by_hand()) };
        let path = real_path(&launch.files, file);
        let before = launch.files.read(file).map_err(|reason| PlanError::Unreadable { path: path.clone(), reason })?;
        let change = files.entry(path.clone()).or_insert_with(|| {
            let after = before.clone().unwrap_or_default();
            FileChange { path: path.clone(), before, after }
        });
        let text = std::str::from_utf8(&change.after).map_err(|_| PlanError::NotText(path.clone()))?;
        if let Some(mark) = managed(text) {
            return Err(PlanError::Managed { path, mark, remedy: Box::new(remedy.clone()) });
        }
        let merged = splice::merge(file, text, lines);
        let problem = |problem| PlanError::Splice { path, problem, remedy: Box::new(remedy.clone()) };
        change.after = merged.map_err(problem)?.into_bytes();
        if !effects.contains(&remedy.effect) {
            effects.push(remedy.effect.clone());
        }
    }
    links.sort();
    links.dedup();
    Ok(Planned::Changes(Plan { engine, links, files: files.into_values().collect(), effect: effects.join("; ") }))
}

/// The line of a file's first ten that says that a program writes it.
fn managed(text: &str) -> Option<String> {
    let says_so = |line: &&str| {
        let line = line.to_ascii_lowercase();
        ["do not edit", "k0s_managed", "ansible managed", "managed by"].iter().any(|mark| line.contains(mark))
    };
    text.lines()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engines::launch::tests::engine;

    const FILE: &str = "/etc/buildkit/buildkitd.toml";
    const SHIM: &str = "/usr/bin/oomshim-runc";

    fn of(files: &[(&str, &str)]) -> Result<Planned, String> {
        let (_root, launch) = engine("buildkitd", files);
        plan(Engine::Buildkitd, &launch, Path::new(SHIM)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_plan_has_the_file_before_and_after() {
        let Ok(Planned::Changes(plan)) = of(&[(FILE, "[worker.oci]\n  gc = true\n")]) else { panic!() };
        let after = format!("[worker.oci]\n  gc = true\n  binary = \"{SHIM}\"\n");
        assert_eq!(plan.files.len(), 1);
        assert!(plan.files[0].path.ends_with("etc/buildkit/buildkitd.toml"));
        assert_eq!(String::from_utf8_lossy(&plan.files[0].after), after);
        assert_eq!(of(&[(FILE, &after)]), Ok(Planned::Nothing));
    }

    #[test]
    fn what_a_program_writes_is_not_changed() {
        let error = of(&[(FILE, "# Ansible managed\n")]).unwrap_err();
        assert!(
            error.contains("# Ansible managed") && error.contains("set in /etc/buildkit/buildkitd.toml:"),
            "{error}"
        );
        let error = of(&[(FILE, "worker = { oci = { gc = true } }\n")]).unwrap_err();
        assert!(error.contains("add them by hand") && error.contains("binary = "), "{error}");
    }

    #[test]
    fn links_are_followed_below_the_root() {
        let (root, launch) = engine("buildkitd", &[("/srv/real.toml", "debug = true\n")]);
        std::fs::create_dir_all(root.path().join("etc/buildkit")).unwrap();
        std::os::unix::fs::symlink("/srv/real.toml", root.path().join("etc/buildkit/buildkitd.toml")).unwrap();
        let Ok(Planned::Changes(plan)) = plan(Engine::Buildkitd, &launch, Path::new(SHIM)) else { panic!() };
        assert_eq!(plan.files[0].path, root.path().canonicalize().unwrap().join("srv/real.toml"));
    }
}
