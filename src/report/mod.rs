//! Who died and why: the kernel's records of its kills, joined into events, each with a cause and what speaks for it.
//!
//! Only what the kernel itself wrote counts. An exit status of 137 is no evidence: anybody can send SIGKILL.

pub mod cause;
pub mod event;
pub mod json;
pub mod line;
pub mod record;
mod scan;
pub mod source;
pub mod text;
pub mod time;

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::registry::{self, Container};
use cause::Verdict;
use event::Event;
use time::Time;

/// An event with all that is known about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What happened.
    pub event: Event,
    /// When, on the wall, where that can be told.
    pub when: Option<SystemTime>,
    /// Why.
    pub verdict: Verdict,
    /// The container that was hit, where oomshim started it.
    pub container: Option<Container>,
}

/// What events are seen against.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// The containers that are there, and those deleted lately.
    pub containers: Vec<Container>,
    /// When the machine whose log it is was booted; `None` for a log of another boot or machine.
    pub boot: Option<SystemTime>,
}

impl Context {
    /// This machine, now. `run` is where containers are remembered.
    #[must_use]
    pub fn of_machine(run: &Path) -> Context {
        let mut containers = registry::all(run);
        containers.extend(registry::deleted(run));
        Context { containers, boot: boot_time() }
    }

    /// Judges an event.
    #[must_use]
    pub fn report(&self, event: Event) -> Report {
        let container = cause::container(&event, &self.containers).cloned();
        let verdict = cause::judge(&event, container.as_ref());
        let when = match event.time {
            Time::Epoch(micros) => SystemTime::UNIX_EPOCH.checked_add(Duration::from_micros(micros)),
            Time::SinceBoot(micros) => self.boot.and_then(|boot| boot.checked_add(Duration::from_micros(micros))),
            Time::Unknown | Time::Words(_) => None,
        };
        Report { event, when, verdict, container }
    }
}

/// When the clock of the kernel's log began; it stands still while the machine sleeps.
fn boot_time() -> Option<SystemTime> {
    let running = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).ok()?;
    let seconds = u64::try_from(running.tv_sec()).ok()?;
    let nanos = u32::try_from(running.tv_nsec()).ok()?;
    SystemTime::now().checked_sub(Duration::new(seconds, nanos))
}

/// From how many characters on the beginning of an id is enough.
const SHORT_ID: usize = 8;

impl Report {
    /// Whether it is about that container: by its id or the beginning of that, or by a cgroup that is named after it.
    #[must_use]
    pub fn is_about(&self, id: &str) -> bool {
        let id = id.as_bytes();
        // So many characters of an id are told by engines, and name no other container.
        let is_it = |whole: &[u8]| whole == id || id.len() >= SHORT_ID && whole.starts_with(id);
        let named = |path: &Path| {
            path.components().any(|part| {
                let name = part.as_os_str().as_bytes();
                let name = name.strip_suffix(b".scope").unwrap_or(name);
                // An engine's name may stand before it: `docker-ID`, `cri-containerd-ID`.
                let tails = name.iter().enumerate().filter(|(_, byte)| **byte == b'-').map(|(at, _)| &name[at + 1..]);
                is_it(name) || tails.into_iter().any(is_it)
            })
        };
        let paths = [&self.event.victim_path, &self.event.group, &self.event.limit_path];
        self.container.as_ref().is_some_and(|container| is_it(container.id.as_bytes()))
            || paths.into_iter().flatten().any(|path| named(path))
    }
}

#[cfg(test)]
mod tests;
