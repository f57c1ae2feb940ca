//! One cgroup: its directory, opened once. Everything is read and written relative to that descriptor, so that a cgroup
//! that was removed and made again under the same name is never taken for the one that was opened.
//!
//! cgroup v2 first. On v1 the same calls work where the hierarchy has the file, and say ENOENT where it has not.

mod attribute;
mod error;
mod kill;
mod lock;
mod parse;
mod remove;
pub mod tree;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, fstat, fstatat, mkdirat};
use nix::sys::statfs::{CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, fstatfs};

pub use error::CgroupError;
pub use kill::{Ended, Method};
pub use lock::Lock;
pub use parse::{Limit, keyed, limit};

/// The largest file of a cgroup that is read, in bytes: `memory.stat` has about 2 KiB, `cgroup.procs` 8 bytes a process.
const LIMIT: usize = 1024 * 1024;

/// How deep cgroups may be nested that are looked through; the kernel's own limit is `cgroup.max.depth`.
const DEPTH: usize = 32;

/// Which version of the interface a cgroup has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// A hierarchy of its own for some controllers.
    V1,
    /// The unified hierarchy.
    V2,
}

/// Whether the processes of a cgroup run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freeze {
    /// They stand still.
    Frozen,
    /// They run.
    Thawed,
}

/// A cgroup's directory, open.
#[derive(Debug)]
pub struct Cgroup {
    directory: File,
    path: PathBuf,
    version: Version,
}

const OPEN: OFlag = OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

impl Cgroup {
    /// Opens the cgroup at that path of the file system.
    ///
    /// # Errors
    /// [`CgroupError`], with ENOTSUP for a directory that is not a cgroup's.
    pub fn open(path: &Path) -> Result<Cgroup, CgroupError> {
        let fail = |errno| CgroupError::new("open", path, errno);
        let directory = nix::fcntl::open(path, OPEN, Mode::empty()).map_err(fail)?;
        let kind = fstatfs(&directory).map_err(fail)?.filesystem_type();
        let version = match kind {
            CGROUP2_SUPER_MAGIC => Version::V2,
            CGROUP_SUPER_MAGIC => Version::V1,
            _ => return Err(fail(Errno::ENOTSUP)),
        };
        Ok(Cgroup { directory: directory.into(), path: path.to_owned(), version })
    }

    /// Opens a cgroup below this one. `name` is one name, not a path.
    ///
    /// # Errors
    /// [`CgroupError`].
    pub fn child(&self, name: &OsStr) -> Result<Cgroup, CgroupError> {
        let path = self.path.join(name);
        match openat(&self.directory, Path::new(name), OPEN, Mode::empty()) {
            Ok(directory) => Ok(Cgroup { directory: directory.into(), path, version: self.version }),
            Err(errno) => Err(CgroupError::new("open", &path, errno)),
        }
    }

    /// Makes a cgroup below this one, which must not be there yet. Whoever can open its directory can lock it.
    ///
    /// # Errors
    /// [`CgroupError`], with EEXIST where it is there.
    pub fn create(&self, name: &OsStr, mode: Mode) -> Result<Cgroup, CgroupError> {
        mkdirat(&self.directory, Path::new(name), mode)
            .map_err(|errno| CgroupError::new("create", &self.path.join(name), errno))?;
        self.child(name)
    }

    /// Where it was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Which version of the interface it has.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The inode of its directory, which is the kernel's id of it.
    ///
    /// # Errors
    /// [`CgroupError`].
    pub fn id(&self) -> Result<u64, CgroupError> {
        fstat(&self.directory).map(|stat| stat.st_ino).map_err(|errno| self.error("stat", "", errno))
    }

    /// The error of an operation on a file of this cgroup; an empty name means the directory itself.
    pub(crate) fn error(&self, operation: &'static str, file: &str, errno: Errno) -> CgroupError {
        CgroupError::new(operation, &if file.is_empty() { self.path.clone() } else { self.path.join(file) }, errno)
    }

    /// Opens a file of the cgroup, to be read or written many times. [`nix::unistd`] reads and writes it.
    ///
    /// # Errors
    /// [`CgroupError`].
    pub fn file(&self, file: &str, flags: OFlag) -> Result<OwnedFd, CgroupError> {
        openat(&self.directory, file, flags | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW, Mode::empty())
            .map_err(|errno| self.error("open", file, errno))
    }

    /// Whether it has a file of that name.
    #[must_use]
    pub fn has(&self, file: &str) -> bool {
        fstatat(&self.directory, file, AtFlags::AT_SYMLINK_NOFOLLOW).is_ok()
    }

