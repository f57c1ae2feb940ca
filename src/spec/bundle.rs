//! The file of a spec: read whole and bounded, replaced atomically.
//!
//! A reader sees the old file or the new one, whatever kills this process: the new bytes go to a file of their own in
//! the same directory, get the old one's mode, owner and extended attributes, and take its name in one call. There is no
//! fsync: a bundle does not outlive a power failure, its container does not either.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, RenameFlags, renameat2};
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, unlinkat};
use thiserror::Error;
use xattr::FileExt;

use crate::system::os_error::OsError;

/// The largest spec that is read, in bytes: 16 MiB.
pub const LIMIT: u64 = 16 * 1024 * 1024;

/// What went wrong with the file of a spec.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BundleError {
    /// A call failed.
    #[error("cannot {operation} {}: {reason}", .path.display())]
    File {
        /// The file or directory.
        path: PathBuf,
        /// What was tried: `open`, `read`, `write`, …
        operation: &'static str,
        /// The kernel's answer.
        reason: OsError,
    },
    /// The file is a pipe, a device, a directory or a socket.
    #[error("{} is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// The file is larger than [`LIMIT`].
    #[error("{} is larger than 16 MiB, which no runtime spec is", .0.display())]
    TooLarge(PathBuf),
}

impl BundleError {
    fn file<'a>(path: &'a Path, operation: &'static str) -> impl Fn(Errno) -> BundleError + 'a {
        move |errno| BundleError::File { path: path.to_owned(), operation, reason: OsError(errno) }
    }
}

/// A spec's file, open: its bytes and what is needed to replace it.
#[derive(Debug)]
pub struct AtomicFile {
    path: PathBuf,
    directory: OwnedFd,
    name: OsString,
    file: File,
    stat: FileStat,
}

impl AtomicFile {
    /// Where the file is, as it was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the file and reads it.
    ///
    /// # Errors
    /// [`BundleError`] when not found, not a regular file or too large.
    pub fn read(path: &Path) -> Result<(Self, Vec<u8>), BundleError> {
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let name = path.file_name().ok_or_else(|| BundleError::NotAFile(path.to_owned()))?.to_owned();
        let directory = nix::fcntl::open(parent, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())
            .map_err(BundleError::file(parent, "open the bundle"))?;
        // NONBLOCK: a FIFO would otherwise hold this process until somebody writes.
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NOCTTY | OFlag::O_NONBLOCK;
        let file = nix::fcntl::openat(&directory, name.as_os_str(), flags, Mode::empty())
            .map_err(BundleError::file(path, "open"))?;
        let file = File::from(file);
        let stat = nix::sys::stat::fstat(&file).map_err(BundleError::file(path, "look at"))?;
        if SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT != SFlag::S_IFREG {
            return Err(BundleError::NotAFile(path.to_owned()));
        }
        let size = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
        if size > LIMIT {
            return Err(BundleError::TooLarge(path.to_owned()));
        }
        let bytes = read_whole(&file, size, path)?;
        Ok((AtomicFile { path: path.to_owned(), directory, name, file, stat }, bytes))
    }

    /// Puts a file with those bytes in this one's place.
    ///
    /// # Errors
    /// [`BundleError`]; the old file is then where it was, and the temporary one is gone.
    pub fn replace(&self, bytes: &[u8]) -> Result<(), BundleError> {
        let (temporary, file) = self.create_temporary()?;
        let filled = self.fill(&file, bytes);
        match filled.and_then(|()| self.exchange(&temporary).map_err(BundleError::file(&self.path, "replace"))) {
            Ok(Left::Nothing) => Ok(()),
            Ok(Left::OldFile) => {
                self.remove(&temporary);
                Ok(())
            }
            Err(error) => {
                self.remove(&temporary);
                Err(error)
            }
        }
    }

    /// Puts the temporary file in the place of the spec's.
    ///
    /// Exchanged and not renamed over: ext4 starts to write a file to the disk at once when it is renamed over another
    /// (`fs/ext4/namei.c`, `auto_da_alloc`), which doubles the time and is the last thing wanted when memory is short.
    fn exchange(&self, temporary: &OsStr) -> Result<Left, Errno> {
        let (directory, name) = (&self.directory, &self.name);
        match renameat2(directory, temporary, directory, name.as_os_str(), RenameFlags::RENAME_EXCHANGE) {
            Ok(()) => Ok(Left::OldFile),
            Err(Errno::EINVAL | Errno::ENOSYS | Errno::ENOTSUP) => {
                nix::fcntl::renameat(directory, temporary, directory, name.as_os_str()).map(|()| Left::Nothing)
            }
            Err(errno) => Err(errno),
        }
    }

