//! A directory of this user's own, where nobody else can have put a file or a link.

use std::os::fd::OwnedFd;
use std::path::Path;

use nix::Result;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::unistd::geteuid;

/// Opens a directory that only this user can write to.
///
/// # Errors
/// The kernel's; EPERM where it is somebody else's, or others can write to it.
pub fn open(path: &Path) -> Result<OwnedFd> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let fd = nix::fcntl::open(path, flags, Mode::empty())?;
    let stat = nix::sys::stat::fstat(&fd)?;
    let safe = stat.st_uid == geteuid().as_raw() && stat.st_mode & 0o022 == 0;
    if safe { Ok(fd) } else { Err(Errno::EPERM) }
}

/// The same; a directory that is missing is made, with mode 0700.
///
/// # Errors
/// As [`open`].
pub fn open_or_create(path: &Path) -> Result<OwnedFd> {
    match open(path) {
        Err(Errno::ENOENT) => match nix::unistd::mkdir(path, Mode::S_IRWXU) {
            Ok(()) | Err(Errno::EEXIST) => open(path),
            Err(errno) => Err(errno),
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    #[test]
    fn nobody_elses_directory_is_used() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("own");
        assert_eq!(open(&path).unwrap_err(), Errno::ENOENT);
        open_or_create(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o700);
        open(&path).unwrap();
        symlink(&path, root.path().join("link")).unwrap();
        assert!(open_or_create(&root.path().join("link")).is_err());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(open_or_create(&path).unwrap_err(), Errno::EPERM);
    }
}
