//! The lock of a cgroup's directory.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, openat};
use nix::sys::stat::Mode;

use super::{Cgroup, CgroupError, OPEN};

impl Cgroup {
    /// Takes the lock of the cgroup's directory, for as long as any copy of this descriptor is open. `None` where
    /// somebody else has it.
    ///
    /// # Errors
    /// [`CgroupError`].
    pub fn lock(&self) -> Result<Option<Lock>, CgroupError> {
        let fail = |errno| self.error("lock", "", errno);
        let fd = openat(&self.directory, ".", OPEN, Mode::empty()).map_err(fail)?;
        match Flock::lock(fd, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(Some(Lock(lock))),
            Err((_, Errno::EWOULDBLOCK)) => Ok(None),
            Err((_, errno)) => Err(fail(errno)),
        }
    }
}

/// The lock of a cgroup's directory, given back when it is dropped.
#[derive(Debug)]
pub struct Lock(Flock<OwnedFd>);

impl AsFd for Lock {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
