//! The steps of a kill, one after another, each with its time.

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::AsFd;

use super::limits::{self, Limits, Prelude};
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

/// The longest that the end of a job is waited for, as long as its processes become fewer: 5000 take 10 s.
const LONGEST: Duration = Duration::from_secs(20);

/// Of how many processes that do not end the state is told.
const NAMED: usize = 16;

/// Kills the job and waits for what comes of it.
pub(super) fn kill(order: &Order, prelude: &mut Prelude) -> Outcome {
    let began = Instant::now();
    let target = &order.target;
    let mut outcome = Outcome { cgroup: target.id(), ..Outcome::default() };
    let taken = strike(order, prelude, began, &mut outcome);
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

/// Up to `cgroup.kill`: here nothing is allocated, and nothing waits but for the kernel's own kill. Gives the limits that
/// were taken.
fn strike(order: &Order, prelude: &mut Prelude, began: Instant, outcome: &mut Outcome) -> Option<Limits> {
    let target = &order.target;
    outcome.before = target.usage();
    if let Some((output, line)) = &order.message {
        match output.say(line) {
            Ok(()) => outcome.told = Some(began.elapsed()),
            Err(errno) => outcome.fail("message", errno),
        }
    }
    if let Err(error) = target.ending().set_attribute(KILLED_ATTRIBUTE, order.cause.as_bytes()) {
        outcome.fail("setxattr", error.errno);
    }
    let taken =
        if order.report_budget.is_zero() || !target.can_look_like_oom() { None } else { limits::take(target, outcome) };
    if taken.is_some() {
        await_kernel(target, order.report_budget, prelude, began, outcome);
    }
    end(target, order, began, outcome);
    taken
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

/// Waits for the last process. Releases the memory of those that do not end, and says who they are when none has ended for
/// as long as the order waits.
fn wait_until_empty(target: &Target, order: &Order, prelude: &Prelude, began: Instant, outcome: &mut Outcome) {
    let since = Instant::now();
    let mut interrupted = false;
    let mut released = Duration::ZERO;
    let mut deadline = order.deadline;
    let mut left = usize::MAX;
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
        if waited >= deadline {
            let now = target.ending().all_procs().unwrap_or_default().len();
            if now >= left || waited >= LONGEST {
                outcome.survivors = survivors(target);
                break;
            }
            left = now;
            deadline = waited + order.deadline;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::allocation_tests::during;
    use crate::guard::tell::{Line, Output};
    use crate::system::cgroup::{Cgroup, Version};
    use std::io::Read;
    use std::path::Path;

    /// Files that stand in for a job's cgroup.
    fn fake(populated: &str) -> (tempfile::TempDir, Target) {
        let directory = tempfile::tempdir().unwrap();
        let files = [
            ("cgroup.procs", ""),
            ("cgroup.kill", ""),
            ("cgroup.events", populated),
            ("memory.current", "9000000\n"),
            ("memory.events", "oom_kill 0\n"),
            ("memory.stat", "shmem 7\n"),
            ("memory.max", "300000\n"),
            ("memory.swap.max", "max\n"),
        ];
        for (file, text) in files {
            std::fs::write(directory.path().join(file), text).unwrap();
        }
        let target = Target::open(Cgroup::fake(directory.path(), Version::V2), None).unwrap();
        (directory, target)
    }

    #[test]
    fn nothing_is_allocated_before_the_kill() {
        let (directory, target) = fake("populated 1\n");
        let (mut reader, writer) = std::io::pipe().unwrap();
        let mut child = std::process::Command::new("sleep").arg("60").stderr(writer).spawn().unwrap();
        std::fs::write(directory.path().join("cgroup.procs"), format!("{}\n", child.id())).unwrap();
        let output = Arc::new(Output::of_job(Path::new("/proc"), target.cgroup()).unwrap());
        let mut order = Order::new(Arc::new(target));
        order.report_budget = Duration::from_millis(20);
        order.message = Some((output, Line::new("why")));
        let mut prelude = Prelude::start().unwrap();
        let mut outcome = Outcome::default();
        let (taken, count) = during(|| strike(&order, &mut prelude, Instant::now(), &mut outcome));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(taken.is_some() && outcome.killed.is_some() && outcome.failures.is_empty(), "{outcome:?}");
        assert_eq!(std::fs::read(directory.path().join("cgroup.kill")).unwrap(), b"1");
        let mut said = String::new();
        reader.read_to_string(&mut said).unwrap();
        assert_eq!((said.as_str(), count), ("\nwhy\n", 0));
    }

    #[test]
    fn limits_are_back_when_the_job_is_gone() {
        let (directory, target) = fake("populated 0\n");
        let target = Arc::new(target);
        let order = Order::new(Arc::clone(&target));
        let outcome = kill(&order, &mut Prelude::start().unwrap());
        assert!(outcome.is_dead() && outcome.failures.is_empty(), "{outcome:?}");
        assert!(!limits::is_unfinished(target.cgroup()));
        // A file is not truncated by a write, a cgroup's is: what counts is that the old value came last.
        assert!(std::fs::read(directory.path().join("memory.max")).unwrap().ends_with(b"300000"));
    }
}
