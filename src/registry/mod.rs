//! What `/run/oomshim` holds: a small file for each container that oomshim started, written before its runtime runs.
//!
//! It names the runtime that made the container, so that later subcommands reach that one whatever the policy says by
//! then; and the class and command, so that `report` and `rank` can name what was killed.
//!
//! oomshim becomes the runtime, so it never sees whether a delete worked. A record is never moved or removed on a delete:
//! whether its container is still there is asked of the runtime's own state when somebody wants to know
//! ([`Container::is_present`]), and of the records of containers that are gone the newest 128 stay (`sweep`). A delete
//! cuts the arguments off, which may hold secrets.
//!
//! One file, made in one piece, no sync. The directory is root's alone, no symbolic link is followed, and a file counts
//! only if this user owns it and nobody else can write to it: it names a program that is going to be started.

mod cgroup;
mod container;
mod sweep;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{FileStat, Mode, SFlag};
use nix::unistd::{UnlinkatFlags, geteuid, unlinkat};
use thiserror::Error;

pub use container::{Container, decode, encode};
pub use sweep::{all, deleted, sweep};

use crate::fsutil::private_directory;
use crate::system::os_error::OsError;
use crate::text::checksum::checksum;

/// Below which the directory of records is.
pub const ROOT: &str = "/run";

/// The directory of records, below the root.
const DIRECTORY: &str = "oomshim";

/// The attribute of a cgroup by which the guard tells whoever waits for the job that it killed it, and why. Who owns the
/// cgroup can set it too, and deceives himself only.
pub const KILLED_ATTRIBUTE: &str = "user.oomshim.killed";

/// One in so many ids makes the one that records it look through all records. By the id and not by a count, which would
/// have to be kept, nor by the PID or the clock, which may keep step with what an engine does.
const SWEEP_ONCE_IN: u64 = 64;

/// The longest name of a file that file systems take, in bytes.
const NAME: usize = 255;

/// What went wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RegistryError {
    /// A call failed.
    #[error("cannot {operation} {}: {reason}", .path.display())]
    File {
        /// The record or the directory.
        path: PathBuf,
        /// What was tried.
        operation: &'static str,
        /// The kernel's answer.
        reason: OsError,
    },
    /// The paths and names alone are longer than a record may be.
    #[error("the record of the container is larger than 8 KiB")]
    TooLarge,
}

/// Writes down a container, in place of an older record of the same root and id.
///
/// # Errors
/// [`RegistryError`]. There is then no record of that root and id, not even an older one.
pub fn record(run: &Path, container: &Container) -> Result<(), RegistryError> {
    let name = file_name(&container.root, &container.id);
    let directory = private_directory::open_or_create(&run.join(DIRECTORY)).map_err(|errno| RegistryError::File {
        path: run.join(DIRECTORY),
        operation: "open",
        reason: OsError(errno),
    })?;
    let path = || run.join(DIRECTORY).join(OsStr::from_bytes(name.as_bytes()));
    let failed = |operation| move |errno| RegistryError::File { path: path(), operation, reason: OsError(errno) };
    let remove = || unlinkat(&directory, &*name, UnlinkatFlags::NoRemoveDir);
    let bytes = container::encode(container);
    if bytes.len() > container::LIMIT {
        // An older one would name the wrong runtime.
        let _ = remove();
        return Err(RegistryError::TooLarge);
    }
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mode = Mode::S_IRUSR | Mode::S_IWUSR;
    let create = || nix::fcntl::openat(&directory, &*name, flags, mode);
    let file = match create() {
        // A container of that name was there before.
        Err(Errno::EEXIST) => remove().and_then(|()| create()),
        other => other,
    };
    let file = file.map_err(failed("create"))?;
    match nix::unistd::write(&file, &bytes) {
        Ok(count) if count == bytes.len() => {
            if checksum_of(&container.root, &container.id).is_multiple_of(SWEEP_ONCE_IN) {
                sweep(run);
            }
            Ok(())
        }
        outcome => {
            // Half of a record would say something that is not so.
            let _ = remove();
            Err(failed("write")(outcome.err().unwrap_or(Errno::ENOSPC)))
        }
    }
}

