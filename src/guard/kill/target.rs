//! A job whose files are open before it has to die: when memory is gone, opening a file may not work or take long.

use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::fcntl::OFlag;

use crate::system::cgroup::{Cgroup, CgroupError, Limit, Version, keyed, limit};

/// A job that can be killed.
#[derive(Debug)]
pub struct Target {
    /// The cgroup that has the memory controller.
    pub(super) memory: Cgroup,
    /// The cgroup by which the processes are ended, where that is another one (cgroup v1).
    ending: Option<Cgroup>,
    pub(super) kill: Option<OwnedFd>,
    pub(super) populated: Option<OwnedFd>,
    pub(super) events: Option<OwnedFd>,
    pub(super) current: Option<OwnedFd>,
    pub(super) stat: Option<OwnedFd>,
    pub(super) max: Option<OwnedFd>,
    pub(super) swap_max: Option<OwnedFd>,
    id: u64,
}

impl Target {
    /// Opens a job. On cgroup v1 `memory` is its cgroup of the memory controller, and `ending` its own one of the unified
    /// hierarchy or the freezer's, where it has one: none of them may be shared with another job.
    ///
    /// # Errors
    /// [`CgroupError`] where the cgroup itself cannot be read. A file that this kernel has not is no error.
    pub fn open(memory: Cgroup, ending: Option<Cgroup>) -> Result<Target, CgroupError> {
        let id = memory.id()?;
        let open = |cgroup: &Cgroup, file: &str, flags| match cgroup.file(file, flags) {
            Ok(fd) => Ok(Some(fd)),
            Err(error) if matches!(error.errno, Errno::ENOENT | Errno::EACCES | Errno::EPERM) => Ok(None),
            Err(error) => Err(error),
        };
        let is_v2 = memory.version() == Version::V2;
        // systemd stops a service as soon as the kernel counts a kill in it (`OOMPolicy=`), and with it whoever runs jobs.
        let is_service = memory.path().extension().is_some_and(|kind| kind == "service");
        let limits = is_v2 && !is_service;
        let by = ending.as_ref().unwrap_or(&memory);
        let (kill, populated) =
            (open(by, "cgroup.kill", OFlag::O_WRONLY)?, open(by, "cgroup.events", OFlag::O_RDONLY)?);
        let current = if is_v2 { "memory.current" } else { "memory.usage_in_bytes" };
        Ok(Target {
            kill,
            populated,
            events: if is_v2 { open(&memory, "memory.events", OFlag::O_RDONLY)? } else { None },
            current: open(&memory, current, OFlag::O_RDONLY)?,
            stat: open(&memory, "memory.stat", OFlag::O_RDONLY)?,
            max: if limits { open(&memory, "memory.max", OFlag::O_RDWR)? } else { None },
            swap_max: if limits { open(&memory, "memory.swap.max", OFlag::O_RDWR)? } else { None },
            memory,
            ending,
            id,
        })
    }

    /// The inode of the job's cgroup.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The cgroup that has the memory controller.
    #[must_use]
    pub fn cgroup(&self) -> &Cgroup {
        &self.memory
    }

    /// The cgroup by which the processes are ended.
    pub(super) fn ending(&self) -> &Cgroup {
        self.ending.as_ref().unwrap_or(&self.memory)
    }

    /// Whether a kill of this job can look like the kernel's.
    #[must_use]
    pub fn can_look_like_oom(&self) -> bool {
        self.max.is_some() && self.events.is_some()
    }

    /// `memory.current` in bytes; 0 when the cgroup is gone.
    pub(super) fn usage(&self) -> u64 {
        self.current.as_ref().and_then(|fd| number(fd).ok()?.number()).unwrap_or(0)
    }

    /// `shmem` of `memory.stat` in bytes; 0 when the cgroup is gone.
    pub(super) fn shared(&self) -> u64 {
        let key = if self.memory.version() == Version::V2 { "shmem" } else { "total_shmem" };
        self.stat.as_ref().and_then(|fd| counter(fd, key).ok()).unwrap_or(0)
    }

    /// `oom_kill` of `memory.events`.
    pub(super) fn kernel_kills(&self) -> u64 {
        self.events.as_ref().and_then(|fd| counter(fd, "oom_kill").ok()).unwrap_or(0)
    }

    /// Whether a process is left.
    pub(super) fn is_populated(&self) -> bool {
        let read = self.populated.as_ref().map(|fd| counter(fd, "populated"));
        match read {
            Some(Ok(count)) => count != 0,
            Some(Err(_)) => false,
            None => self.ending().is_populated().unwrap_or(false),
        }
    }
}

/// Reads a file of the cgroup from its beginning into a buffer on the stack.
fn read(fd: &OwnedFd, buffer: &mut [u8; 4096]) -> Result<usize, Errno> {
    loop {
        match nix::sys::uio::pread(fd, buffer, 0) {
            Err(Errno::EINTR) => {}
            other => return other,
        }
    }
}

fn counter(fd: &OwnedFd, key: &str) -> Result<u64, Errno> {
    let mut buffer = [0; 4096];
    let count = read(fd, &mut buffer)?;
    Ok(keyed(&buffer[..count], key).unwrap_or(0))
}

/// A limit or an amount.
pub(super) fn number(fd: &OwnedFd) -> Result<Limit, Errno> {
    let mut buffer = [0; 4096];
    let count = read(fd, &mut buffer)?;
    limit(&buffer[..count]).ok_or(Errno::EINVAL)
}