    /// Removes a file beside the spec. Once more if need be, and then nothing better can be done.
    fn remove(&self, name: &OsStr) {
        let remove = || unlinkat(&self.directory, name, UnlinkatFlags::NoRemoveDir);
        let _ = remove().or_else(|_| remove());
    }

    /// A new empty file beside the spec. The name carries the PID; a twin of it was left by a process that was killed.
    fn create_temporary(&self) -> Result<(OsString, File), BundleError> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let pid = std::process::id();
        let mut last = Errno::EEXIST;
        for attempt in 0..16 {
            let mut name = OsString::from(".");
            name.push(&self.name);
            name.push(format!(".oomshim-{pid}-{attempt}"));
            match nix::fcntl::openat(&self.directory, name.as_os_str(), flags, Mode::S_IRUSR | Mode::S_IWUSR) {
                Ok(file) => return Ok((name, File::from(file))),
                Err(Errno::EEXIST) => {}
                Err(errno) => {
                    last = errno;
                    break;
                }
            }
        }
        Err(BundleError::file(&self.path, "create a new file beside")(last))
    }

    fn fill(&self, file: &File, bytes: &[u8]) -> Result<(), BundleError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match nix::unistd::write(file, rest) {
                Ok(0) => return Err(BundleError::file(&self.path, "write a new file beside")(Errno::EIO)),
                Ok(count) => rest = &rest[count..],
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(BundleError::file(&self.path, "write a new file beside")(errno)),
            }
        }
        let made = nix::sys::stat::fstat(file).map_err(BundleError::file(&self.path, "look at the new file beside"))?;
        if (made.st_uid, made.st_gid) != (self.stat.st_uid, self.stat.st_gid) {
            let owner = Uid::from_raw(self.stat.st_uid);
            let group = Gid::from_raw(self.stat.st_gid);
            fchown(file, Some(owner), Some(group)).map_err(BundleError::file(&self.path, "give the owner of"))?;
        }
        self.copy_attributes(file)?;
        // Last, because a chown takes set-id bits away and an ACL among the attributes changes the group's bits.
        fchmod(file, Mode::from_bits_truncate(self.stat.st_mode))
            .map_err(BundleError::file(&self.path, "give the mode of"))
    }

    /// Copies the extended attributes: a security label, an ACL, whatever an administrator put there.
    fn copy_attributes(&self, file: &File) -> Result<(), BundleError> {
        let error = BundleError::file(&self.path, "copy the extended attributes of");
        let names = match self.file.list_xattr().map_err(errno_of) {
            Ok(names) => names,
            Err(Errno::ENOTSUP | Errno::ENOSYS) => return Ok(()),
            Err(errno) => return Err(error(errno)),
        };
        for name in names {
            // Who may read the file hangs on these. Anything else is not worth a container without its score.
            let matters = matches!(name.as_bytes(), b"security.selinux" | b"system.posix_acl_access");
            let copied = copy_attribute(&self.file, file, &name).map_err(errno_of);
            copied.or_else(|errno| if matters { Err(error(errno)) } else { Ok(()) })?;
        }
        Ok(())
    }
}

/// Copies one of them. A hash of the old content is none of the new one's: the kernel makes `security.ima` and
/// `security.evm` anew.
fn copy_attribute(from: &File, to: &File, name: &OsStr) -> std::io::Result<()> {
    if matches!(name.as_bytes(), b"security.ima" | b"security.evm") {
        return Ok(());
    }
    let Some(value) = from.get_xattr(name)? else { return Ok(()) };
    // A label that the directory's default already gave needs no right to set one.
    if to.get_xattr(name).is_ok_and(|present| present.as_ref() == Some(&value)) {
        return Ok(());
    }
    to.set_xattr(name, &value)
}

fn errno_of(error: std::io::Error) -> Errno {
    OsError::from(error).0
}

/// What is behind the temporary file's name after it took the spec's.
enum Left {
    /// No file.
    Nothing,
    /// The old spec.
    OldFile,
}

