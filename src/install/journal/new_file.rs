//! A file that is made whole or not at all: until it is complete and on the disk, it has no name.
//!
//! A half-written file would be read by engines that read every file of a directory, whatever it is called (CRI-O).

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag};

use super::error::{JournalError, error};

/// Makes the file, with that mode. It fails where something has its name already.
pub(super) fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), JournalError> {
    let parent = path.parent().unwrap_or(Path::new("/"));
    nameless(parent, path, bytes, mode)
        .or_else(|failed| match failed.raw_os_error().map(Errno::from_raw) {
            // File systems without O_TMPFILE, and a machine without /proc.
            Some(Errno::EOPNOTSUPP | Errno::EISDIR | Errno::EINVAL | Errno::ENOENT) => named(parent, path, bytes, mode),
            _ => Err(failed),
        })
        .map_err(error("write", path))?;
    File::open(parent).and_then(|directory| directory.sync_all()).map_err(error("write to the disk", parent))
}

fn nameless(parent: &Path, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let file = fs::OpenOptions::new().write(true).custom_flags(OFlag::O_TMPFILE.bits()).mode(mode).open(parent)?;
    fill(&file, bytes, mode)?;
    let own = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(nix::unistd::linkat(AT_FDCWD, own.as_str(), AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW)?)
}

/// By a name that begins with a dot, in the directory above where that is on the same file system.
fn named(parent: &Path, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let name = format!("{PREFIX}{}", std::process::id());
    let above = parent.parent().unwrap_or(parent);
    let link = |directory: &Path| {
        let temporary = directory.join(&name);
        let _ = fs::remove_file(&temporary);
        let made = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&temporary)
            .and_then(|file| fill(&file, bytes, mode))
            // A file that came there meanwhile is somebody else's.
            .and_then(|()| fs::hard_link(&temporary, path));
        fs::remove_file(&temporary).and(made)
    };
    link(above).or_else(|failed| match failed.kind() {
        io::ErrorKind::CrossesDevices | io::ErrorKind::ReadOnlyFilesystem => link(parent),
        _ => Err(failed),
    })
}

/// What temporary files of an installation begin with.
const PREFIX: &str = ".oomshim-install-";

fn fill(mut file: &File, bytes: &[u8], mode: u32) -> io::Result<()> {
    file.write_all(bytes)?;
    // Not as the umask of whoever calls would have it.
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.sync_all()
}

/// Removes what a killed process left of a file that was to be written, beside it and above.
pub(super) fn sweep(path: &Path) {
    let Some(name) = path.file_name() else { return };
    let beside = format!(".{}.oomshim-", name.to_string_lossy());
    for directory in path.ancestors().skip(1).take(2) {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
            if is_file && (name.starts_with(&beside) || name.starts_with(PREFIX)) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}
