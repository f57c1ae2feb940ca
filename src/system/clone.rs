//! Children that are born where they belong: in a cgroup and in namespaces of their own (`clone3(2)`), and how they end.
//! nix has no clone3, and its waitid knows no real-time signals.
#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::libc;
use nix::sched::CloneFlags;
use thiserror::Error;

use super::os_error::OsError;
use super::pidfd::PidFd;

/// `CLONE_INTO_CGROUP` (linux/sched.h, Linux 5.7); it does not fit nix's flags.
const INTO_CGROUP: u64 = 0x2_0000_0000;

/// Why there is no child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CloneError {
    /// In a child of a process with threads only some calls are allowed, and none of ours is written for that.
    #[error("this process has threads already")]
    Threads,
    /// The kernel refuses.
    #[error("cannot start a process: {}", OsError(*.0))]
    Kernel(Errno),
}

/// Which of the two processes goes on.
#[derive(Debug)]
pub enum Side {
    /// The caller, with its new child.
    Parent(Child),
    /// The child.
    Child,
}

/// A child of this process.
#[derive(Debug)]
pub struct Child {
    /// Its PID.
    pub pid: i32,
    /// The child itself; readable when it has ended.
    pub fd: PidFd,
}

/// What became of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateChange {
    /// It ended with that status.
    Exited(i32),
    /// That signal ended it.
    Killed(i32),
    /// That signal stopped it.
    Stopped(i32),
    /// It goes on.
    Continued,
}

/// Splits this process in two. The child has the given new namespaces, and begins its life in that cgroup of the unified
/// hierarchy: there is no moment at which it is anywhere else.
///
/// # Errors
/// [`CloneError`]
pub fn clone_process(namespaces: CloneFlags, cgroup: Option<BorrowedFd<'_>>) -> Result<Side, CloneError> {
    let threads = std::fs::read_dir("/proc/self/task").map_err(|error| CloneError::Kernel(OsError::from(error).0))?;
    if threads.count() != 1 {
        return Err(CloneError::Threads);
    }
    let mut pidfd: RawFd = -1;
    let flags = u64::try_from(namespaces.bits()).unwrap_or(0) | libc::CLONE_PIDFD as u64;
    // SAFETY: all zero is a valid clone_args: no stack of its own, no thread-local storage, nothing to write.
    let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
    args.flags = flags;
    args.pidfd = std::ptr::from_mut(&mut pidfd) as u64;
    args.exit_signal = u64::try_from(libc::SIGCHLD).unwrap_or(0);
    if let Some(cgroup) = cgroup {
        args.flags |= INTO_CGROUP;
        args.cgroup = u64::try_from(cgroup.as_raw_fd()).unwrap_or(u64::MAX);
    }
    // SAFETY: without CLONE_VM this is a fork: the child has a copy of everything and its own stack. This process has one
    // thread, so no lock is held by a thread that the child would lack. `args` and `pidfd` outlive the call.
    let done = unsafe { libc::syscall(libc::SYS_clone3, std::ptr::from_mut(&mut args), size_of::<libc::clone_args>()) };
    match Errno::result(done) {
        Ok(0) => Ok(Side::Child),
        Ok(pid) => {
            let pid = i32::try_from(pid).unwrap_or(-1);
            // SAFETY: the kernel wrote a descriptor of our own there, with FD_CLOEXEC.
            Ok(Side::Parent(Child { pid, fd: PidFd::from_owned(unsafe { OwnedFd::from_raw_fd(pidfd) }) }))
        }
        // Filters of system calls hide clone3, because they cannot look into its arguments.
        Err(Errno::ENOSYS | Errno::EPERM) if namespaces.is_empty() && cgroup.is_none() => fork(),
        Err(errno) => Err(CloneError::Kernel(errno)),
    }
}

fn fork() -> Result<Side, CloneError> {
    // SAFETY: as above: one thread, and the child has a copy of everything.
    match unsafe { nix::unistd::fork() }.map_err(CloneError::Kernel)? {
        nix::unistd::ForkResult::Child => Ok(Side::Child),
        nix::unistd::ForkResult::Parent { child } => {
            // It is not waited for, so its number is nobody else's.
            let fd = PidFd::open(child.as_raw()).map_err(CloneError::Kernel)?;
            Ok(Side::Parent(Child { pid: child.as_raw(), fd }))
        }
    }
}

impl Child {
    /// What became of the child since it was last asked, `None` where nothing did. An end is told once.
    ///
    /// # Errors
    /// The kernel's; ECHILD where somebody else waited for it.
    pub fn change(&self) -> Result<Option<StateChange>, Errno> {
        let flags = libc::WEXITED | libc::WSTOPPED | libc::WCONTINUED | libc::WNOHANG;
        let id = libc::id_t::try_from(self.pid).map_err(|_| Errno::ECHILD)?;
        // SAFETY: all zero is a valid siginfo_t, and the kernel writes one to it.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        // SAFETY: `info` outlives the call.
        Errno::result(unsafe { libc::waitid(libc::P_PID, id, &raw mut info, flags) })?;
        // SAFETY: waitid filled in the fields of SIGCHLD, or left zeros where nothing happened.
        let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
        if pid == 0 {
            return Ok(None);
        }
        Ok(match info.si_code {
            libc::CLD_EXITED => Some(StateChange::Exited(status)),
            libc::CLD_KILLED | libc::CLD_DUMPED => Some(StateChange::Killed(status)),
            libc::CLD_STOPPED | libc::CLD_TRAPPED => Some(StateChange::Stopped(status)),
            libc::CLD_CONTINUED => Some(StateChange::Continued),
            _ => None,
        })
    }
}

/// Ends this process at once, without what the C library would do: a child's copies of the parent's buffers are not its.
pub fn exit_now(status: i32) -> ! {
    // SAFETY: _exit does not return and touches nothing of ours.
    unsafe { libc::_exit(status) }
}
