//! Ends every process of a cgroup and of all below it, by the best means that the kernel has here.

use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::Signal;

use super::{Cgroup, CgroupError, Freeze, Version};
use crate::system::pidfd::PidFd;

/// By what a cgroup was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `cgroup.kill` (Linux 5.14): one write, and a fork that races with it dies too.
    CgroupKill,
    /// All were frozen, each was sent SIGKILL, and all were thawed: nobody can fork meanwhile.
    Freeze,
    /// SIGKILL to each that is listed, until nobody is listed.
    Rounds,
}

impl Method {
    /// The word for it in records.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Method::CgroupKill => "cgroup.kill",
            Method::Freeze => "freezer",
            Method::Rounds => "SIGKILL",
        }
    }
}

/// How the end of a cgroup went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// By what.
    pub method: Method,
    /// Whether no process was left in time.
    pub empty: bool,
}

/// How often a cgroup is looked at that does not tell when it is empty.
const STEP: Duration = Duration::from_millis(2);

impl Cgroup {
    /// Writes `cgroup.kill`.
    ///
    /// # Errors
    /// [`CgroupError`], with ENOENT where the kernel has no such file.
    pub fn kill(&self) -> Result<(), CgroupError> {
        self.write("cgroup.kill", "1")
    }

    /// Freezes or thaws all processes. On v1 only the freezer's hierarchy can. It is asked for and not waited for.
    ///
    /// # Errors
    /// [`CgroupError`].
    pub fn freeze(&self, state: Freeze) -> Result<(), CgroupError> {
        match (self.version, state) {
            (Version::V2, Freeze::Frozen) => self.write("cgroup.freeze", "1"),
            (Version::V2, Freeze::Thawed) => self.write("cgroup.freeze", "0"),
            (Version::V1, Freeze::Frozen) => self.write("freezer.state", "FROZEN"),
            (Version::V1, Freeze::Thawed) => self.write("freezer.state", "THAWED"),
        }
    }

    /// Whether all processes are frozen.
    ///
    /// # Errors
    /// [`CgroupError`].
    pub fn is_frozen(&self) -> Result<bool, CgroupError> {
        match self.version {
            Version::V2 => Ok(self.counter("cgroup.events", "frozen")? != 0),
            Version::V1 => Ok(self.read("freezer.state")?.starts_with(b"FROZEN")),
        }
    }

    /// Ends every process of the cgroup and of all below it, and waits until none is left or the time is over. A cgroup
    /// that goes away meanwhile is empty.
    ///
    /// Where neither `cgroup.kill` nor a freezer is there, a process that forks faster than it is killed may win.
    ///
    /// # Errors
    /// [`CgroupError`] where the cgroup cannot be read or written.
    pub fn end_all(&self, time: Duration) -> Result<Ended, CgroupError> {
        let until = Instant::now() + time;
        let method = match self.kill() {
            Ok(()) => Method::CgroupKill,
            Err(error) if error.is_gone() && !self.exists() => {
                return Ok(Ended { method: Method::CgroupKill, empty: true });
            }
            Err(error) if error.errno == Errno::ENOENT => {
                let freezer = self.version == Version::V2 || self.has("freezer.state");
                if freezer { self.kill_frozen(until)? } else { Method::Rounds }
            }
            Err(error) => return Err(error),
        };
        loop {
            match self.is_populated() {
                Ok(false) => return Ok(Ended { method, empty: true }),
                Ok(true) => {}
                Err(error) if error.is_gone() => return Ok(Ended { method, empty: true }),
                Err(error) => return Err(error),
            }
            if Instant::now() >= until {
                return Ok(Ended { method, empty: false });
            }
            if method == Method::Rounds {
                self.signal_all();
            }
            sleep(STEP);
        }
    }

    /// Whether the cgroup is still there: a file of a removed one cannot be opened.
    fn exists(&self) -> bool {
        self.has("cgroup.procs")
    }

    /// Freezes, signals, thaws. Thaws in any case: nothing may be left frozen.
    fn kill_frozen(&self, until: Instant) -> Result<Method, CgroupError> {
        self.freeze(Freeze::Frozen)?;
        let patience = until.min(Instant::now() + Duration::from_secs(2));
        while !self.is_frozen().unwrap_or(true) && Instant::now() < patience {
            sleep(STEP);
        }
        self.signal_all();
        match self.freeze(Freeze::Thawed) {
            Err(error) if error.is_gone() => Ok(Method::Freeze),
            other => other.map(|()| Method::Freeze),
        }
    }

    /// Sends SIGKILL to every process that is in the cgroup now. The process that a number stood for may end, and the
    /// number become somebody else's: so each is opened first and must still be listed behind that.
    fn signal_all(&self) {
        let listed = self.all_procs().unwrap_or_default();
        let opened: Vec<_> = listed.into_iter().filter_map(|pid| Some((pid, PidFd::open(pid).ok()?))).collect();
        let still = self.all_procs().unwrap_or_default();
        for (pid, process) in opened {
            if still.contains(&pid) {
                let _ = process.send(Signal::SIGKILL);
            }
        }
    }
}
