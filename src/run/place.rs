//! A job's own cgroup: made, limited, entered at birth, ended and removed. It is locked for as long as the job's supervisor
//! lives, so that one that nobody supervises any more can be told from one that runs.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use thiserror::Error;

use super::abandoned;
use super::parent::Parent;
use super::settings::Settings;
use crate::system::cgroup::{Cgroup, CgroupError, Ended, Lock, Version};

/// What the names of jobs' cgroups begin with. Nothing else is ever cleaned up.
pub const PREFIX: &str = "oomshim-run-";

/// How long the end of a job's processes is waited for.
pub const END: Duration = Duration::from_secs(10);

/// The longest name of a job; a cgroup's name has 255 bytes at most.
const NAME: usize = 64;

/// Why there is no cgroup for a job.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlaceError {
    /// A job of that name runs.
    #[error("a job named {0} is running already: choose another --name")]
    Running(String),
    /// A name that could not be told from a path.
    #[error("--name {0}: use 1 to 64 letters, digits, dots, hyphens and underscores")]
    Name(String),
    /// Anything else.
    #[error(transparent)]
    Cgroup(#[from] CgroupError),
}

/// A setting of the memory controller that the job does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The file, by its name on cgroup v2.
    pub file: &'static str,
    /// Why.
    pub reason: String,
}

/// A job's cgroup, in each hierarchy that it needs.
#[derive(Debug)]
pub struct Place {
    /// The name of the job.
    pub name: String,
    /// The kernel's name of the cgroup.
    pub kernel: PathBuf,
    /// In the unified hierarchy, with the memory controller or, beside v1, without.
    pub unified: Option<Cgroup>,
    /// In the v1 hierarchy of the memory controller.
    pub memory_v1: Option<Cgroup>,
    /// In the v1 hierarchy of the freezer.
    pub freezer_v1: Option<Cgroup>,
    locks: Vec<Lock>,
    is_removed: bool,
}

/// A name that no other job has: the PID and the time.
#[must_use]
pub fn unique_name() -> String {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC);
    let nanos = now.map_or(0, |time| time.tv_sec().wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec()));
    format!("{}-{nanos:x}", std::process::id())
}

impl Place {
    /// Makes the cgroup below the parent. One of the same name that nobody supervises is ended and removed first.
    ///
    /// # Errors
    /// [`PlaceError`]; nothing is left behind.
    pub fn make(parent: &Parent, name: &str) -> Result<Place, PlaceError> {
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        if name.is_empty() || name.len() > NAME || !name.as_bytes().iter().all(is_plain) {
            return Err(PlaceError::Name(name.chars().take(NAME).collect()));
        }
        let file = OsString::from(format!("{PREFIX}{name}"));
        let mut place = Place {
            name: name.to_owned(),
            kernel: parent.kernel.join(&file),
            unified: None,
            memory_v1: None,
            freezer_v1: None,
            locks: Vec::new(),
            is_removed: false,
        };
        // On an error, what was made so far goes with the drop.
        place.memory_v1 = place.one(parent.memory_v1.as_ref(), &file)?;
        place.freezer_v1 = place.one(parent.freezer_v1.as_ref(), &file)?;
        place.unified = place.one(parent.unified.as_ref(), &file)?;
        Ok(place)
    }

    fn one(&mut self, parent: Option<&Cgroup>, file: &OsStr) -> Result<Option<Cgroup>, PlaceError> {
        let Some(parent) = parent else { return Ok(None) };
        // Whoever cleans up may take a new one for an abandoned one, before it is locked.
        for _ in 0..10 {
            let cgroup = match parent.create(file, Mode::S_IRWXU) {
                Ok(cgroup) => cgroup,
                Err(error) if error.errno == Errno::EEXIST => {
                    if abandoned::clean_one(parent, file)? {
                        continue;
                    }
                    return Err(PlaceError::Running(self.name.clone()));
                }
                // Removed between its making and its opening.
                Err(error) if error.operation == "open" && error.is_gone() => continue,
                Err(error) => return Err(error.into()),
            };
            match cgroup.lock() {
                Ok(Some(lock)) if cgroup.is_there() => {
                    self.locks.push(lock);
                    return Ok(Some(cgroup));
                }
                Ok(_) => {}
                Err(error) if error.is_gone() => {}
                Err(error) => {
                    let _ = cgroup.remove_empty();
                    return Err(error.into());
                }
            }
        }
        Err(PlaceError::Running(self.name.clone()))
    }

    /// The cgroup that has the memory controller.
    #[must_use]
    pub fn memory(&self) -> Option<&Cgroup> {
        self.memory_v1.as_ref().or(self.unified.as_ref())
    }

