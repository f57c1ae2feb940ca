//! Kills a whole job so that its engine reports an out-of-memory, and says what came of it.
//!
//! A thread of its own does it, because each write may block: first what makes the kernel's OOM killer act on the job
//! (`memory.swap.max` 0, then `memory.max` 0 from a second thread), and as soon as a kill is counted, or the budget is
//! used up, `cgroup.kill`. Engines read the count (`oom_kill` of `memory.events`) and say `ResourceExhausted` or
//! `OOMKilled` instead of 137. A process that does not end within [`Order::patience`] has its memory released.
//! Limits are put back when the job is gone; what to put back is an attribute of the cgroup meanwhile, so that a guard
//! that dies half way is followed up by the next ([`undo`]).

mod limits;
mod sequence;
mod target;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::signal::SigSet;

pub use limits::{is_unfinished, undo};
pub use target::Target;

use super::own::touch_stack;
use super::tell::{Line, Output};
use crate::system::cgroup::Method;

/// What the kill of a job is to be like.
#[derive(Debug)]
pub struct Order {
    /// The job.
    pub target: Arc<Target>,
    /// How long to wait for the kernel's own kill before `cgroup.kill`; zero: not at all, and the engine sees SIGKILL.
    pub report_budget: Duration,
    /// When the memory of what does not end is released.
    pub patience: Duration,
    /// What has not ended is given up and named when no process has ended for so long.
    pub deadline: Duration,
    /// Why, in one word; [`crate::registry::KILLED_ATTRIBUTE`] of the cgroup says it from before the kill on.
    pub cause: &'static str,
    /// What to write where, before the kill.
    pub message: Option<(Arc<Output>, Line)>,
}

impl Order {
    /// The usual kill of a job, without a message.
    #[must_use]
    pub fn new(target: Arc<Target>) -> Order {
        Order {
            target,
            report_budget: Duration::from_millis(100),
            patience: Duration::from_millis(100),
            deadline: Duration::from_secs(2),
            cause: "guard",
            message: None,
        }
    }
}

/// What came of a kill. Times are from the moment at which the thread took the order; sizes are bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The inode of the job's cgroup.
    pub cgroup: u64,
    /// By what the job was ended; `None` where it could not be.
    pub method: Option<Method>,
    /// When the message was written.
    pub told: Option<Duration>,
    /// When the kernel had counted a kill of its own.
    pub oom_counted: Option<Duration>,
    /// When `cgroup.kill` was written, or the first SIGKILL sent.
    pub killed: Option<Duration>,
    /// When no process was left.
    pub empty: Option<Duration>,
    /// When the job's memory had stopped falling.
    pub settled: Option<Duration>,
    /// `memory.current` before.
    pub before: u64,
    /// `memory.current` after.
    pub after: u64,
    /// `shmem` of `memory.stat` after: what [`super::leftover`] looks for.
    pub shared_after: u64,
    /// Of how many processes the memory was released because they did not end.
    pub released: u32,
    /// Who has not ended.
    pub survivors: Vec<Survivor>,
    /// What failed, in the order in which it did.
    pub failures: Vec<Failure>,
}

impl Outcome {
    /// Whether the whole job is dead.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.empty.is_some()
    }

    fn fail(&mut self, step: &'static str, errno: Errno) {
        // A cgroup that goes away is what a kill is for.
        if !matches!(errno, Errno::ENODEV | Errno::ENOENT) {
            self.failures.push(Failure { step, errno });
        }
    }
}

/// A process that a kill did not end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survivor {
    /// Its PID.
    pub pid: i32,
    /// Its command name, as it is: hostile text.
    pub comm: Vec<u8>,
    /// The letter of its state (proc(5)); `D` waits for a device and cannot end.
    pub state: char,
    /// Where in the kernel it waits, as far as that is told.
    pub wchan: Vec<u8>,
}

/// A step of a kill that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// The file that was written, or what was called.
    pub step: &'static str,
    /// The kernel's reason.
    pub errno: Errno,
}

/// The threads that kill. One job at a time.
#[derive(Debug)]
pub struct Killer {
    orders: SyncSender<Order>,
    outcomes: Receiver<Outcome>,
    ready: Arc<EventFd>,
    is_busy: bool,
}

/// A kill is going on; the order is given back.
#[derive(Debug)]
pub struct Busy(pub Box<Order>);

impl Killer {
    /// Starts the threads.
    ///
    /// # Errors
    /// The kernel's.
    pub fn start() -> std::io::Result<Killer> {
        let ready = Arc::new(EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?);
        let (orders, to_do) = sync_channel::<Order>(1);
        let (done, outcomes) = sync_channel(1);
        let mut prelude = limits::Prelude::start()?;
        let wake = Arc::clone(&ready);
        std::thread::Builder::new().name("guard-kill".into()).stack_size(256 * 1024).spawn(move || {
            // Also SIGPIPE: a job's log may have no reader any more.
            let _ = SigSet::all().thread_set_mask();
            touch_stack();
            for order in to_do {
                if done.send(sequence::kill(&order, &mut prelude)).is_err() {
                    return;
                }
                let _ = wake.write(1);
            }
        })?;
        Ok(Killer { orders, outcomes, ready, is_busy: false })
    }

    /// Hands over a job to be killed. Does not block and does not allocate.
    ///
    /// # Errors
    /// [`Busy`] while another is being killed: one job, then its effect.
    pub fn kill(&mut self, order: Order) -> Result<(), Busy> {
        if self.is_busy {
            return Err(Busy(Box::new(order)));
        }
        match self.orders.try_send(order) {
            Ok(()) => {
                self.is_busy = true;
                Ok(())
            }
            Err(TrySendError::Full(order) | TrySendError::Disconnected(order)) => Err(Busy(Box::new(order))),
        }
    }

    /// Whether a kill is going on.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.is_busy
    }

    /// Becomes readable when there is an outcome; for epoll.
    #[must_use]
    pub fn ready(&self) -> &EventFd {
        &self.ready
    }

    /// The outcome of the kill that was ordered, when it is there. Does not block.
    pub fn outcome(&mut self) -> Option<Outcome> {
        let outcome = self.outcomes.try_recv().ok()?;
        let _ = self.ready.read();
        self.is_busy = false;
        Some(outcome)
    }
}
