//! The files of one cgroup: how close it is to its limit, and what a job holds.

use std::os::fd::OwnedFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;

use super::{Buffer, total};
use crate::guard::sample::Bound;
use crate::system::cgroup::{Cgroup, CgroupError, Limit, Version, keyed, limit};

/// How close a cgroup is to its limit.
#[derive(Debug)]
pub struct BoundFiles {
    version: Version,
    current: Option<OwnedFd>,
    max: Option<OwnedFd>,
    pressure: Option<OwnedFd>,
    events: Option<OwnedFd>,
    failures: Option<OwnedFd>,
}

/// Files of cgroup v2 and what is nearest to them in v1.
fn file_names(version: Version) -> [&'static str; 4] {
    match version {
        Version::V2 => ["memory.current", "memory.max", "memory.events", "memory.pressure"],
        Version::V1 => {
            ["memory.usage_in_bytes", "memory.limit_in_bytes", "memory.oom_control", "memory.pressure_is_not_in_v1"]
        }
    }
}

fn optional(cgroup: &Cgroup, file: &str) -> Result<Option<OwnedFd>, CgroupError> {
    match cgroup.file(file, OFlag::O_RDONLY) {
        Ok(fd) => Ok(Some(fd)),
        Err(error) if matches!(error.errno, Errno::ENOENT | Errno::EOPNOTSUPP) && cgroup.has("cgroup.procs") => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

impl BoundFiles {
    /// Opens the files of a cgroup.
    ///
    /// # Errors
    /// [`CgroupError`] where the cgroup is gone. A file that this kernel has not is no error.
    pub fn open(cgroup: &Cgroup) -> Result<BoundFiles, CgroupError> {
        let version = cgroup.version();
        let [current, max, events, pressure] = file_names(version);
        let failures = if version == Version::V1 { optional(cgroup, "memory.failcnt")? } else { None };
        Ok(BoundFiles {
            version,
            current: optional(cgroup, current)?,
            max: optional(cgroup, max)?,
            pressure: optional(cgroup, pressure)?,
            events: optional(cgroup, events)?,
            failures,
        })
    }

    /// What it uses now; `None` when the cgroup is gone.
    fn current(&self, buffer: &mut Buffer) -> Option<u64> {
        let Some(fd) = &self.current else { return Some(0) };
        buffer.read(fd).map(limit).ok().map(|it| it.and_then(Limit::number).unwrap_or(0))
    }

    /// How it stands now; `None` when the cgroup is gone.
    pub fn read(&self, buffer: &mut Buffer) -> Option<Bound> {
        let mut number = |fd: &Option<OwnedFd>| match fd {
            Some(fd) => buffer.read(fd).map(limit).ok(),
            None => Some(None),
        };
        let current = number(&self.current)?.and_then(Limit::number).unwrap_or(0);
        let max = number(&self.max)?.and_then(Limit::number);
        let failures = number(&self.failures)?.and_then(Limit::number);
        let mut bound = Bound { current, limit: max, ..Bound::default() };
        if let Some(fd) = &self.events {
            let text = buffer.read(fd).ok()?;
            bound.kernel_kills = keyed(text, "oom_kill").unwrap_or(0);
            bound.limit_hits = match self.version {
                Version::V2 => keyed(text, "max").unwrap_or(0),
                Version::V1 => failures.unwrap_or(0),
            };
        }
        if bound.limit.is_some()
            && let Some(fd) = &self.pressure
        {
            bound.full_stall = buffer.read(fd).ok().and_then(|text| total(text, "full"));
        }
        Some(bound)
    }
}

/// What a job holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// What only a kill gives back, in bytes.
    pub private: u64,
    /// tmpfs and shared memory, in bytes.
    pub shared: u64,
}

/// The files of a job.
#[derive(Debug)]
pub struct JobFiles {
    bound: BoundFiles,
    stat: Option<OwnedFd>,
    swap: Option<OwnedFd>,
    populated: Option<OwnedFd>,
    bound_then: Bound,
    held: Held,
    is_populated: bool,
    /// When everything was read.
    read_at: Option<Duration>,
}

/// How closely a job is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// A condition is near: everything counts.
    Closely,
    /// Nothing is near: of a job that has not moved, one file is read.
    InPassing,
}

/// A job is read again when its `memory.current` has moved by this much, and in any case after [`Look::stale`].
const MOVED: u64 = 1 << 20;

impl Look {
    /// After so long what was read counts no more. For each read of `memory.stat` the kernel brings its counters of the whole
    /// subtree up to date, and a thousand idle jobs have a thousand of them.
    fn stale(self) -> Duration {
        match self {
            Look::Closely => Duration::from_secs(1),
            Look::InPassing => Duration::from_secs(10),
        }
    }
}

