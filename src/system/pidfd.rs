//! One process by descriptor: what is done to it is never done to another that got its number. nix has none of these calls.
#![allow(unsafe_code)]

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::Signal;

/// A process, open (`pidfd_open(2)`). It becomes readable when the process ends.
#[derive(Debug)]
pub struct PidFd(OwnedFd);

impl PidFd {
    /// Opens the process that has that number now.
    ///
    /// # Errors
    /// The kernel's; ESRCH where there is none.
    pub fn open(pid: i32) -> Result<PidFd, Errno> {
        // SAFETY: pidfd_open takes two integers and touches no memory of ours.
        let fd = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
        let fd = RawFd::try_from(fd).map_err(|_| Errno::EBADF)?;
        // SAFETY: the kernel just made this descriptor, with FD_CLOEXEC, and nobody else knows it.
        Ok(PidFd(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    pub(super) fn from_owned(fd: OwnedFd) -> PidFd {
        PidFd(fd)
    }

    /// Sends the process a signal.
    ///
    /// # Errors
    /// The kernel's; ESRCH where it has ended and been waited for.
    pub fn send(&self, signal: Signal) -> Result<(), Errno> {
        self.send_number(signal as i32)
    }

    /// Sends the process a signal by its number, which may be a real-time one (`pidfd_send_signal(2)`).
    ///
    /// # Errors
    /// The kernel's.
    pub fn send_number(&self, signal: i32) -> Result<(), Errno> {
        let info = std::ptr::null::<libc::siginfo_t>();
        // SAFETY: a null siginfo asks the kernel to fill it in; the descriptor is open.
        let done = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, self.0.as_raw_fd(), signal, info, 0) };
        Errno::result(done).map(drop)
    }

    /// Frees the private memory of a process that has been killed and does not end (`process_mrelease(2)`, Linux 5.15).
    ///
    /// # Errors
    /// The kernel's: ESRCH where the memory is gone already, EINVAL where the process is not dying, ENOSYS.
    pub fn release_memory(&self) -> Result<(), Errno> {
        // SAFETY: process_mrelease takes a descriptor and flags and touches no memory of ours.
        Errno::result(unsafe { libc::syscall(libc::SYS_process_mrelease, self.0.as_raw_fd(), 0) }).map(drop)
    }
}

impl AsFd for PidFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    #[test]
    fn a_signal_reaches_the_process() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let process = PidFd::open(i32::try_from(child.id()).unwrap()).unwrap();
        assert_eq!(process.release_memory(), Err(Errno::EINVAL), "it is not dying");
        process.send(Signal::SIGKILL).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
        assert_eq!(process.send(Signal::SIGKILL), Err(Errno::ESRCH));
    }

    #[test]
    fn nobody_has_the_number() {
        assert_eq!(PidFd::open(i32::MAX).unwrap_err(), Errno::ESRCH);
    }
}
