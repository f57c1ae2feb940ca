//! Jobs that nobody supervises any more, because `oomshim run` was killed: ended and removed. A job whose cgroup is locked
//! is never touched.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::parent::USUAL;
use super::place::{END, job_of};
use crate::system::cgroup::tree::Tree;
use crate::system::cgroup::{Cgroup, CgroupError};

/// Ends and removes every abandoned job directly below that cgroup. Gives their cgroups' names, and what failed.
#[must_use]
pub fn clean(parent: &Cgroup) -> Vec<(OsString, Result<(), CgroupError>)> {
    let names = parent.children().unwrap_or_default();
    let jobs = names.into_iter().filter(|name| job_of(name).is_some());
    jobs.filter_map(|name| match clean_one(parent, &name) {
        Ok(true) => Some((name, Ok(()))),
        Ok(false) => None,
        Err(error) => Some((name, Err(error))),
    })
    .collect()
}

/// Ends and removes one job, if nobody supervises it. Gives whether it is gone.
///
/// # Errors
/// [`CgroupError`]
pub fn clean_one(parent: &Cgroup, name: &OsStr) -> Result<bool, CgroupError> {
    let cgroup = match parent.child(name) {
        Err(error) if error.is_gone() => return Ok(true),
        other => other?,
    };
    // Held until the job is gone: two that clean up do not get into each other's way.
    let Some(_lock) = cgroup.lock()? else { return Ok(false) };
    cgroup.end_all(END)?;
    cgroup.remove()?;
    Ok(true)
}

/// The same below each of those cgroups, by the kernel's names of them, in every hierarchy; for the guard, once a minute.
#[must_use]
pub fn clean_below(tree: &Tree, parents: &[PathBuf]) -> Vec<(OsString, Result<(), CgroupError>)> {
    let mut done = Vec::new();
    for path in parents.iter().flat_map(|parent| tree.mounts.iter().filter_map(|mount| mount.path_of(parent))) {
        let Ok(parent) = Cgroup::open(&path) else { continue };
        let cleaned = clean(&parent);
        // The usual parent goes with the last job below it.
        if !cleaned.is_empty() && parents.iter().any(|it| it == Path::new(USUAL) && path.ends_with(&USUAL[1..])) {
            let _ = parent.remove_unlocked();
        }
        done.extend(cleaned);
    }
    done
}
