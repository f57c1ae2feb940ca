//! Reads a sample from files that are open already, into a buffer that is there already: nothing is opened and nothing is
//! allocated while memory runs out.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use thiserror::Error;

use super::sample::{Bound, Host};
use crate::system::cgroup::{Cgroup, CgroupError, Limit, Version, keyed, limit};
use crate::system::os_error::OsError;

/// `/proc/vmstat` has about 5 KiB, `memory.stat` 2 KiB.
const SIZE: usize = 16 * 1024;

/// What cannot be read of the host.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReadError {
    /// A file without which nothing can be decided.
    #[error("cannot read /proc/{file}: {reason}")]
    File {
        /// The file below `/proc`.
        file: &'static str,
        /// The kernel's reason.
        reason: OsError,
    },
    /// `MemTotal` or `MemAvailable` is missing.
    #[error("/proc/meminfo has no {0}")]
    Missing(&'static str),
}

/// A buffer of fixed size that files are read into.
#[derive(Debug)]
pub struct Buffer(Box<[u8; SIZE]>);

impl Default for Buffer {
    fn default() -> Self {
        Buffer(Box::new([0; SIZE]))
    }
}

impl Buffer {
    /// The file from its beginning, as far as it fits.
    fn read(&mut self, fd: &OwnedFd) -> Result<&[u8], Errno> {
        let mut length = 0;
        while length < SIZE {
            let offset = i64::try_from(length).unwrap_or(0);
            match nix::sys::uio::pread(fd, &mut self.0[length..], offset) {
                Ok(0) => break,
                Ok(count) => length += count,
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(&self.0[..length])
    }
}

/// The files of the host.
#[derive(Debug)]
pub struct HostFiles {
    meminfo: OwnedFd,
    vmstat: Option<OwnedFd>,
    pressure: Option<OwnedFd>,
}

impl HostFiles {
    /// Opens them below that proc file system.
    ///
    /// # Errors
    /// Without `meminfo` there is nothing to decide from.
    pub fn open(proc: &Path) -> Result<HostFiles, ReadError> {
        let read = |file: &str| open(&proc.join(file), OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty());
        let meminfo = read("meminfo").map_err(|errno| ReadError::File { file: "meminfo", reason: OsError(errno) })?;
        Ok(HostFiles { meminfo, vmstat: read("vmstat").ok(), pressure: read("pressure/memory").ok() })
    }

    /// Whether the kernel tells of pressure.
    #[must_use]
    pub fn has_pressure(&self) -> bool {
        self.pressure.is_some()
    }

    /// The host now.
    ///
    /// # Errors
    /// [`ReadError`]
    pub fn read(&self, buffer: &mut Buffer) -> Result<Host, ReadError> {
        let reason = |errno| ReadError::File { file: "meminfo", reason: OsError(errno) };
        let meminfo = buffer.read(&self.meminfo).map_err(reason)?;
        let memory_total = kib(meminfo, "MemTotal").ok_or(ReadError::Missing("MemTotal"))?;
        let memory_available = kib(meminfo, "MemAvailable").ok_or(ReadError::Missing("MemAvailable"))?;
        let swap_total = kib(meminfo, "SwapTotal").unwrap_or(0);
        let swap_free = kib(meminfo, "SwapFree").unwrap_or(0);
        let mut host = Host { memory_total, memory_available, swap_total, swap_free, ..Host::default() };
        if let Some(Ok(text)) = self.vmstat.as_ref().map(|fd| buffer.read(fd)) {
            let sum = |keys: &[&str]| keys.iter().filter_map(|key| keyed(text, key)).fold(0, u64::saturating_add);
            host.pages_scanned = sum(&["pgscan_kswapd", "pgscan_direct", "pgscan_khugepaged"]);
            host.refaults = sum(&["workingset_refault_anon", "workingset_refault_file"]);
            host.kernel_kills = sum(&["oom_kill"]);
        }
        if let Some(Ok(text)) = self.pressure.as_ref().map(|fd| buffer.read(fd)) {
            host.some_stall = total(text, "some");
            host.full_stall = total(text, "full");
        }
        Ok(host)
    }
}

/// `KEY:   NUMBER kB`
fn kib(meminfo: &[u8], key: &str) -> Option<u64> {
    let line =
        meminfo.split(|&byte| byte == b'\n').find_map(|line| line.strip_prefix(key.as_bytes())?.strip_prefix(b":"))?;
    let number: u64 = std::str::from_utf8(line).ok()?.trim().strip_suffix("kB")?.trim().parse().ok()?;
    number.checked_mul(1024)
}

/// `total=` of the line of a pressure file that begins so, in microseconds.
#[must_use]
pub fn total(pressure: &[u8], line: &str) -> Option<Duration> {
    let line = pressure.split(|&byte| byte == b'\n').find(|text| text.starts_with(line.as_bytes()))?;
    let word = line.split(|&byte| byte == b' ').find_map(|word| word.strip_prefix(b"total="))?;
    std::str::from_utf8(word).ok()?.parse().ok().map(Duration::from_micros)
}

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
    held: Held,
    read_at: Duration,
    current: u64,
}

/// `memory.stat` is read again when `memory.current` has moved by this much, or after [`STALE`].
const MOVED: u64 = 1 << 20;

/// The kernel brings its counters of the whole subtree up to date for each read of `memory.stat`.
const STALE: Duration = Duration::from_secs(1);

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
            held: Held::default(),
            read_at: Duration::ZERO,
            current: 0,
        })
    }

    /// How the job stands now; `None` when its cgroup is gone.
    pub fn read(&mut self, at: Duration, buffer: &mut Buffer) -> Option<(Bound, Held, bool)> {
        let bound = self.bound.read(buffer)?;
        let stale = at.saturating_sub(self.read_at) >= STALE || self.read_at.is_zero();
        if stale || bound.current.abs_diff(self.current) >= MOVED {
            (self.held, self.read_at, self.current) = (self.held(buffer)?, at, bound.current);
        }
        let populated = match &self.populated {
            Some(fd) => keyed(buffer.read(fd).ok()?, "populated") != Some(0),
            // cgroup v1 does not tell; what holds memory is taken for alive.
            None => bound.current > 0,
        };
        Some((bound, self.held, populated))
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
    fn the_host_is_read_with_and_without_pressure() {
        let proc = tempfile::tempdir().unwrap();
        let meminfo =
            "MemTotal:       1000 kB\nMemFree: 1 kB\nMemAvailable:    500 kB\nSwapTotal: 8 kB\nSwapFree: 4 kB\n";
        std::fs::write(proc.path().join("meminfo"), meminfo).unwrap();
        std::fs::write(proc.path().join("vmstat"), "pgscan_kswapd 3\npgscan_direct 4\noom_kill 2\n").unwrap();
        let files = HostFiles::open(proc.path()).unwrap();
        let host = files.read(&mut Buffer::default()).unwrap();
        assert_eq!((host.memory_total, host.memory_available, host.swap_free), (1_024_000, 512_000, 4096));
        assert_eq!((host.pages_scanned, host.kernel_kills, host.full_stall), (7, 2, None));
        std::fs::create_dir(proc.path().join("pressure")).unwrap();
        let pressure =
            "some avg10=0.00 avg60=0.00 avg300=0.00 total=7\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=5\n";
        std::fs::write(proc.path().join("pressure/memory"), pressure).unwrap();
        let host = HostFiles::open(proc.path()).unwrap().read(&mut Buffer::default()).unwrap();
        assert_eq!(
            (host.some_stall, host.full_stall),
            (Some(Duration::from_micros(7)), Some(Duration::from_micros(5)))
        );
        std::fs::write(proc.path().join("meminfo"), "MemTotal: 1 kB\n").unwrap();
        let error = HostFiles::open(proc.path()).unwrap().read(&mut Buffer::default()).unwrap_err();
        assert_eq!(error, ReadError::Missing("MemAvailable"));
    }

    #[test]
    fn this_machine_can_be_read() {
        let host = HostFiles::open(Path::new("/proc")).unwrap().read(&mut Buffer::default()).unwrap();
        assert!(host.memory_available > 0 && host.memory_available <= host.memory_total);
    }

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
        let (bound, held, populated) = files.read(Duration::from_secs(1), &mut Buffer::default()).unwrap();
        assert_eq!((bound.current, bound.limit, bound.limit_hits, bound.kernel_kills), (9_000_000, None, 3, 1));
        assert_eq!((held, populated), (Held { private: 137, shared: 30 }, true));
        write("cgroup.events", "populated 0\n");
        assert_eq!(files.read(Duration::from_secs(2), &mut Buffer::default()).map(|it| it.2), Some(false));
    }
}
