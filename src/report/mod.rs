//! What was killed and why: the kernel's lines about its kills, joined into events, each with a cause and what speaks
//! for it.
//!
//! Data flows one way: [`input`] makes entries of lines, [`kernel`] reads what single lines of the kernel say,
//! [`assemble`] joins them to events ([`collect`] does that for a whole log), [`cause`] judges, and [`text`] and [`json`]
//! show. Only what the kernel itself wrote counts. An exit status of 137 is no evidence: anybody can send SIGKILL.

pub mod advice;
pub mod assemble;
pub mod cause;
pub mod choice;
pub mod collect;
pub mod decision;
pub mod event;
pub mod filled;
pub mod input;
pub mod json;
pub mod kernel;
pub mod killer;
mod limit;
pub mod owner;
pub mod rest;
mod scan;
mod sentence;
pub mod source;
pub mod storm;
pub mod text;
pub mod time;

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::registry::{self, Container};
use cause::Verdict;
use decision::Decision;
use event::OomEvent;
use time::Wall;

/// An event with all that is known about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What happened.
    pub event: OomEvent,
    /// When, on the wall, where that can be told.
    pub when: Option<Timestamp>,
    /// Why.
    pub verdict: Verdict,
    /// The container that was hit, where oomshim started it.
    pub container: Option<Container>,
    /// The decision of the guard that led to it.
    pub decision: Option<Decision>,
}

/// What events are seen against.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// The containers that are there, and those deleted lately.
    pub containers: Vec<Container>,
    /// When the machine whose log it is was booted; `None` for a log of another boot or machine.
    pub boot: Option<Timestamp>,
    /// What the guard did lately.
    pub guard: Vec<Decision>,
}

impl Context {
    /// This machine, now. `run` is where containers are recorded.
    #[must_use]
    pub fn of_machine(run: &Path) -> Context {
        let mut containers = registry::all(run);
        containers.extend(registry::deleted(run));
        Context { containers, boot: boot_time(), guard: Vec::new() }
    }

    /// Judges an event.
    #[must_use]
    pub fn report(&self, event: OomEvent) -> Report {
        let container = cause::container(&event, &self.containers).cloned();
        let guard = self.guard.iter().find(|kill| kill.led_to(&event));
        let verdict = cause::judge(&event, container.as_ref(), guard);
        let micros = |micros: u64| i64::try_from(micros).ok();
        let when = match &event.time.wall {
            Some(Wall::Epoch(epoch)) => micros(*epoch).and_then(|epoch| Timestamp::from_microsecond(epoch).ok()),
            Some(_) => None,
            None => event.time.since_boot.zip(self.boot).and_then(|(since, boot)| {
                Timestamp::from_microsecond(boot.as_microsecond().checked_add(micros(since)?)?).ok()
            }),
        };
        Report { event, when, verdict, container, decision: guard.cloned() }
    }
}

/// When the clock of the kernel's log began; it stands still while the machine sleeps.
fn boot_time() -> Option<Timestamp> {
    let running = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).ok()?;
    let running = running.tv_sec().checked_mul(1_000_000)?.checked_add(running.tv_nsec() / 1000)?;
    Timestamp::from_microsecond(Timestamp::now().as_microsecond().checked_sub(running)?).ok()
}

/// From how many characters on the beginning of an id is enough.
const SHORT_ID: usize = 8;

/// Whether one of these containers and cgroups is that container: by its id or the beginning of that, or by the name of a
/// cgroup.
fn is_named<'a>(
    containers: impl IntoIterator<Item = &'a [u8]>,
    paths: impl IntoIterator<Item = &'a Path>,
    id: &str,
) -> bool {
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
    containers.into_iter().any(is_it) || paths.into_iter().any(named)
}

impl Report {
    /// Whether it is about that container.
    #[must_use]
    pub fn is_about(&self, id: &str) -> bool {
        let paths = [&self.event.victim_path, &self.event.group, &self.event.limit_path];
        let containers = self.container.as_ref().map(|it| it.id.as_bytes());
        is_named(containers, paths.into_iter().flatten().map(PathBuf::as_path), id)
    }
}

impl Decision {
    /// Whether it is about that container.
    #[must_use]
    pub fn is_about(&self, id: &str) -> bool {
        is_named(self.container.as_ref().map(String::as_bytes), self.cgroup.as_deref(), id)
    }
}

#[cfg(test)]
mod case_tests;
#[cfg(test)]
mod form_tests;
#[cfg(test)]
mod tests;
