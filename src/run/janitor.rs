//! A process that outlives `oomshim run` when that is killed, ends the job and removes its cgroup. It does nothing else, holds
//! the job's lock meanwhile, and keeps no descriptor of anybody's open.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sched::CloneFlags;
use nix::sys::prctl::set_name;
use nix::sys::signal::SigSet;
use nix::sys::stat::Mode;
use nix::unistd::{pipe2, setsid};

use super::parent::Parent;
use super::place::Place;
use crate::system::clone::{Child, CloneError, Side, clone_process, exit_now};

/// The janitor, as its parent sees it.
#[derive(Debug)]
pub struct Janitor {
    /// Its end is what the janitor waits for; a byte before says that there is nothing to do.
    lifeline: OwnedFd,
    child: Child,
}

impl Janitor {
    /// Starts it.
    ///
    /// # Errors
    /// [`CloneError`]
    pub fn start(parent: &Parent, place: &Place) -> Result<Janitor, CloneError> {
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC).map_err(CloneError::Kernel)?;
        match clone_process(CloneFlags::empty(), None)? {
            Side::Parent(child) => Ok(Janitor { lifeline: writer, child }),
            Side::Child => {
                drop(writer);
                watch(parent, place, &reader);
                exit_now(0)
            }
        }
    }

    /// Lets it go: the job was ended and removed.
    pub fn dismiss(self) {
        let _ = nix::unistd::write(&self.lifeline, b"0");
        // Should that have failed: its end says it too, and what is removed already is not looked for long.
        drop(self.lifeline);
        let _ = nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(self.child.pid), None);
    }
}

fn watch(parent: &Parent, place: &Place, lifeline: &OwnedFd) {
    // Whoever ends a process group or a session of its caller's means the job.
    let _ = setsid();
    let _ = set_name(c"oomshim-janitor");
    let _ = SigSet::all().thread_set_mask();
    let cgroups = place.each().chain(parent.removable()).map(AsFd::as_fd);
    let needed: Vec<RawFd> = cgroups.chain(place.locks()).chain([lifeline.as_fd()]).map(raw).collect();
    let _ = close_others(&needed);
    let mut byte = [0];
    let dismissed = loop {
        match nix::unistd::read(lifeline, &mut byte) {
            Err(Errno::EINTR) => {}
            other => break other.is_ok_and(|count| count == 1),
        }
    };
    if !dismissed {
        for cgroup in place.each() {
            let _ = cgroup.end_all(super::place::END);
            let _ = cgroup.remove();
        }
        for cgroup in parent.removable() {
            let _ = cgroup.remove_unlocked();
        }
    }
}

fn raw(fd: BorrowedFd<'_>) -> RawFd {
    fd.as_raw_fd()
}

/// Closes all descriptors but those: a pipe whose write end stays open has a reader who waits.
pub(super) fn close_others(needed: &[RawFd]) -> Result<(), Errno> {
    let null = open(Path::new("/dev/null"), OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())?;
    nix::unistd::dup2_stdin(&null)?;
    nix::unistd::dup2_stdout(&null)?;
    nix::unistd::dup2_stderr(&null)?;
    let entries = std::fs::read_dir("/proc/self/fd").map_err(|_| Errno::ENOENT)?;
    let open: Vec<RawFd> = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    drop(null);
    for fd in open {
        if fd > 2 && !needed.contains(&fd) {
            let _ = nix::unistd::close(fd);
        }
    }
    Ok(())
}
