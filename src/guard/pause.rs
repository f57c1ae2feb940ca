//! Stops a job and pushes it out to swap, and lets it go on. A thread of its own does it: reclaim may take seconds.
//!
//! Before a job is stopped, an attribute of its cgroup says so, so that the next guard lets go on what one that died had
//! stopped ([`undo`]).

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

use nix::errno::Errno;
use nix::sys::signal::SigSet;
use tracing::warn;

use super::kill::Target;
use crate::system::cgroup::{Cgroup, CgroupError};
use crate::system::thread;

/// The attribute of a cgroup whose processes a guard has stopped.
const ATTRIBUTE: &str = "trusted.oomshim.paused";

/// The same where `CAP_SYS_ADMIN` is missing.
const USER_ATTRIBUTE: &str = "user.oomshim.paused";

/// How many orders may wait.
const WAITING: usize = 16;

#[derive(Debug)]
enum Order {
    Pause(Arc<Target>, u64),
    Resume(Arc<Target>),
}

/// The thread that pauses.
#[derive(Debug)]
pub struct Pauser {
    orders: SyncSender<Order>,
}

impl Pauser {
    /// Starts the thread.
    ///
    /// # Errors
    /// The kernel's.
    pub fn start() -> std::io::Result<Pauser> {
        let (orders, to_do) = sync_channel(WAITING);
        std::thread::Builder::new().name("guard-pause".into()).stack_size(256 * 1024).spawn(move || {
            let _ = SigSet::all().thread_set_mask();
            let _ = thread::set_nice(10);
            for order in to_do {
                let (what, cgroup, done) = match &order {
                    Order::Pause(target, bytes) => ("pause", target.cgroup(), pause(target.cgroup(), *bytes)),
                    Order::Resume(target) => ("resume", target.cgroup(), undo(target.cgroup())),
                };
                match done {
                    Err(error) if !error.is_gone() => warn!("guard cannot {what} {}: {error}", cgroup.path().display()),
                    _ => {}
                }
            }
        })?;
        Ok(Pauser { orders })
    }

    /// Stops a job and pushes that many bytes of it out. False where too much waits to be done.
    #[must_use]
    pub fn pause(&self, target: Arc<Target>, bytes: u64) -> bool {
        self.orders.try_send(Order::Pause(target, bytes)).is_ok()
    }

    /// Lets a job go on.
    #[must_use]
    pub fn resume(&self, target: Arc<Target>) -> bool {
        self.orders.try_send(Order::Resume(target)).is_ok()
    }
}

fn pause(cgroup: &Cgroup, bytes: u64) -> Result<(), CgroupError> {
    cgroup.set_attribute(ATTRIBUTE, b"1").or_else(|_| cgroup.set_attribute(USER_ATTRIBUTE, b"1"))?;
    cgroup.write("cgroup.freeze", "1")?;
    match cgroup.write("memory.reclaim", &bytes.to_string()) {
        // Not all of it went: what is left stays where it is. Linux before 5.19 has no such file.
        Err(error) if matches!(error.errno, Errno::EAGAIN | Errno::ENOENT | Errno::EINTR) => Ok(()),
        other => other,
    }
}

/// Whether a guard has stopped that job.
#[must_use]
pub fn is_paused(cgroup: &Cgroup) -> bool {
    [ATTRIBUTE, USER_ATTRIBUTE].into_iter().any(|name| cgroup.attribute(name).is_ok_and(|it| it.is_some()))
}

/// Lets a job go on that a guard has stopped; one that somebody else has stopped stays so.
///
/// # Errors
/// [`CgroupError`]
pub fn undo(cgroup: &Cgroup) -> Result<(), CgroupError> {
    if !is_paused(cgroup) {
        return Ok(());
    }
    cgroup.write("cgroup.freeze", "0")?;
    for name in [ATTRIBUTE, USER_ATTRIBUTE] {
        match cgroup.remove_attribute(name) {
            Err(error) if name == ATTRIBUTE && error.errno != Errno::EPERM => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::cgroup::Version;

    #[test]
    fn only_what_a_guard_stopped_goes_on() {
        let directory = tempfile::tempdir().unwrap();
        let read = |file: &str| std::fs::read_to_string(directory.path().join(file)).unwrap();
        std::fs::write(directory.path().join("cgroup.freeze"), "1").unwrap();
        let cgroup = Cgroup::fake(directory.path(), Version::V2);
        undo(&cgroup).unwrap();
        assert_eq!(read("cgroup.freeze"), "1", "somebody else stopped it");
        // A kernel without memory.reclaim.
        pause(&cgroup, 4096).unwrap();
        assert!(is_paused(&cgroup));
        undo(&cgroup).unwrap();
        assert_eq!((read("cgroup.freeze").as_str(), is_paused(&cgroup)), ("0", false));
    }
}
