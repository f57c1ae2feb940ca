//! Removing a cgroup, and nothing that stands at its name since.

use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, openat};
use nix::sys::stat::{Mode, fstat, fstatat};
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::{Cgroup, CgroupError, DEPTH, OPEN};

impl Cgroup {
    /// Removes it and all cgroups below, none of which may have a process left. Nothing to do where it is gone, or where
    /// another one stands at its name.
    ///
    /// # Errors
    /// [`CgroupError`], with EBUSY where there are processes.
    pub fn remove(&self) -> Result<(), CgroupError> {
        self.remove_below(DEPTH)?;
        self.remove_empty()
    }

    /// Whether it is still there, at the path at which it was opened.
    #[must_use]
    pub fn is_there(&self) -> bool {
        let now = nix::sys::stat::lstat(&self.path);
        matches!((now, fstat(&self.directory)), (Ok(now), Ok(then)) if (now.st_dev, now.st_ino) == (then.st_dev, then.st_ino))
    }

    /// Removes it, if no cgroup is below it and no process in it.
    ///
    /// # Errors
    /// [`CgroupError`], with EBUSY where something is.
    pub fn remove_empty(&self) -> Result<(), CgroupError> {
        let Some(name) = self.path.file_name() else { return Err(self.error("remove", "", Errno::EINVAL)) };
        let fail = |errno| self.error("remove", "", errno);
        let parent = match openat(&self.directory, "..", OPEN, Mode::empty()) {
            Err(Errno::ENOENT | Errno::ENODEV) => return Ok(()),
            other => other.map_err(fail)?,
        };
        let id = self.id()?;
        match fstatat(&parent, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(stat) if stat.st_ino == id => {}
            Ok(_) | Err(Errno::ENOENT | Errno::ENODEV) => return Ok(()),
            Err(errno) => return Err(fail(errno)),
        }
        match unlinkat(&parent, name, UnlinkatFlags::RemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(fail(errno)),
        }
    }

    /// The same, unless somebody else has its lock.
    ///
    /// # Errors
    /// [`CgroupError`], with EBUSY where something is in it.
    pub fn remove_unlocked(&self) -> Result<(), CgroupError> {
        match self.lock() {
            Ok(Some(_lock)) => self.remove_empty(),
            Ok(None) => Ok(()),
            Err(error) if error.is_gone() => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn remove_below(&self, depth: usize) -> Result<(), CgroupError> {
        let names = match self.children() {
            Err(error) if error.is_gone() => return Ok(()),
            other => other?,
        };
        for name in names {
            if depth > 0
                && let Ok(child) = self.child(&name)
            {
                child.remove_below(depth - 1)?;
            }
            match unlinkat(&self.directory, Path::new(&name), UnlinkatFlags::RemoveDir) {
                Ok(()) | Err(Errno::ENOENT) => {}
                Err(errno) => return Err(CgroupError::new("remove", &self.path.join(&name), errno)),
            }
        }
        Ok(())
    }
}
