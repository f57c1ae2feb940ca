//! The steps of a kill, one after another, each with its time.

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::AsFd;

use super::limits::{self, Prelude};
use super::target::Target;
use super::{Order, Outcome, Survivor};
use crate::registry::KILLED_ATTRIBUTE;
use crate::system::cgroup::Method;
use crate::system::pidfd::PidFd;

/// How often the kernel's count is looked at: reading is the only way that does not lose a change.
const STEP: Duration = Duration::from_millis(1);

/// How often memory is looked at that comes back.
const SETTLE_STEP: Duration = Duration::from_millis(50);

/// How long memory is waited for that comes back.
const SETTLE: Duration = Duration::from_secs(2);

/// Of how many processes that do not end the state is told.
const NAMED: usize = 16;

/// Kills the job and waits for what comes of it.
pub(super) fn kill(order: &Order, prelude: &mut Prelude) -> Outcome {
    let began = Instant::now();
    let target = &order.target;
    let mut outcome = Outcome { cgroup: target.id(), before: target.usage(), ..Outcome::default() };
    if let Some((output, line)) = &order.message {
        match output.say(line) {
            Ok(()) => outcome.told = Some(began.elapsed()),
            Err(errno) => outcome.fail("message", errno),
        }
    }
    if let Err(error) = target.ending().set_attribute(KILLED_ATTRIBUTE, order.cause.as_bytes()) {
        outcome.fail("setxattr", error.errno);
    }
    let taken = if order.report_budget.is_zero() || !target.can_look_like_oom() {
        None
    } else {
        limits::take(target, &mut outcome)
    };
    if taken.is_some() {
        await_kernel(target, order.report_budget, prelude, began, &mut outcome);
    }
    end(target, order, began, &mut outcome);
    wait_until_empty(target, order, prelude, began, &mut outcome);
    settle(target, began, &mut outcome);
    if let Some(limits) = taken {
        // The write of 0 must be over, or it would come after this one.
        for _ in 0..200 {
            if !prelude.is_writing() {
                break;
            }
            prelude.interrupt();
            sleep(Duration::from_millis(10));
        }
        limits::put_back(target, limits, &mut outcome);
    }
    outcome
}

/// Takes the job's memory away and waits until the kernel has killed somebody, or the budget is used up.
fn await_kernel(target: &Arc<Target>, budget: Duration, prelude: &mut Prelude, began: Instant, outcome: &mut Outcome) {
    let counted = target.kernel_kills();
    if !prelude.begin(target) {
        outcome.fail("memory.max", Errno::EBUSY);
        return;
    }
    let until = Instant::now() + budget;
    while Instant::now() < until {
        if target.kernel_kills() > counted {
            outcome.oom_counted = Some(began.elapsed());
            return;
        }
        if !target.is_populated() {
            return;
        }
        sleep(STEP);
    }
}

/// Ends what is left, with one write where the kernel can.
fn end(target: &Target, order: &Order, began: Instant, outcome: &mut Outcome) {
    if let Some(fd) = &target.kill {
        match nix::unistd::write(fd, b"1") {
            // Gone is dead as well.
            Ok(_) | Err(Errno::ENODEV | Errno::ENOENT) => {
                outcome.method = Some(Method::CgroupKill);
                outcome.killed = Some(began.elapsed());
                return;
            }
            Err(errno) => outcome.fail("cgroup.kill", errno),
        }
    }
    outcome.killed = Some(began.elapsed());
    match target.ending().end_all(order.deadline.saturating_sub(began.elapsed())) {
        Ok(ended) => outcome.method = Some(ended.method),
        Err(error) => outcome.fail("cgroup.procs", error.errno),
    }
}

/// Waits for the last process. Releases the memory of those that do not end, and at the deadline says who they are.
fn wait_until_empty(target: &Target, order: &Order, prelude: &Prelude, began: Instant, outcome: &mut Outcome) {
    let since = Instant::now();
    let mut interrupted = false;
    let mut released = Duration::ZERO;
    loop {
        if !target.is_populated() {
            outcome.empty = Some(began.elapsed());
            break;
        }
        let waited = since.elapsed();
        if waited >= order.patience {
            // The kernel kills again and again in the write while the victims tear down, and competes with them.
            if !interrupted {
                prelude.interrupt();
                interrupted = true;
            }
            // Once a quarter of a second: who was not dying yet is now.
            if released.is_zero() || waited.saturating_sub(released) >= Duration::from_millis(250) {
                released = waited;
                outcome.released += release(target, outcome);
            }
        }
        if waited >= order.deadline {
            outcome.survivors = survivors(target);
            break;
        }
        wake(target, Duration::from_millis(5));
    }
    prelude.interrupt();
}

/// Sleeps until the cgroup tells of a change, for a short time at most.
fn wake(target: &Target, time: Duration) {
    let Some(fd) = &target.populated else { return sleep(time) };
    let timeout = PollTimeout::try_from(time).unwrap_or(PollTimeout::ZERO);
    let mut fds = [PollFd::new(fd.as_fd(), PollFlags::POLLPRI)];
    if poll(&mut fds, timeout) != Ok(0) {
        // A removed cgroup is ready for ever.
        sleep(STEP);
    }
}

/// Releases the memory of who has been killed and does not end. Gives how many there were.
fn release(target: &Target, outcome: &mut Outcome) -> u32 {
    let mut released = 0;
    for pid in target.ending().all_procs().unwrap_or_default() {
        let Ok(process) = PidFd::open(pid) else { continue };
        match process.release_memory() {
            Ok(()) => released += 1,
            // ESRCH: nothing is left to release; EINVAL: it is not dying, so it is not ours.
            Err(Errno::ESRCH | Errno::EINVAL | Errno::EAGAIN) => {}
            Err(errno) => {
                if !outcome.failures.iter().any(|failure| failure.step == "process_mrelease") {
                    outcome.fail("process_mrelease", errno);
                }
                break;
            }
        }
    }
    released
}

fn survivors(target: &Target) -> Vec<Survivor> {
    let pids = target.ending().all_procs().unwrap_or_default();
    pids.into_iter().take(NAMED).filter_map(survivor).collect()
}

fn survivor(pid: i32) -> Option<Survivor> {
    let read = |file: &str| std::fs::read(format!("/proc/{pid}/{file}"));
    let stat = read("stat").ok()?;
    let (open, close) = (stat.iter().position(|&byte| byte == b'(')?, stat.iter().rposition(|&byte| byte == b')')?);
    Some(Survivor {
        pid,
        comm: stat.get(open + 1..close)?.to_owned(),
        state: char::from(*stat.get(close + 2)?),
        wchan: read("wchan").unwrap_or_default(),
    })
}

/// Waits until the job's memory stops falling: the kernel gives some back behind the last process.
fn settle(target: &Target, began: Instant, outcome: &mut Outcome) {
    let until = Instant::now() + SETTLE;
    let mut last = target.usage();
    while Instant::now() < until {
        sleep(SETTLE_STEP);
        let now = target.usage();
        // Counters of the kernel are per processor and move a little by themselves.
        let still = last.saturating_sub(now) <= 64 * 4096;
        last = now;
        if still {
            outcome.settled = Some(began.elapsed());
            break;
        }
    }
    outcome.after = last;
    outcome.shared_after = target.shared();
}
