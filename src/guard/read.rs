//! Reads a sample from files that are open already, into a buffer that is there already: nothing is opened and nothing is
//! allocated while memory runs out.

mod job;

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use thiserror::Error;

use super::sample::Host;
use crate::system::cgroup::keyed;
use crate::system::os_error::OsError;

pub use job::{BoundFiles, Held, JobFiles, Look};

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
}
