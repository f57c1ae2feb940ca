//! The file of a spec: read whole and bounded, replaced atomically.
//!
//! A reader sees the old file or the new one, whatever kills this process: the new bytes go to a file of their own in
//! the same directory, get the old one's mode, owner and extended attributes, and take its name in one call. There is no
//! fsync: a bundle does not outlive a power failure, its container does not either.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RenameFlags, Stat, XattrFlags};
use rustix::io::Errno;
use thiserror::Error;

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
    file: OwnedFd,
    stat: Stat,
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
        let directory = rustix::fs::open(parent, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .map_err(BundleError::file(parent, "open the bundle"))?;
        // NONBLOCK: a FIFO would otherwise hold this process until somebody writes.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
        let file =
            rustix::fs::openat(&directory, &name, flags, Mode::empty()).map_err(BundleError::file(path, "open"))?;
        let stat = rustix::fs::fstat(&file).map_err(BundleError::file(path, "look at"))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
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
        match rustix::fs::renameat_with(directory, temporary, directory, name, RenameFlags::EXCHANGE) {
            Ok(()) => Ok(Left::OldFile),
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                rustix::fs::renameat(directory, temporary, directory, name).map(|()| Left::Nothing)
            }
            Err(errno) => Err(errno),
        }
    }

    /// Removes a file beside the spec. Once more if need be, and then nothing better can be done.
    fn remove(&self, name: &OsStr) {
        let remove = || rustix::fs::unlinkat(&self.directory, name, AtFlags::empty());
        let _ = remove().or_else(|_| remove());
    }

    /// A new empty file beside the spec. The name carries the PID; a twin of it was left by a process that was killed.
    fn create_temporary(&self) -> Result<(OsString, OwnedFd), BundleError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let pid = rustix::process::getpid().as_raw_nonzero();
        let mut last = Errno::EXIST;
        for attempt in 0..16 {
            let mut name = OsString::from(".");
            name.push(&self.name);
            name.push(format!(".oomshim-{pid}-{attempt}"));
            match rustix::fs::openat(&self.directory, &name, flags, Mode::RUSR | Mode::WUSR) {
                Ok(file) => return Ok((name, file)),
                Err(Errno::EXIST) => {}
                Err(errno) => {
                    last = errno;
                    break;
                }
            }
        }
        Err(BundleError::file(&self.path, "create a new file beside")(last))
    }

    fn fill(&self, file: &OwnedFd, bytes: &[u8]) -> Result<(), BundleError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match rustix::io::write(file, rest) {
                Ok(0) => return Err(BundleError::file(&self.path, "write a new file beside")(Errno::IO)),
                Ok(count) => rest = &rest[count..],
                Err(Errno::INTR) => {}
                Err(errno) => return Err(BundleError::file(&self.path, "write a new file beside")(errno)),
            }
        }
        let made = rustix::fs::fstat(file).map_err(BundleError::file(&self.path, "look at the new file beside"))?;
        if (made.st_uid, made.st_gid) != (self.stat.st_uid, self.stat.st_gid) {
            let owner = rustix::fs::Uid::from_raw(self.stat.st_uid);
            let group = rustix::fs::Gid::from_raw(self.stat.st_gid);
            rustix::fs::fchown(file, Some(owner), Some(group))
                .map_err(BundleError::file(&self.path, "give the owner of"))?;
        }
        self.copy_attributes(file)?;
        // Last, because a chown takes set-id bits away and an ACL among the attributes changes the group's bits.
        rustix::fs::fchmod(file, Mode::from_raw_mode(self.stat.st_mode))
            .map_err(BundleError::file(&self.path, "give the mode of"))
    }

    /// Copies the extended attributes: a security label, an ACL, whatever an administrator put there.
    fn copy_attributes(&self, file: &OwnedFd) -> Result<(), BundleError> {
        let error = BundleError::file(&self.path, "copy the extended attributes of");
        let mut names = [0_u8; 4096];
        let length = match rustix::fs::flistxattr(&self.file, &mut names) {
            Ok(length) => length,
            Err(Errno::NOTSUP | Errno::NOSYS) => return Ok(()),
            Err(errno) => return Err(error(errno)),
        };
        for name in names[..length].split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
            // Who may read the file hangs on these. Anything else is not worth a container without its score.
            let matters = matches!(name, b"security.selinux" | b"system.posix_acl_access");
            copy_attribute(&self.file, file, name).or_else(|errno| if matters { Err(error(errno)) } else { Ok(()) })?;
        }
        Ok(())
    }
}

/// Copies one of them. A hash of the old content is none of the new one's: the kernel makes `security.ima` and
/// `security.evm` anew.
fn copy_attribute(from: &OwnedFd, to: &OwnedFd, name: &[u8]) -> rustix::io::Result<()> {
    if matches!(name, b"security.ima" | b"security.evm") {
        return Ok(());
    }
    let (mut value, mut present) = ([0_u8; 4096], [0_u8; 4096]);
    let size = rustix::fs::fgetxattr(from, name, &mut value)?;
    // A label that the directory's default already gave needs no right to set one.
    if rustix::fs::fgetxattr(to, name, &mut present).is_ok_and(|length| present[..length] == value[..size]) {
        return Ok(());
    }
    rustix::fs::fsetxattr(to, name, &value[..size], XattrFlags::empty())
}

/// What is behind the temporary file's name after it took the spec's.
enum Left {
    /// No file.
    Nothing,
    /// The old spec.
    OldFile,
}

/// Reads to the end of the file, which may have grown since its size was taken, but not beyond [`LIMIT`].
fn read_whole(file: &OwnedFd, size: u64, path: &Path) -> Result<Vec<u8>, BundleError> {
    // One byte more than the size, so that the common case ends with one short read.
    let expected = usize::try_from(size).unwrap_or(0) + 1;
    let mut bytes = vec![0; expected.max(512)];
    let mut filled = 0;
    loop {
        match rustix::io::read(file, &mut bytes[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::INTR) => continue,
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
        let root = rustix::process::geteuid().is_root();
        if root {
            std::os::unix::fs::chown(&path, Some(12), Some(34)).unwrap();
        }
        let labelled = rustix::fs::setxattr(&path, "user.label", b"\x00\xffx", XattrFlags::empty()).is_ok();
        let before = fs::metadata(&path).unwrap();
        let (file, bytes) = AtomicFile::read(&path).unwrap();
        assert_eq!(bytes, b"old");
        file.replace(b"new bytes").unwrap();
        let after = fs::metadata(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new bytes");
        assert_ne!(before.ino(), after.ino());
        assert_eq!((before.mode(), before.uid(), before.gid()), (after.mode(), after.uid(), after.gid()));
        if labelled {
            let mut value = [0; 8];
            let size = rustix::fs::getxattr(&path, "user.label", &mut value).unwrap();
            assert_eq!(&value[..size], b"\x00\xffx");
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
        rustix::fs::mknodat(rustix::fs::CWD, at("fifo"), FileType::Fifo, Mode::RUSR, 0).unwrap();
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
