//! PSI triggers: the kernel wakes the guard when tasks stall for lack of memory. One for the host and one for each
//! directory of jobs; one for each job would cost a kernel thread each, and hold up the removal of its cgroup.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;

/// What is tried, in this order. Without `CAP_SYS_RESOURCE` the kernel takes windows of multiples of 2 s only.
///
/// Each ends in NUL: the kernel overwrites the last byte of what is written to `/proc/pressure/memory`, so that without it a
/// digit would be lost (`psi_write`).
const WANTED: [&[u8]; 3] = [b"full 50000 500000\0", b"full 50000 1000000\0", b"full 150000 2000000\0"];

/// An armed trigger. It is ready with POLLPRI, and with POLLERR for ever when its cgroup was removed.
#[derive(Debug)]
pub struct Trigger {
    fd: OwnedFd,
}

impl Trigger {
    /// Arms a trigger on a pressure file.
    ///
    /// # Errors
    /// ENOENT or EOPNOTSUPP without PSI; EPERM or EACCES for lack of rights.
    pub fn arm(file: &Path) -> Result<Trigger, Errno> {
        let mut last = Errno::EINVAL;
        for wanted in WANTED {
            // A descriptor takes one trigger only: the second write answers EBUSY.
            let fd = open(file, OFlag::O_RDWR | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC, Mode::empty())?;
            match nix::unistd::write(&fd, wanted) {
                Ok(_) => return Ok(Trigger { fd }),
                Err(errno) => last = errno,
            }
        }
        Err(last)
    }
}

impl AsFd for Trigger {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
