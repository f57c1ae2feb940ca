//! The parent of jobs where the memory controller is on cgroup v1.

use std::path::PathBuf;

use nix::fcntl::OFlag;

use super::{Make, Parent, ParentError, USUAL, Wish, is_refused, kernel_name, name_of};
use crate::system::cgroup::Cgroup;
use crate::system::cgroup::tree::{Mount, Tree};

pub(super) fn find(tree: &Tree, memory: &Mount, own: &[u8], wish: &Wish) -> Result<Parent, ParentError> {
    let (kernel, make) = match wish {
        Wish::Given(path) => (kernel_name(memory, path)?, Make::Nothing),
        Wish::Policy(kernel) => (kernel.clone(), Make::Missing),
        Wish::Usual if nix::unistd::geteuid().is_root() => (PathBuf::from(USUAL), Make::Missing),
        Wish::Usual => {
            let path = memory.of_process(own).ok_or(ParentError::Nowhere)?;
            let cgroup = Cgroup::open(&path)?;
            if cgroup.file("cgroup.procs", OFlag::O_WRONLY).is_err() {
                return Err(ParentError::Nowhere);
            }
            (name_of(memory, &path), Make::Nothing)
        }
    };
    let mut parent = Parent::new(&kernel);
    parent.memory_v1 = Some(match parent.reach_soon(memory, &kernel, make) {
        Err(error) if error.is_gone() => return Err(ParentError::NotFound(kernel)),
        Err(reason) if is_refused(&reason) => return Err(ParentError::NotDelegated { cgroup: kernel, reason }),
        other => other?,
    });
    // The same name in the other hierarchies, as far as this user may: they end a job, they do not limit it.
    if let Some(mount) = tree.unified() {
        parent.unified = parent.reach_soon(mount, &kernel, Make::Missing).ok();
    }
    let ends = parent.unified.as_ref().is_some_and(|cgroup| cgroup.has("cgroup.kill"));
    if !ends && let Some(mount) = tree.v1("freezer") {
        parent.freezer_v1 = parent.reach(mount, &kernel, Make::Missing).ok();
    }
    Ok(parent)
}
