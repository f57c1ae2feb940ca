//! What an installation would change: an engine's remedies, spliced into the files that they name. Nothing is written here.

mod draft;
mod error;
#[cfg(test)]
mod tests;
mod tombstone;
mod unit;

use std::path::{Path, PathBuf};

use crate::engines::{Engine, Launch, Remedy};
use draft::Draft;
pub use error::PlanError;
pub use unit::next_start;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The installation's name, which its journal has.
    pub name: &'a str,
    /// The path of `oomshim-runc`.
    pub shim: &'a Path,
    /// The systemd unit that starts the engine; `None` where systemd does not.
    pub service: Option<&'a str>,
    /// What of the engine's workloads.
    pub scope: Scope,
    /// The path of `oomshim`, where the engine shall be immune as well.
    pub immune: Option<&'a Path>,
}

/// Which of an engine's workloads go through oomshim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All.
    All,
    /// Docker's build steps alone.
    Builds,
    /// Docker's containers alone.
    Containers,
}

impl Scope {
    /// Whether workloads that a route calls that are in it.
    #[must_use]
    pub fn has(self, workloads: &str) -> bool {
        match self {
            Scope::All => true,
            Scope::Builds => workloads == "build steps",
            Scope::Containers => workloads == "containers",
        }
    }
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
    /// Settings that have to stay when it is taken back and containers have the names in them: the names, which then lead
    /// to the plain runtime.
    pub tombstone: Vec<String>,
}

/// What makes the changes take effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// Nothing: the engine reads its files each time.
    Nothing,
    /// The engine reads its file again.
    Reload,
    /// The engine is started again.
    Restart,
}

/// What an installation would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The installation's name.
    pub name: String,
    /// The engine.
    pub engine: Engine,
    /// How it is started, for the journal.
    pub arguments: Vec<String>,
    /// Links to make: the link, and what it leads to.
    pub links: Vec<(PathBuf, String)>,
    /// The files.
    pub files: Vec<FileChange>,
    /// What is left to a person.
    pub by_hand: Vec<Remedy>,
    /// What then makes it take effect, and what that does to what runs.
    pub effects: Vec<String>,
    /// The same for a program.
    pub needs: Needs,
    /// Whether systemd must read its units again.
    pub has_unit: bool,
}

impl Plan {
    /// A plan that changes nothing.
    #[must_use]
    pub fn empty(name: &str, engine: Engine) -> Plan {
        Plan {
            name: name.to_owned(),
            engine,
            arguments: Vec::new(),
            links: Vec::new(),
            files: Vec::new(),
            by_hand: Vec::new(),
            effects: Vec::new(),
            needs: Needs::Nothing,
            has_unit: false,
        }
    }
}

/// What there is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Planned {
    /// Nothing: with the files as they are, oomshim starts everything that the engine starts.
    Nothing,
    /// Nothing: the engine starts no workloads by itself.
    StartsNothing,
    /// This.
    Changes(Plan),
}

/// Plans the installation for an engine that is started like that.
///
/// # Errors
/// [`PlanError`]
pub fn plan(engine: Engine, launch: &Launch, request: &Request<'_>) -> Result<Planned, PlanError> {
    let next = unit::next_start(launch, request.service);
    let routes = engine.routes(&next, request.shim)?;
    let ours: Vec<_> = routes.iter().filter(|route| request.scope.has(&route.workloads)).collect();
    if ours.is_empty() && request.immune.is_none() {
        return Ok(Planned::StartsNothing);
    }
    let mut draft = Draft::new(engine, &next, request);
    for route in ours.iter().filter(|route| !route.is_oomshim()) {
        draft.add(route)?;
    }
    if let Some(oomshim) = request.immune {
        // Also those that are in no scope: they would inherit it.
        let leak = routes.iter().find(|route| route.leaks_immunity() && !draft.covers(route));
        if let Some(route) = leak {
            return Err(PlanError::WouldLeak(route.warning(engine)));
        }
        draft.protect(oomshim)?;
    }
    draft.finish()
}
