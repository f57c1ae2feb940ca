//! Between the job and whoever started it: signals go to the command, its stops and its end come back.

use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use super::witness::Witness;
use crate::system::clone::{Child, StateChange};

/// The signals of this process, read instead of handled, so that none is lost and none ends it before its job.
#[derive(Debug)]
pub struct Signals {
    fd: SignalFd,
    before: SigSet,
}

impl Signals {
    /// Blocks all signals that can be, and gives a way to read them.
    ///
    /// # Errors
    /// The kernel's.
    pub fn block() -> Result<Signals, Errno> {
        let mut blocked = SigSet::all();
        // A fault of our own is not to be read, but to be seen.
        for fault in [Signal::SIGSEGV, Signal::SIGBUS, Signal::SIGFPE, Signal::SIGILL, Signal::SIGABRT, Signal::SIGTRAP]
        {
            blocked.remove(fault);
        }
        let before = blocked.thread_swap_mask(nix::sys::signal::SigmaskHow::SIG_SETMASK)?;
        let fd = SignalFd::with_flags(&blocked, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        Ok(Signals { fd, before })
    }

    /// The signals that were blocked before.
    #[must_use]
    pub fn before(&self) -> SigSet {
        self.before
    }

    /// A signal that asks this process to end, where one came; for while there is no job to give it to.
    pub fn end_requested(&self) -> Option<i32> {
        while let Ok(Some(info)) = self.fd.read_signal() {
            let number = i32::try_from(info.ssi_signo).unwrap_or(0);
            if [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT].contains(&number) {
                return Some(number);
            }
        }
        None
    }

    /// The next signal of the process that asks, without waiting.
    ///
    /// # Errors
    /// The kernel's.
    pub fn read(&self) -> Result<Option<libc::signalfd_siginfo>, Errno> {
        self.fd.read_signal()
    }

    /// Restores the signals' mask.
    pub fn unblock(&self) {
        let _ = self.before.thread_set_mask();
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With that status.
    Status(i32),
    /// By that signal.
    Signal(i32),
}

impl End {
    /// The exit status that says so: 128 and the signal's number, as a shell has it.
    #[must_use]
    pub fn status(self) -> u8 {
        match self {
            End::Status(status) => u8::try_from(status).unwrap_or(u8::MAX),
            End::Signal(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        }
    }
}

/// Waits for the end of the command. Signals that were sent to this process alone are passed on; those of the terminal, and
/// what somebody sent to the whole process group, reached the command already. When the command is stopped, this process stops as well, so that the
/// shell that has both in one job takes notice.
///
/// # Errors
/// The kernel's.
pub fn supervise(child: &Child, signals: &Signals, mut witness: Option<&mut Witness>) -> Result<End, Errno> {
    loop {
        let mut fds =
            [PollFd::new(signals.fd.as_fd(), PollFlags::POLLIN), PollFd::new(child.fd.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::NONE) {
            Err(Errno::EINTR) => continue,
            other => other?,
        };
        while let Some(info) = signals.fd.read_signal()? {
            let number = i32::try_from(info.ssi_signo).unwrap_or(0);
            let from_kernel = info.ssi_code == libc::SI_KERNEL;
            match number {
                libc::SIGCHLD => {}
                // Whoever continues the process group continues the command; a second one it would see.
                libc::SIGCONT if !is_stopped(child) => {}
                // A terminal that goes away tells the session's leader alone.
                libc::SIGHUP if from_kernel && is_session_leader() => drop(child.fd.send_number(number)),
                _ if from_kernel => {}
                // The command does not get what it was itself that sent.
                _ if i32::try_from(info.ssi_pid) == Ok(child.pid) => {}
                _ if witness.as_mut().is_some_and(|it| it.saw(child, number, info.ssi_pid)) => {}
                _ => drop(child.fd.send_number(number)),
            }
        }
        match child.change()? {
            Some(StateChange::Exited(status)) => return Ok(End::Status(status)),
            Some(StateChange::Killed(signal)) => return Ok(End::Signal(signal)),
            Some(StateChange::Stopped(_)) => {
                stop_with(child)?;
                if let Some(witness) = &witness {
                    witness.go_on();
                }
            }
            Some(StateChange::Continued) | None => {}
        }
    }
}

fn is_session_leader() -> bool {
    nix::unistd::getsid(None) == Ok(nix::unistd::getpid())
}

/// Stops this process, until somebody continues it; then the command goes on too.
fn stop_with(child: &Child) -> Result<(), Errno> {
    nix::sys::signal::kill(nix::unistd::getpid(), Signal::SIGSTOP)?;
    if is_stopped(child) {
        let _ = child.fd.send(Signal::SIGCONT);
    }
    Ok(())
}

/// Whether the child is stopped now.
fn is_stopped(child: &Child) -> bool {
    let stat = std::fs::read(format!("/proc/{}/stat", child.pid)).unwrap_or_default();
    let close = stat.iter().rposition(|&byte| byte == b')');
    close.and_then(|close| stat.get(close + 2)) == Some(&b'T')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_a_shells() {
        assert_eq!((End::Status(0).status(), End::Status(255).status()), (0, 255));
        assert_eq!((End::Signal(9).status(), End::Signal(15).status(), End::Signal(64).status()), (137, 143, 192));
    }
}