/// The record of the container of that root and id; `None` where there is none that this user wrote.
///
/// # Errors
/// [`RegistryError::File`] when there is one and it cannot be read, so that nobody may say that there is none.
pub fn find(run: &Path, root: &OsStr, id: &OsStr) -> Result<Option<Container>, RegistryError> {
    Ok(open_record(run, root, id, OFlag::O_RDONLY)?.map(|(_, container)| container))
}

/// Cuts the arguments off a container's record and gives the record: it is about to be deleted.
///
/// # Errors
/// As [`find`]. A record that cannot be cut is not an error, the container is deleted all the same.
pub fn find_for_delete(run: &Path, root: &OsStr, id: &OsStr) -> Result<Option<Container>, RegistryError> {
    let Some((file, mut container)) = open_record(run, root, id, OFlag::O_RDWR)? else { return Ok(None) };
    // Also the time of the deletion, by which the newest ones stay.
    let _ = file.set_len(container.length_without_arguments() as u64);
    container.command.truncate(1);
    Ok(Some(container))
}

fn open_record(
    run: &Path,
    root: &OsStr,
    id: &OsStr,
    access: OFlag,
) -> Result<Option<(File, Container)>, RegistryError> {
    let name = file_name(root, id);
    let path = run.join(DIRECTORY).join(&name);
    let flags = access | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let file = match nix::fcntl::open(&path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        // Nobody wrote it.
        Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => return Ok(None),
        // It is not this user's to read, and then not this user's container.
        Err(Errno::EACCES | Errno::EPERM) if !is_our_directory(run) => return Ok(None),
        Err(errno) => return Err(RegistryError::File { path, operation: "open", reason: OsError(errno) }),
    };
    let failed = |errno| RegistryError::File { path: path.clone(), operation: "read", reason: OsError(errno) };
    let stat = nix::sys::stat::fstat(&file).map_err(failed)?;
    if !is_ours(&stat) {
        return Ok(None);
    }
    let container = container::decode(&read_record(&file, &stat).map_err(failed)?);
    // The name holds a checksum only, and the file is what counts.
    Ok(container.filter(|it| it.id == id && it.root == root).map(|container| (file, container)))
}

/// The file's bytes, as many as it had when `stat` was taken; nothing where it is larger than any record.
fn read_record(file: &File, stat: &FileStat) -> nix::Result<Vec<u8>> {
    let size = usize::try_from(stat.st_size).ok().filter(|&size| size <= container::LIMIT).unwrap_or(0);
    let mut bytes = vec![0; size];
    let mut length = 0;
    while length < size {
        match nix::unistd::read(file, &mut bytes[length..]) {
            // It was cut since, for its container is about to be deleted.
            Ok(0) => break,
            Ok(count) => length += count,
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    bytes.truncate(length);
    Ok(bytes)
}

/// The container whose cgroup that is, or is above it. `path` is the kernel's, from the memory controller's root.
#[must_use]
pub fn find_by_cgroup<'a>(containers: &'a [Container], path: &Path) -> Option<&'a Container> {
    containers.iter().find(|container| container.owns(path))
}

fn is_our_directory(run: &Path) -> bool {
    nix::sys::stat::lstat(&run.join(DIRECTORY)).is_ok_and(|stat| stat.st_uid == geteuid().as_raw())
}

/// Whether nobody but this user can have written that file.
fn is_ours(stat: &FileStat) -> bool {
    let kind = SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT;
    kind == SFlag::S_IFREG && stat.st_uid == geteuid().as_raw() && stat.st_mode & 0o022 == 0
}

fn checksum_of(root: &OsStr, id: &OsStr) -> u64 {
    checksum(&[root.as_bytes(), b"\0", id.as_bytes()].concat())
}

/// The id as a file name, and a checksum of root and id: letters, digits, `-`, `_` and dots of the id stay, all else is
/// `%` and two hexadecimal digits, and what would be too long is cut.
fn file_name(root: &OsStr, id: &OsStr) -> OsString {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut name = Vec::with_capacity(id.len() + 18);
    // The first letter keeps `.` and `..` away.
    name.push(b'c');
    for &byte in id.as_bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            name.push(byte);
        } else {
            name.extend([b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
    }
    let sum = checksum_of(root, id);
    name.truncate(NAME - 17);
    name.push(b'~');
    name.extend(format!("{sum:016x}").into_bytes());
    OsString::from_vec(name)
}

#[cfg(test)]
mod tests;
