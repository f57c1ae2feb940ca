//! The parent of jobs in the unified hierarchy: named, or the caller's own where it was given away.

use std::ffi::OsStr;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

use super::{Make, Parent, ParentError, SUPERVISOR, USUAL, Wish, give_memory, is_refused, kernel_name, name_of};
use crate::system::cgroup::Cgroup;
use crate::system::cgroup::tree::Mount;

pub(super) fn find(mount: &Mount, own: &[u8], wish: &Wish) -> Result<Parent, ParentError> {
    if let Wish::Given(path) = wish {
        let kernel = kernel_name(mount, path)?;
        return given(mount, &kernel, Make::Nothing);
    }
    if let Wish::Policy(kernel) = wish {
        return given(mount, kernel, Make::Missing);
    }
    if let Some(parent) = delegated(mount, own)? {
        return Ok(parent);
    }
    if nix::unistd::geteuid().is_root() {
        given(mount, Path::new(USUAL), Make::Missing)
    } else {
        Err(ParentError::Nowhere)
    }
}

fn given(mount: &Mount, kernel: &Path, make: Make) -> Result<Parent, ParentError> {
    let mut parent = Parent::new(kernel);
    let cgroup = match parent.reach_soon(mount, kernel, make) {
        Err(error) if error.is_gone() => return Err(ParentError::NotFound(kernel.to_owned())),
        Err(reason) if is_refused(&reason) => {
            return Err(ParentError::NotDelegated { cgroup: kernel.to_owned(), reason });
        }
        other => other?,
    };
    prepare(&cgroup, kernel)?;
    parent.unified = Some(cgroup);
    Ok(parent)
}

/// The caller's own cgroup, or the one above it, where systemd or somebody else gave it away.
fn delegated(mount: &Mount, own: &[u8]) -> Result<Option<Parent>, ParentError> {
    let Some(path) = mount.of_process(own) else { return Ok(None) };
    let Ok(own) = Cgroup::open(&path) else { return Ok(None) };
    // The root of what is mounted is nobody's to give away.
    if path == mount.point {
        return Ok(None);
    }
    if let Some(above) = path.parent().filter(|above| *above != mount.point)
        && let Ok(cgroup) = Cgroup::open(above)
        && is_delegated(&cgroup)
    {
        let mut parent = Parent::new(&name_of(mount, above));
        // The unit's own processes are in a cgroup below it (DelegateSubgroup=).
        if prepare(&cgroup, &parent.kernel).is_ok() {
            parent.unified = Some(cgroup);
            return Ok(Some(parent));
        }
    }
    if !is_delegated(&own) {
        return Ok(None);
    }
    let mut parent = Parent::new(&name_of(mount, &path));
    let myself = i32::try_from(std::process::id()).unwrap_or(-1);
    if own.procs()? != [myself] {
        // Somebody else's processes are not moved.
        return if nix::unistd::geteuid().is_root() {
            Ok(None)
        } else {
            Err(ParentError::HasProcesses(parent.kernel.clone()))
        };
    }
    let aside = match own.create(OsStr::new(SUPERVISOR), Mode::S_IRWXU) {
        Err(error) if error.errno == Errno::EEXIST => own.child(OsStr::new(SUPERVISOR))?,
        other => other?,
    };
    aside.enter(0)?;
    parent.moved = Some((Cgroup::open(&path)?, aside));
    prepare(&own, &parent.kernel)?;
    parent.unified = Some(own);
    Ok(Some(parent))
}

/// Whether this user may arrange a cgroup: for root, who may everything, whether systemd says that it leaves it alone.
fn is_delegated(cgroup: &Cgroup) -> bool {
    if nix::unistd::geteuid().is_root() {
        let says = |name| matches!(cgroup.attribute(name), Ok(Some(value)) if value == b"1");
        return says("trusted.delegate") || says("user.delegate");
    }
    ["cgroup.procs", "cgroup.subtree_control"].into_iter().all(|file| cgroup.file(file, OFlag::O_WRONLY).is_ok())
}

/// Lets the cgroup give memory to those below.
fn prepare(cgroup: &Cgroup, kernel: &Path) -> Result<(), ParentError> {
    let has = cgroup.read("cgroup.controllers")?;
    if !has.split(u8::is_ascii_whitespace).any(|word| word == b"memory") {
        return Err(ParentError::NoMemory(kernel.to_owned()));
    }
    match give_memory(cgroup) {
        Ok(()) => Ok(()),
        Err(error) if error.errno == Errno::EBUSY => Err(ParentError::HasProcesses(kernel.to_owned())),
        Err(reason) if is_refused(&reason) => Err(ParentError::NotDelegated { cgroup: kernel.to_owned(), reason }),
        Err(error) => Err(error.into()),
    }
}