/// Reads to the end of the file, which may have grown since its size was taken, but not beyond [`LIMIT`].
fn read_whole(file: &File, size: u64, path: &Path) -> Result<Vec<u8>, BundleError> {
    // One byte more than the size, so that the common case ends with one short read.
    let expected = usize::try_from(size).unwrap_or(0) + 1;
    let mut bytes = vec![0; expected.max(512)];
    let mut filled = 0;
    loop {
        match nix::unistd::read(file, &mut bytes[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(BundleError::file(path, "read")(errno)),
        }
        if filled as u64 > LIMIT {
            return Err(BundleError::TooLarge(path.to_owned()));
        }
        if filled == bytes.len() {
            bytes.resize(filled * 2, 0);
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// The spec of a bundle, which runtimes read from `config.json` (runtime-spec `bundle.md`).
#[must_use]
pub fn spec_path(bundle: &Path) -> PathBuf {
    bundle.join(OsStr::new("config.json"))
}

/// The bundle's absolute path, as rules see it; without one, the working directory's.
#[must_use]
pub fn absolute_path(bundle: Option<&OsStr>) -> PathBuf {
    let bundle = bundle.map_or(Path::new("."), Path::new);
    let absolute = std::path::absolute(bundle).unwrap_or_else(|_| bundle.to_owned());
    // Behind `..` may stand a symbolic link, so only the file system knows where it leads.
    if absolute.components().any(|part| part == std::path::Component::ParentDir) {
        return std::fs::canonicalize(&absolute).unwrap_or(absolute);
    }
    absolute
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    fn bundle(text: &str) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = spec_path(directory.path());
        fs::write(&path, text).unwrap();
        (directory, path)
    }

    fn names(directory: &Path) -> Vec<OsString> {
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    }

    #[test]
    fn a_replaced_file_keeps_mode_owner_and_attributes() {
        let (directory, path) = bundle("old");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let root = nix::unistd::geteuid().is_root();
        if root {
            std::os::unix::fs::chown(&path, Some(12), Some(34)).unwrap();
        }
        let labelled = xattr::set(&path, "user.label", b"\x00\xffx").is_ok();
        let before = fs::metadata(&path).unwrap();
        let (file, bytes) = AtomicFile::read(&path).unwrap();
        assert_eq!(bytes, b"old");
        file.replace(b"new bytes").unwrap();
        let after = fs::metadata(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new bytes");
        assert_ne!(before.ino(), after.ino());
        assert_eq!((before.mode(), before.uid(), before.gid()), (after.mode(), after.uid(), after.gid()));
        if labelled {
            assert_eq!(xattr::get(&path, "user.label").unwrap().unwrap(), b"\x00\xffx");
        }
        assert_eq!(names(directory.path()), ["config.json"]);
    }

    #[test]
    fn what_a_killed_process_left_is_no_obstacle() {
        let (directory, path) = bundle("old");
        let pid = std::process::id();
        fs::write(directory.path().join(format!(".config.json.oomshim-{pid}-0")), "half").unwrap();
        AtomicFile::read(&path).unwrap().0.replace(b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(directory.path()).len(), 2);
    }

    #[test]
    fn what_is_no_spec_file_is_named_and_nobody_waits() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        nix::unistd::mkfifo(&at("fifo"), Mode::S_IRUSR).unwrap();
        fs::create_dir(at("directory")).unwrap();
        let huge = fs::File::create(at("huge")).unwrap();
        huge.set_len(LIMIT + 1).unwrap();
        assert!(matches!(AtomicFile::read(&at("fifo")), Err(BundleError::NotAFile(_))));
        assert!(matches!(AtomicFile::read(&at("directory")), Err(BundleError::NotAFile(_))));
        assert!(matches!(AtomicFile::read(&at("huge")), Err(BundleError::TooLarge(_))));
        let error = AtomicFile::read(&at("absent/config.json")).unwrap_err().to_string();
        assert!(error.starts_with("cannot open the bundle /") && error.ends_with("not found (ENOENT)"), "{error}");
        assert!(matches!(AtomicFile::read(Path::new("/")), Err(BundleError::NotAFile(_))));
    }

    #[test]
    fn large_files_are_read_whole() {
        let text = "x".repeat(3_000_000);
        let (_folder, path) = bundle(&text);
        assert_eq!(AtomicFile::read(&path).unwrap().1.len(), text.len());
        let (_folder, path) = bundle("");
        assert_eq!(AtomicFile::read(&path).unwrap().1, b"");
    }
}