    /// What a file holds.
    ///
    /// # Errors
    /// [`CgroupError`], with ENODEV when the cgroup was removed.
    pub fn read(&self, file: &str) -> Result<Vec<u8>, CgroupError> {
        let fd = self.file(file, OFlag::O_RDONLY)?;
        let mut bytes = Vec::new();
        let mut part = [0; 4096];
        while bytes.len() < LIMIT {
            match nix::unistd::read(&fd, &mut part) {
                Ok(0) => break,
                Ok(count) => bytes.extend_from_slice(&part[..count]),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(self.error("read", file, errno)),
            }
        }
        Ok(bytes)
    }

    /// Writes a value to a file. The kernel takes it whole or not at all.
    ///
    /// # Errors
    /// [`CgroupError`].
    pub fn write(&self, file: &str, value: &str) -> Result<(), CgroupError> {
        let fd = self.file(file, OFlag::O_WRONLY)?;
        loop {
            match nix::unistd::write(&fd, value.as_bytes()) {
                Ok(_) => return Ok(()),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(self.error("write", file, errno)),
            }
        }
    }

    /// A file that holds one number, or `max` for `None`.
    ///
    /// # Errors
    /// [`CgroupError`], with EINVAL where it holds something else.
    pub fn number(&self, file: &str) -> Result<Option<u64>, CgroupError> {
        let bytes = self.read(file)?;
        limit(&bytes).map(Limit::number).ok_or_else(|| self.error("read", file, Errno::EINVAL))
    }

    /// A number of a file of lines `KEY NUMBER`; 0 where the kernel has no such line.
    ///
    /// # Errors
    /// [`CgroupError`].
    pub fn counter(&self, file: &str, key: &str) -> Result<u64, CgroupError> {
        Ok(keyed(&self.read(file)?, key).unwrap_or(0))
    }

    /// Moves a process into the cgroup; 0 is the caller.
    ///
    /// # Errors
    /// [`CgroupError`].
    pub fn enter(&self, pid: i32) -> Result<(), CgroupError> {
        self.write("cgroup.procs", &pid.to_string())
    }

    /// The processes that are in this cgroup itself, not in one below.
    ///
    /// # Errors
    /// [`CgroupError`].
    pub fn procs(&self) -> Result<Vec<i32>, CgroupError> {
        let bytes = self.read("cgroup.procs")?;
        let lines = bytes.split(|&byte| byte == b'\n');
        Ok(lines.filter_map(|line| std::str::from_utf8(line).ok()?.parse().ok()).collect())
    }

    /// The processes of this cgroup and of all below it. Of a cgroup that goes away meanwhile there are none.
    ///
    /// # Errors
    /// [`CgroupError`] of this cgroup itself.
    pub fn all_procs(&self) -> Result<Vec<i32>, CgroupError> {
        let mut pids = self.procs()?;
        self.walk(DEPTH, &mut |child| pids.extend(child.procs().unwrap_or_default()));
        Ok(pids)
    }

    /// Whether any process is left in it or below.
    ///
    /// # Errors
    /// [`CgroupError`], with ENOENT or ENODEV when it was removed.
    pub fn is_populated(&self) -> Result<bool, CgroupError> {
        match self.version {
            Version::V2 if self.has("cgroup.events") => Ok(self.counter("cgroup.events", "populated")? != 0),
            Version::V1 | Version::V2 => Ok(!self.all_procs()?.is_empty()),
        }
    }

    /// The names of the cgroups directly below.
    ///
    /// # Errors
    /// [`CgroupError`].
    pub fn children(&self) -> Result<Vec<OsString>, CgroupError> {
        let fail = |errno| self.error("read", "", errno);
        // A directory of its own: reading moves the position, and the descriptor may be shared.
        let again = openat(&self.directory, ".", OPEN, Mode::empty()).map_err(fail)?;
        let mut names = Vec::new();
        for entry in Dir::from_fd(again).map_err(fail)?.iter() {
            let entry = entry.map_err(fail)?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if entry.file_type() == Some(nix::dir::Type::Directory) && name != "." && name != ".." {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// Calls `visit` with each cgroup below, parents first. One that goes away meanwhile is left out.
    fn walk(&self, depth: usize, visit: &mut dyn FnMut(&Cgroup)) {
        if depth == 0 {
            return;
        }
        for name in self.children().unwrap_or_default() {
            if let Ok(child) = self.child(&name) {
                visit(&child);
                child.walk(depth - 1, visit);
            }
        }
    }
}

impl AsFd for Cgroup {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}

#[cfg(test)]
impl Cgroup {
    /// A directory that stands in for a cgroup.
    pub(crate) fn fake(path: &Path, version: Version) -> Cgroup {
        let directory = nix::fcntl::open(path, OPEN, Mode::empty()).unwrap();
        Cgroup { directory: directory.into(), path: path.to_owned(), version }
    }
}
