//! A file that is read whole and bounded, and replaced atomically.
//!
//! A reader sees the old file or the new one, whatever kills this process: the new bytes go to a file of their own in
//! the same directory, get the old one's mode, owner and extended attributes, and take its name in one call. There is no
//! fsync: a bundle does not outlive a power failure, and neither does its container.

mod error;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, RenameFlags, renameat2};
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, unlinkat};

pub use error::{AtomicFileError, Problem};

use super::attributes;

/// An open file, and what is needed to replace it.
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

    /// Opens the file and reads it, if it has not more than that many bytes.
    ///
    /// # Errors
    /// [`AtomicFileError`] when not found, not a regular file or too large.
    pub fn read(path: &Path, limit: u64) -> Result<(Self, Vec<u8>), AtomicFileError> {
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let name = path.file_name();
        let name = name.ok_or(Problem::NotRegular).map_err(AtomicFileError::of(path, "open"))?.to_owned();
        let directory = nix::fcntl::open(parent, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())
            .map_err(AtomicFileError::of(parent, "open"))?;
        // NONBLOCK: a FIFO would otherwise hold this process until somebody writes.
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NOCTTY | OFlag::O_NONBLOCK;
        let file = nix::fcntl::openat(&directory, name.as_os_str(), flags, Mode::empty())
            .map_err(AtomicFileError::of(path, "open"))?;
        let file = File::from(file);
        let stat = nix::sys::stat::fstat(&file).map_err(AtomicFileError::of(path, "look at"))?;
        if SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT != SFlag::S_IFREG {
            return Err(AtomicFileError::of(path, "read")(Problem::NotRegular));
        }
        let size = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
        if size > limit {
            return Err(AtomicFileError::of(path, "read")(Problem::TooLarge(limit)));
        }
        let bytes = read_whole(&file, size, limit).map_err(AtomicFileError::of(path, "read"))?;
        Ok((AtomicFile { path: path.to_owned(), directory, name, file, stat }, bytes))
    }

    /// Puts a file with those bytes in this one's place.
    ///
    /// # Errors
    /// [`AtomicFileError`]; the old file is then where it was, and the temporary one is gone.
    pub fn replace(&self, bytes: &[u8]) -> Result<(), AtomicFileError> {
        self.replace_after(bytes, |_| Ok(()))
    }

    /// The same, and the new bytes are on the disk before they take the file's name: for what must outlive a power failure.
    ///
    /// # Errors
    /// As [`AtomicFile::replace`].
    pub fn replace_durably(&self, bytes: &[u8]) -> Result<(), AtomicFileError> {
        let error = AtomicFileError::of(&self.path, "write to the disk");
        self.replace_after(bytes, |file| nix::unistd::fsync(file).map_err(&error))?;
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let directory = nix::fcntl::openat(&self.directory, ".", flags, Mode::empty()).map_err(&error)?;
        nix::unistd::fsync(&directory).map_err(&error)
    }

    fn replace_after(
        &self,
        bytes: &[u8],
        then: impl FnOnce(&File) -> Result<(), AtomicFileError>,
    ) -> Result<(), AtomicFileError> {
        let (temporary, file) = self.create_temporary()?;
        let filled = self.fill(&file, bytes).and_then(|()| then(&file));
        match filled.and_then(|()| self.exchange(&temporary).map_err(AtomicFileError::of(&self.path, "replace"))) {
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

    /// Puts the temporary file in the old one's place.
    ///
    /// Exchanged and not renamed over: ext4 starts to write a file to the disk at once when it is renamed over another
    /// (`fs/ext4/namei.c`, `auto_da_alloc`), which doubles the time and is the last thing wanted when memory is short.
    fn exchange(&self, temporary: &OsStr) -> Result<Left, Errno> {
        let (directory, name) = (&self.directory, &self.name);
        match renameat2(directory, temporary, directory, name.as_os_str(), RenameFlags::RENAME_EXCHANGE) {
            Ok(()) => Ok(Left::OldFile),
            // EPERM is what seccomp profiles older than the call answer.
            Err(Errno::EINVAL | Errno::ENOSYS | Errno::ENOTSUP | Errno::EPERM) => {
                nix::fcntl::renameat(directory, temporary, directory, name.as_os_str()).map(|()| Left::Nothing)
            }
            Err(errno) => Err(errno),
        }
    }

    /// Removes a file beside this one. Once more if need be, and then nothing better can be done.
    fn remove(&self, name: &OsStr) {
        let remove = || unlinkat(&self.directory, name, UnlinkatFlags::NoRemoveDir);
        let _ = remove().or_else(|_| remove());
    }

    /// A new empty file beside this one. The name carries the PID; one that is taken was left by a process that was killed.
    fn create_temporary(&self) -> Result<(OsString, File), AtomicFileError> {
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
        Err(AtomicFileError::of(&self.path, "create a new file beside")(last))
    }

    fn fill(&self, file: &File, bytes: &[u8]) -> Result<(), AtomicFileError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match nix::unistd::write(file, rest) {
                Ok(0) => return Err(AtomicFileError::of(&self.path, "write a new file beside")(Errno::EIO)),
                Ok(count) => rest = &rest[count..],
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(AtomicFileError::of(&self.path, "write a new file beside")(errno)),
            }
        }
        let made =
            nix::sys::stat::fstat(file).map_err(AtomicFileError::of(&self.path, "look at the new file beside"))?;
        if (made.st_uid, made.st_gid) != (self.stat.st_uid, self.stat.st_gid) {
            let owner = Uid::from_raw(self.stat.st_uid);
            let group = Gid::from_raw(self.stat.st_gid);
            fchown(file, Some(owner), Some(group)).map_err(AtomicFileError::of(&self.path, "give the owner of"))?;
        }
        attributes::copy(&self.file, file)
            .map_err(AtomicFileError::of(&self.path, "copy the extended attributes of"))?;
        // Last, because a chown takes set-id bits away and an ACL among the attributes changes the group's bits.
        fchmod(file, Mode::from_bits_truncate(self.stat.st_mode))
            .map_err(AtomicFileError::of(&self.path, "give the mode of"))
    }
}