    /// The cgroup that a child can be born into.
    #[must_use]
    pub fn birth(&self) -> Option<BorrowedFd<'_>> {
        self.unified.as_ref().map(AsFd::as_fd)
    }

    /// What a process that is not born there writes `0` to, to enter; `born` tells whether it is in the unified hierarchy.
    ///
    /// # Errors
    /// [`CgroupError`]
    pub fn entrances(&self, born: Born) -> Result<Vec<OwnedFd>, CgroupError> {
        let unified = self.unified.iter().filter(|_| born == Born::Outside);
        let all = unified.chain(&self.memory_v1).chain(&self.freezer_v1);
        all.map(|cgroup| cgroup.file("cgroup.procs", OFlag::O_WRONLY)).collect()
    }

    /// The descriptors that keep the locks.
    pub fn locks(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.locks.iter().map(AsFd::as_fd)
    }

    /// All of its cgroups, the one that ends the job first.
    pub fn each(&self) -> impl Iterator<Item = &Cgroup> {
        self.unified.iter().chain(&self.freezer_v1).chain(&self.memory_v1)
    }

    /// Writes the job's limits. Gives what could not be had.
    #[must_use]
    pub fn limit(&self, settings: &Settings) -> Vec<Missing> {
        let Some(cgroup) = self.memory() else {
            return Vec::new();
        };
        match cgroup.version() {
            Version::V2 => limit_v2(cgroup, settings),
            Version::V1 => limit_v1(cgroup, settings),
        }
    }

    /// Ends every process of the job.
    ///
    /// # Errors
    /// [`CgroupError`]
    pub fn end(&self) -> Result<Option<Ended>, CgroupError> {
        self.each().next().map(|cgroup| cgroup.end_all(END)).transpose()
    }

    /// Ends every process and removes the cgroup.
    ///
    /// # Errors
    /// [`CgroupError`], with EBUSY where a process does not end.
    pub fn remove(&mut self) -> Result<(), CgroupError> {
        for cgroup in self.each() {
            cgroup.end_all(END)?;
            cgroup.remove()?;
        }
        self.is_removed = true;
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.is_removed {
            let _ = self.remove();
        }
    }
}

/// Whether a child begins its life in the job's cgroup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Born {
    /// It does.
    Inside,
    /// It enters it by itself, before anything of the job's runs.
    Outside,
}

fn limit_v2(cgroup: &Cgroup, settings: &Settings) -> Vec<Missing> {
    let number = |limit: Option<u64>| limit.map(|bytes| bytes.to_string());
    let files = [
        ("memory.oom.group", settings.oom_group.then(|| "1".to_owned())),
        ("memory.swap.max", number(settings.swap_max)),
        ("memory.high", number(settings.high)),
        ("memory.max", number(settings.max)),
    ];
    let write = |(file, value): (&'static str, Option<String>)| {
        let error = cgroup.write(file, &value?).err()?;
        // Kernels without swap have no file for it, and no job swaps there.
        let is_needless = file == "memory.swap.max" && error.errno == Errno::ENOENT;
        (!is_needless).then(|| Missing { file, reason: error.to_string() })
    };
    files.into_iter().filter_map(write).collect()
}

fn limit_v1(cgroup: &Cgroup, settings: &Settings) -> Vec<Missing> {
    let mut missing = Vec::new();
    let mut miss = |file, reason: String| missing.push(Missing { file, reason });
    let only_v2 = || "cgroup v1 has nothing like it".to_owned();
    if settings.oom_group {
        miss("memory.oom.group", only_v2());
    }
    if settings.high.is_some() {
        miss("memory.high", only_v2());
    }
    if let Some(max) = settings.max
        && let Err(error) = cgroup.write("memory.limit_in_bytes", &max.to_string())
    {
        miss("memory.max", error.to_string());
    }
    if let Some(swap) = settings.swap_max {
        // v1 limits memory and swap together.
        match settings.max {
            None => {
                miss("memory.swap.max", "cgroup v1 limits swap only together with memory: give --memory-max".into());
            }
            Some(max) => {
                let both = max.saturating_add(swap).to_string();
                if let Err(error) = cgroup.write("memory.memsw.limit_in_bytes", &both)
                    && error.errno != Errno::ENOENT
                {
                    miss("memory.swap.max", error.to_string());
                }
            }
        }
    }
    missing
}

/// The name of the job whose cgroup has that name.
#[must_use]
pub fn job_of(file: &OsStr) -> Option<&str> {
    let name = std::str::from_utf8(file.as_bytes().strip_prefix(PREFIX.as_bytes())?).ok()?;
    (!name.is_empty() && Path::new(name).components().count() == 1).then_some(name)
}