impl JobFiles {
    /// Opens the files of a job.
    ///
    /// # Errors
    /// [`CgroupError`] where the cgroup is gone.
    pub fn open(cgroup: &Cgroup) -> Result<JobFiles, CgroupError> {
        Ok(JobFiles {
            bound: BoundFiles::open(cgroup)?,
            stat: optional(cgroup, "memory.stat")?,
            swap: optional(cgroup, "memory.swap.current")?,
            populated: optional(cgroup, "cgroup.events")?,
            bound_then: Bound::default(),
            held: Held::default(),
            is_populated: false,
            read_at: None,
        })
    }

    /// How the job stands now; `None` when its cgroup is gone.
    pub fn read(&mut self, at: Duration, look: Look, buffer: &mut Buffer) -> Option<(Bound, Held, bool)> {
        let current = self.bound.current(buffer)?;
        let fresh = self.read_at.is_some_and(|then| at.saturating_sub(then) < look.stale());
        let moved = current.abs_diff(self.bound_then.current) >= MOVED;
        // One that is close to its own limit may be in a livelock without moving.
        let at_limit = self.bound_then.limit.is_some_and(|limit| current >= limit / 10 * 9);
        if look == Look::InPassing && fresh && !moved && !at_limit {
            return Some((Bound { current, ..self.bound_then }, self.held, self.is_populated));
        }
        let bound = self.bound.read(buffer)?;
        if moved || !fresh {
            (self.held, self.read_at) = (self.held(buffer)?, Some(at));
            self.bound_then = bound;
        }
        self.is_populated = match &self.populated {
            Some(fd) => keyed(buffer.read(fd).ok()?, "populated") != Some(0),
            // cgroup v1 does not tell; what holds memory is taken for alive.
            None => bound.current > 0,
        };
        Some((bound, self.held, self.is_populated))
    }

    fn held(&self, buffer: &mut Buffer) -> Option<Held> {
        let swap = match &self.swap {
            Some(fd) => limit(buffer.read(fd).ok()?).and_then(Limit::number).unwrap_or(0),
            None => 0,
        };
        let text = buffer.read(self.stat.as_ref()?).ok()?;
        let get = |key: &str| keyed(text, key).unwrap_or(0);
        if self.bound.version == Version::V1 {
            let anon = get("total_rss").saturating_add(get("total_swap"));
            return Some(Held { private: anon, shared: get("total_shmem") });
        }
        // `kernel` since Linux 5.18.
        let kernel = match keyed(text, "kernel") {
            Some(kernel) => kernel.saturating_sub(get("slab_reclaimable")),
            None => get("slab_unreclaimable").saturating_add(get("kernel_stack")).saturating_add(get("pagetables")),
        };
        let private = get("anon").saturating_add(kernel).saturating_add(swap);
        Some(Held { private, shared: get("shmem") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_read_from_its_cgroup() {
        let directory = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| std::fs::write(directory.path().join(file), text).unwrap();
        write("cgroup.procs", "1\n");
        write("memory.current", "9000000\n");
        write("memory.max", "max\n");
        write("memory.events", "low 0\nhigh 0\nmax 3\noom 0\noom_kill 1\n");
        write("memory.stat", "anon 100\nfile 5000\nkernel 50\nshmem 30\nslab_reclaimable 20\n");
        write("memory.swap.current", "7\n");
        write("cgroup.events", "populated 1\nfrozen 0\n");
        let cgroup = Cgroup::fake(directory.path(), Version::V2);
        let mut files = JobFiles::open(&cgroup).unwrap();
        let (bound, held, populated) =
            files.read(Duration::from_secs(1), Look::Closely, &mut Buffer::default()).unwrap();
        assert_eq!((bound.current, bound.limit, bound.limit_hits, bound.kernel_kills), (9_000_000, None, 3, 1));
        assert_eq!((held, populated), (Held { private: 137, shared: 30 }, true));
        write("cgroup.events", "populated 0\n");
        let mut look = |at, look| files.read(Duration::from_secs(at), look, &mut Buffer::default());
        assert_eq!(look(2, Look::InPassing).map(|it| it.2), Some(true), "it has not moved");
        assert_eq!(look(2, Look::Closely).map(|it| it.2), Some(false));
        write("memory.stat", "anon 9999\nshmem 0\n");
        assert_eq!(look(3, Look::InPassing).map(|it| it.1.private), Some(137));
        write("memory.current", "19000000\n");
        assert_eq!(look(4, Look::InPassing).map(|it| it.1.private), Some(9999 + 7), "it has moved");
        write("memory.stat", "anon 5\nshmem 0\n");
        assert_eq!(look(14, Look::InPassing).map(|it| it.1.private), Some(5 + 7), "that was long ago");
    }
}