/// What is behind the temporary file's name after the exchange.
enum Left {
    /// No file.
    Nothing,
    /// The old file.
    OldFile,
}

/// Reads to the end of the file, which may have grown since its size was taken, but not beyond the limit.
fn read_whole(file: &File, size: u64, limit: u64) -> Result<Vec<u8>, Problem> {
    // One byte more than the size, so that the common case ends with one short read.
    let expected = usize::try_from(size).unwrap_or(0) + 1;
    let mut bytes = vec![0; expected.max(512)];
    let mut filled = 0;
    loop {
        match nix::unistd::read(file, &mut bytes[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(errno.into()),
        }
        if filled as u64 > limit {
            return Err(Problem::TooLarge(limit));
        }
        if filled == bytes.len() {
            bytes.resize(filled * 2, 0);
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    const LIMIT: u64 = 4 << 20;

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        fs::write(&path, text).unwrap();
        (directory, path)
    }

    fn names(directory: &Path) -> Vec<OsString> {
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    }

    #[test]
    fn a_replaced_file_keeps_mode_owner_and_attributes() {
        let (directory, path) = file("old");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let root = nix::unistd::geteuid().is_root();
        if root {
            std::os::unix::fs::chown(&path, Some(12), Some(34)).unwrap();
        }
        let labelled = xattr::set(&path, "user.label", b"\x00\xffx").is_ok();
        let before = fs::metadata(&path).unwrap();
        let (file, bytes) = AtomicFile::read(&path, LIMIT).unwrap();
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
        let (directory, path) = file("old");
        let pid = std::process::id();
        fs::write(directory.path().join(format!(".config.json.oomshim-{pid}-0")), "half").unwrap();
        AtomicFile::read(&path, LIMIT).unwrap().0.replace(b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(directory.path()).len(), 2);
    }

    #[test]
    fn what_is_not_a_file_is_refused_without_waiting() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        nix::unistd::mkfifo(&at("fifo"), Mode::S_IRUSR).unwrap();
        fs::create_dir(at("directory")).unwrap();
        let huge = File::create(at("huge")).unwrap();
        huge.set_len(LIMIT + 1).unwrap();
        let error = |name: &str| AtomicFile::read(&at(name), LIMIT).unwrap_err();
        assert_eq!((error("fifo").problem, error("directory").problem), (Problem::NotRegular, Problem::NotRegular));
        assert_eq!(
            (error("huge").problem, error("huge").without_path()),
            (Problem::TooLarge(LIMIT), "larger than 4 MiB".into())
        );
        assert_eq!(error("huge").to_string(), format!("cannot read {}: larger than 4 MiB", at("huge").display()));
        let absent = error("absent/config.json");
        assert_eq!(absent.path, at("absent"));
        assert_eq!(absent.without_path(), "cannot open it: not found (ENOENT)");
        assert_eq!(AtomicFile::read(Path::new("/"), LIMIT).unwrap_err().problem, Problem::NotRegular);
    }

    #[test]
    fn large_files_are_read_whole() {
        let text = "x".repeat(3_000_000);
        let (_directory, path) = file(&text);
        assert_eq!(AtomicFile::read(&path, LIMIT).unwrap().1.len(), text.len());
        let (_directory, path) = file("");
        assert_eq!(AtomicFile::read(&path, LIMIT).unwrap().1, b"");
    }
}
