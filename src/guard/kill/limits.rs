//! The limits by which a kill looks like the kernel's: lowered to 0, and put back.
//!
//! The kernel reclaims and kills in the write of `memory.max` itself, which returns when the job is dead, or after seconds
//! where a process cannot end. So a thread does nothing else, and a signal calls it back.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};

use nix::errno::Errno;
use nix::sys::pthread::{Pthread, pthread_kill, pthread_self};
use nix::sys::signal::{SigSet, Signal};

use super::Outcome;
use super::target::{Target, number};
use crate::guard::own::touch_stack;
use crate::system::cgroup::{Cgroup, CgroupError, Limit, limit};
use crate::system::thread;
use crate::text::fixed::Fixed;

/// The attribute of a cgroup that is being killed: the limits that it had, `memory.max` and `memory.swap.max`.
const ATTRIBUTE: &str = "trusted.oomshim.limits";

/// The same where `CAP_SYS_ADMIN` is missing.
const USER_ATTRIBUTE: &str = "user.oomshim.limits";

/// What interrupts the write; nothing else uses it.
const INTERRUPT: Signal = Signal::SIGUSR1;

/// The limits that a job had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    max: Limit,
    /// `None` where there is no such file.
    swap_max: Option<Limit>,
}

/// Notes the job's limits on its cgroup, then takes its swap away: otherwise the kernel would first swap the job out.
pub(super) fn take(target: &Target, outcome: &mut Outcome) -> Option<Limits> {
    let max = match number(target.max.as_ref()?) {
        Ok(max) => max,
        Err(errno) => {
            outcome.fail("memory.max", errno);
            return None;
        }
    };
    let swap_max = target.swap_max.as_ref().and_then(|fd| number(fd).ok());
    let limits = Limits { max, swap_max };
    let value = match swap_max {
        Some(swap_max) => Fixed::<64>::of(format_args!("{max} {swap_max}")),
        None => Fixed::of(format_args!("{max} -")),
    };
    let note = |name| target.memory.set_attribute(name, value.as_bytes());
    if let Err(error) = note(ATTRIBUTE).or_else(|_| note(USER_ATTRIBUTE)) {
        // A guard that dies now would leave a job with no memory, and nobody would know what it had.
        outcome.fail("setxattr", error.errno);
        return None;
    }
    if let Some(fd) = &target.swap_max
        && let Err(errno) = write(fd, "0")
    {
        outcome.fail("memory.swap.max", errno);
    }
    Some(limits)
}

/// Puts the limits back and removes the note.
pub(super) fn put_back(target: &Target, limits: Limits, outcome: &mut Outcome) {
    for (file, fd, value) in
        [("memory.max", &target.max, Some(limits.max)), ("memory.swap.max", &target.swap_max, limits.swap_max)]
    {
        if let (Some(fd), Some(value)) = (fd, value)
            && let Err(errno) = write(fd, Fixed::<24>::of(value).as_str())
        {
            outcome.fail(file, errno);
        }
    }
    for name in [ATTRIBUTE, USER_ATTRIBUTE] {
        if let Err(error) = target.memory.remove_attribute(name)
            && name == ATTRIBUTE
        {
            outcome.fail("removexattr", error.errno);
        }
    }
}

/// Whether a guard that is gone had begun to kill the job of that cgroup: kill it to the end, then [`undo`].
#[must_use]
pub fn is_unfinished(cgroup: &Cgroup) -> bool {
    noted(cgroup).is_some()
}

fn noted(cgroup: &Cgroup) -> Option<Vec<u8>> {
    [ATTRIBUTE, USER_ATTRIBUTE].into_iter().find_map(|name| cgroup.attribute(name).ok().flatten())
}

/// Puts back the limits that a guard that is gone took from a job. Nothing to do where it took none.
///
/// # Errors
/// [`CgroupError`].
pub fn undo(cgroup: &Cgroup) -> Result<(), CgroupError> {
    let Some(note) = noted(cgroup) else { return Ok(()) };
    let words = note.split(|&byte| byte == b' ');
    for (file, word) in ["memory.max", "memory.swap.max"].into_iter().zip(words) {
        // Only what was taken is put back, whatever the note says: a limit that is not 0 is somebody's own.
        if let Some(value) = limit(word)
            && cgroup.number(file)? == Some(0)
        {
            cgroup.write(file, &value.to_string())?;
        }
    }
    for name in [ATTRIBUTE, USER_ATTRIBUTE] {
        match cgroup.remove_attribute(name) {
            Err(error) if name == ATTRIBUTE && error.errno != Errno::EPERM => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn write(fd: &OwnedFd, value: &str) -> Result<(), Errno> {
    nix::unistd::write(fd, value.as_bytes()).map(drop)
}

/// The thread that writes `memory.max`.
#[derive(Debug)]
pub(super) struct Prelude {
    targets: SyncSender<Arc<Target>>,
    thread: Pthread,
    is_writing: Arc<AtomicBool>,
}

impl Prelude {
    /// Starts the thread.
    pub(super) fn start() -> std::io::Result<Prelude> {
        thread::make_interrupting(INTERRUPT)?;
        let (targets, to_do) = sync_channel::<Arc<Target>>(1);
        let (tell, own) = sync_channel(1);
        let is_writing = Arc::new(AtomicBool::new(false));
        let writing = Arc::clone(&is_writing);
        std::thread::Builder::new().name("guard-limit".into()).stack_size(256 * 1024).spawn(move || {
            // It shall not compete with the victims for the processor that they need to end.
            let _ = thread::set_nice(10);
            touch_stack();
            let mut blocked = SigSet::all();
            blocked.remove(INTERRUPT);
            let _ = blocked.thread_set_mask();
            if tell.send(pthread_self()).is_err() {
                return;
            }
            for target in to_do {
                if let Some(fd) = &target.max {
                    let _ = write(fd, "0");
                }
                writing.store(false, Ordering::Release);
            }
        })?;
        let thread = own.recv().map_err(std::io::Error::other)?;
        Ok(Prelude { targets, thread, is_writing })
    }

    /// Lets the thread take all memory from the job. False where it is still busy with another one.
    pub(super) fn begin(&mut self, target: &Arc<Target>) -> bool {
        if self.is_writing.swap(true, Ordering::AcqRel) {
            return false;
        }
        let is_sent = self.targets.try_send(Arc::clone(target)).is_ok();
        if !is_sent {
            self.is_writing.store(false, Ordering::Release);
        }
        is_sent
    }

    /// Whether the write has not returned.
    pub(super) fn is_writing(&self) -> bool {
        self.is_writing.load(Ordering::Acquire)
    }

    /// Calls the thread back from its write.
    pub(super) fn interrupt(&self) {
        if self.is_writing() {
            let _ = pthread_kill(self.thread, INTERRUPT);
        }
    }
}
