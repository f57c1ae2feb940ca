//! Giving processes an oom_score_adj: this one, which becomes a daemon, or ones that already run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::system::host::Roots;
use crate::system::oom_group::{self, OomGroupError};
use crate::system::oom_score_adj::OomScoreAdj;
use crate::system::process::{Namespace, Process, ProcessError};

/// Why a process did not get what it was to get.
#[derive(Debug, Error)]
pub enum ProtectError {
    /// The process could not be read or written.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A `memory.oom.group` could not be read or cleared.
    #[error(transparent)]
    OomGroup(#[from] OomGroupError),
    /// The list of processes could not be read.
    #[error("cannot list {}: {reason}", .path.display())]
    List {
        /// The proc file system.
        path: PathBuf,
        /// The kernel's answer.
        reason: crate::system::os_error::OsError,
    },
}

/// What a process has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Got {
    /// The process; `None` for this one.
    pub pid: Option<u32>,
    /// The oom_score_adj that was requested.
    pub wanted: OomScoreAdj,
    /// The one that the process has.
    pub score: OomScoreAdj,
}

impl Got {
    /// Whether the process has the one that was requested.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.score == self.wanted
    }
}

/// Gives this process that oom_score_adj, or the nearest one that it may have.
///
/// # Errors
/// [`ProcessError`]
pub fn protect_self(proc: &Path, wanted: OomScoreAdj) -> Result<Got, ProcessError> {
    let score = Process::own(proc)?.set_score_or_floor(wanted)?;
    Ok(Got { pid: None, wanted, score })
}

/// Which processes are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The process alone.
    Process,
    /// Its descendants too.
    Tree,
}

/// What became of a process and its descendants.
#[derive(Debug, Default)]
pub struct Protected {
    /// The processes that were given one.
    pub done: Vec<Got>,
    /// Descendants in another PID or mount namespace: containers, which are the ones that shall die first.
    pub containers: Vec<u32>,
}

/// Gives the process that oom_score_adj, and for [`Extent::Tree`] its descendants too, except for containers.
///
/// A daemon may start children meanwhile; they inherit from their parents, which come first.
///
/// # Errors
/// [`ProtectError`] for the process itself. A descendant that ends meanwhile is passed over.
pub fn protect_pid(proc: &Path, pid: u32, extent: Extent, wanted: OomScoreAdj) -> Result<Protected, ProtectError> {
    let root = Process::open(proc, pid)?;
    let namespaces = |process: &Process| Ok((process.namespace(Namespace::Pid)?, process.namespace(Namespace::Mount)?));
    let own = namespaces(&root)?;
    let mut result = Protected::default();
    result.done.push(Got { pid: Some(pid), wanted, score: root.set_score_or_floor(wanted)? });
    let children = if extent == Extent::Tree { children(proc)? } else { BTreeMap::new() };
    let mut waiting: Vec<u32> = children.get(&pid).cloned().unwrap_or_default();
    while let Some(pid) = waiting.pop() {
        let give = || {
            let process = Process::open(proc, pid)?;
            // A container may share the PID namespace (`--pid=host`), but hardly a root file system.
            if namespaces(&process)? != own {
                return Ok(None);
            }
            process.set_score_or_floor(wanted).map(Some)
        };
        match give() {
            Ok(Some(score)) => {
                result.done.push(Got { pid: Some(pid), wanted, score });
                waiting.extend(children.get(&pid).into_iter().flatten());
            }
            // What a container started is the container's.
            Ok(None) => result.containers.push(pid),
            Err(error) if error.is_gone() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(result)
}

/// Clears `memory.oom.group` on the cgroup of a process (`None`: this one) and on all above it up to the root of this
/// process's cgroup namespace, and gives the files that were cleared. A step in a cgroup of its own then takes nothing
/// else along.
///
/// # Errors
/// [`ProtectError`]; what was cleared before stays cleared.
pub fn ungroup(roots: &Roots, pid: Option<u32>) -> Result<Vec<PathBuf>, ProtectError> {
    let process = pid.map_or_else(|| Process::own(&roots.proc), |pid| Process::open(&roots.proc, pid))?;
    let flagged = oom_group::flagged(&roots.cgroup, &process.cgroups()?)?;
    for path in &flagged {
        oom_group::clear(path)?;
    }
    Ok(flagged)
}

/// The children of every process.
fn children(proc: &Path) -> Result<BTreeMap<u32, Vec<u32>>, ProtectError> {
    let error = |error: std::io::Error| ProtectError::List { path: proc.to_owned(), reason: error.into() };
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in std::fs::read_dir(proc).map_err(error)? {
        let name = entry.map_err(error)?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // It may have ended since it was listed.
        let Ok(parent) = Process::open(proc, pid).and_then(|process| process.parent()) else { continue };
        children.entry(parent).or_default().push(pid);
    }
    Ok(children)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command, Stdio};

    fn score(number: i64) -> OomScoreAdj {
        OomScoreAdj::new(number).unwrap()
    }

    struct Running(Child);

    impl Drop for Running {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[test]
    fn a_tree_is_raised_and_says_so() {
        let script = "sleep 60 & echo ready; wait";
        let mut shell = Running(Command::new("sh").args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap());
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(shell.0.stdout.take().unwrap()), &mut line).unwrap();
        let pid = shell.0.id();
        let proc = Path::new("/proc");
        let alone = protect_pid(proc, pid, Extent::Process, score(300)).unwrap();
        assert_eq!(alone.done, [Got { pid: Some(pid), wanted: score(300), score: score(300) }]);
        let tree = protect_pid(proc, pid, Extent::Tree, score(400)).unwrap();
        assert_eq!(tree.done.len(), 2, "{tree:?}");
        let child = tree.done[1].pid.unwrap();
        assert_eq!(Process::open(proc, child).unwrap().score().unwrap(), score(400));
        let child = nix::unistd::Pid::from_raw(i32::try_from(child).unwrap());
        nix::sys::signal::kill(child, nix::sys::signal::Signal::SIGKILL).unwrap();
    }

    #[test]
    fn a_process_that_is_not_there_is_an_error() {
        let error = protect_pid(Path::new("/proc"), u32::MAX, Extent::Tree, score(0)).unwrap_err();
        assert!(error.to_string().contains("/proc/4294967295"), "{error}");
    }
}
