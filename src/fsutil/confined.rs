//! Reading below another root, such as that of a container: links in there are followed as its own processes would, and
//! nothing is ever opened outside of it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat};

use crate::system::os_error::OsError;

/// The largest file that is read, in bytes.
const LIMIT: u64 = 1024 * 1024;

/// A directory that is taken for `/`, and the working directory in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfinedRoot {
    root: PathBuf,
    directory: PathBuf,
}

/// A program that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The path by which it was found.
    pub path: PathBuf,
    /// The file's name behind all symbolic links.
    pub real_name: OsString,
}

impl ConfinedRoot {
    /// `root` as `/`, which is the working directory too.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> ConfinedRoot {
        ConfinedRoot { root: root.into(), directory: "/".into() }
    }

    /// The same with another working directory, as it is called in there.
    #[must_use]
    pub fn in_directory(self, directory: impl Into<PathBuf>) -> ConfinedRoot {
        ConfinedRoot { directory: directory.into(), ..self }
    }

    /// The root, as this process names it.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The working directory, as it is called in there.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The bytes of a file as it is called in there; `None` when it does not exist.
    ///
    /// # Errors
    /// Why it cannot be read; EFBIG for a file of more than 1 MiB.
    pub fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, OsError> {
        // NONBLOCK: whoever owns the root may have put a FIFO there.
        let fd = match self.open(path, OFlag::O_RDONLY | OFlag::O_NONBLOCK) {
            Ok(fd) => fd,
            Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(None),
            Err(errno) => return Err(OsError(errno)),
        };
        let mut bytes = Vec::new();
        let length = File::from(fd).take(LIMIT + 1).read_to_end(&mut bytes)?;
        let fits = u64::try_from(length).is_ok_and(|length| length <= LIMIT);
        if fits { Ok(Some(bytes)) } else { Err(OsError(Errno::EFBIG)) }
    }

    /// Opens a file to read it.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn open_file(&self, path: &Path) -> Result<File, OsError> {
        self.open(path, OFlag::O_RDONLY | OFlag::O_NONBLOCK).map(File::from).map_err(OsError)
    }

    /// Whether something exists, a socket for one.
    #[must_use]
    pub fn exists(&self, path: &Path) -> bool {
        self.open(path, OFlag::O_PATH).is_ok()
    }

    /// What fstat(2) tells of a path.
    #[must_use]
    pub fn metadata(&self, path: &Path) -> Option<FileStat> {
        fstat(self.open(path, OFlag::O_PATH).ok()?).ok()
    }

    /// Whether it is a directory.
    #[must_use]
    pub fn is_directory(&self, path: &Path) -> bool {
        self.open(path, OFlag::O_PATH | OFlag::O_DIRECTORY).is_ok()
    }

    /// The path of something that exists, behind all links, as this process names it.
    #[must_use]
    pub fn real_path(&self, path: &Path) -> Option<PathBuf> {
        let fd = self.open(path, OFlag::O_PATH).ok()?;
        std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())).ok()
    }

    /// The paths in a directory, sorted; none when it cannot be read.
    #[must_use]
    pub fn list(&self, directory: &Path) -> Vec<PathBuf> {
        let Ok(fd) = self.open(directory, OFlag::O_RDONLY | OFlag::O_DIRECTORY) else { return Vec::new() };
        let Ok(entries) = Dir::from_fd(fd) else { return Vec::new() };
        let names = entries.into_iter().filter_map(|entry| Some(entry.ok()?.file_name().to_bytes().to_owned()));
        let names = names.filter(|name| name != b"." && name != b"..");
        let mut all: Vec<PathBuf> = names.map(|name| directory.join(OsStr::from_bytes(&name))).collect();
        all.sort();
        all
    }

    /// A regular file that may be executed.
    #[must_use]
    pub fn program(&self, path: &Path) -> Option<Program> {
        let fd = self.open(path, OFlag::O_PATH).ok()?;
        let stat = fstat(&fd).ok()?;
        let is_file = SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFREG;
        if !is_file || stat.st_mode & 0o111 == 0 {
            return None;
        }
        let real = std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())).ok()?;
        Some(Program { path: path.to_owned(), real_name: real.file_name()?.to_owned() })
    }

    fn open(&self, path: &Path, flags: OFlag) -> nix::Result<OwnedFd> {
        let absolute = self.directory.join(path);
        let flags = flags | OFlag::O_CLOEXEC;
        let root = nix::fcntl::open(&self.root, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
        match openat2(&root, &absolute, OpenHow::new().flags(flags).resolve(ResolveFlag::RESOLVE_IN_ROOT)) {
            // Before Linux 5.6 only the whole machine's root can be looked into safely.
            Err(Errno::ENOSYS) if self.root == Path::new("/") => nix::fcntl::open(&absolute, flags, Mode::empty()),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn root(files: &[(&str, &str)]) -> (tempfile::TempDir, ConfinedRoot) {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let files = ConfinedRoot::new(root.path());
        (root, files)
    }

    #[test]
    fn links_stay_below_the_root() {
        let (root, files) = root(&[("etc/real", "inside")]);
        symlink("/etc/real", root.path().join("etc/absolute")).unwrap();
        symlink("../../../../../../etc/passwd", root.path().join("etc/escape")).unwrap();
        assert_eq!(files.read(Path::new("/etc/absolute")), Ok(Some(b"inside".to_vec())));
        assert_eq!(files.read(Path::new("/etc/escape")), Ok(None));
        let relative = files.in_directory("/etc");
        assert_eq!(relative.read(Path::new("real")), Ok(Some(b"inside".to_vec())));
        assert_eq!(relative.list(Path::new("/")), [Path::new("/etc")]);
        assert!(relative.is_directory(Path::new("/etc")) && !relative.is_directory(Path::new("/etc/real")));
    }

    #[test]
    fn programs_are_known_behind_links() {
        let (root, files) = root(&[("bin/oomshim-runc", "x"), ("bin/plain", "x")]);
        std::fs::set_permissions(root.path().join("bin/oomshim-runc"), std::fs::Permissions::from_mode(0o755)).unwrap();
        symlink("/bin/oomshim-runc", root.path().join("bin/linked")).unwrap();
        let found = files.program(Path::new("/bin/linked")).unwrap();
        assert_eq!((found.path, found.real_name), ("/bin/linked".into(), "oomshim-runc".into()));
        assert_eq!(files.program(Path::new("/bin/plain")), None, "not executable");
        assert_eq!(files.program(Path::new("/bin")), None, "a directory");
    }

    #[test]
    fn fifos_and_huge_files_block_nobody() {
        let (root, files) = root(&[]);
        nix::unistd::mkfifo(&root.path().join("fifo"), Mode::S_IRUSR).unwrap();
        assert_eq!(files.read(Path::new("/fifo")), Ok(Some(Vec::new())));
        File::create(root.path().join("huge")).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(files.read(Path::new("/huge")), Err(OsError(Errno::EFBIG)));
    }
}
