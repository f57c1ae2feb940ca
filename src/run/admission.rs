//! Waiting until a job's memory is there. Jobs that were let in and have not taken theirs yet are counted with what they
//! will take: otherwise three that start together would all see the same free memory.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::parent::Parent;
use super::place::job_of;
use super::supervise::Signals;
use crate::system::cgroup::{Cgroup, Lock, Version};
use crate::system::meminfo::Meminfo;

/// The attribute of a job's cgroup that says how much memory it was let in with, in bytes.
pub const RESERVED: &str = "user.oomshim.reserved";

/// How often is looked.
const STEP: Duration = Duration::from_millis(250);

/// How long one waits for who is first in the queue and may not be one of us: anybody may lock what he can open.
const QUEUE: Duration = Duration::from_mins(10);

/// What came of the wait.
#[derive(Debug)]
pub enum Admitted {
    /// There is room; the lock is to be kept until the job's cgroup has its reservation.
    Yes(Option<Lock>),
    /// That signal came first.
    Signal(i32),
    /// The parent was removed meanwhile: what is promised is to be read of a new one.
    ParentGone,
}

/// Waits until `needed` bytes are there. `tell` is called once, when there is something to wait for.
pub fn wait(
    proc: &Path,
    parent: Option<&Parent>,
    needed: u64,
    signals: &Signals,
    tell: &mut dyn FnMut(&str),
) -> Admitted {
    let queue = parent.and_then(|parent| parent.each().next());
    let began = Instant::now();
    let mut lock = None;
    let mut told = false;
    loop {
        if lock.is_none() && began.elapsed() < QUEUE {
            lock = queue.and_then(|cgroup| cgroup.lock().ok().flatten());
        }
        // Looked at behind the lock: from here on nobody removes it.
        if queue.is_some_and(|cgroup| !cgroup.is_there()) {
            return Admitted::ParentGone;
        }
        let is_first = lock.is_some() || queue.is_none() || began.elapsed() >= QUEUE;
        let available = Meminfo::read(proc).available.unwrap_or(u64::MAX);
        let promised = parent.map_or(0, promised);
        if is_first && available.saturating_sub(promised) >= needed {
            return Admitted::Yes(lock);
        }
        if let Some(signal) = signals.end_requested() {
            return Admitted::Signal(signal);
        }
        if !told {
            told = true;
            tell(&message(needed, available, promised, is_first));
        }
        sleep(STEP);
    }
}

fn message(needed: u64, available: u64, promised: u64, is_first: bool) -> String {
    use crate::text::size::size;
    let mut text = format!("waiting for {} of memory: {} available", size(needed), size(available));
    if promised > 0 {
        text.push_str(&format!(", {} of it for jobs that have not taken theirs yet", size(promised)));
    }
    if !is_first {
        text.push_str("; another job is first");
    }
    text
}

/// What jobs were let in with and have not taken yet, in bytes.
fn promised(parent: &Parent) -> u64 {
    let Some(cgroup) = parent.memory_v1.as_ref().or(parent.unified.as_ref()) else { return 0 };
    let names = cgroup.children().unwrap_or_default();
    let jobs = names.iter().filter(|name| job_of(name).is_some()).filter_map(|name| cgroup.child(name).ok());
    jobs.map(|job| outstanding(&job)).fold(0, u64::saturating_add)
}

fn outstanding(job: &Cgroup) -> u64 {
    let reserved = job.attribute(RESERVED).ok().flatten();
    let reserved = reserved.and_then(|text| std::str::from_utf8(&text).ok()?.parse::<u64>().ok()).unwrap_or(0);
    let file = if job.version() == Version::V2 { "memory.current" } else { "memory.usage_in_bytes" };
    // What it used once and gave back it may take again.
    reserved.saturating_sub(job.number(file).ok().flatten().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_says_what_is_waited_for() {
        assert_eq!(message(2 << 30, 1 << 30, 0, true), "waiting for 2.0G of memory: 1.0G available");
        assert_eq!(
            message(2 << 30, 3 << 30, 2 << 30, false),
            "waiting for 2.0G of memory: 3.0G available, 2.0G of it for jobs that have not taken theirs yet; another job \
             is first"
        );
    }
}
