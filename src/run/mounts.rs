//! The job's own temporary directories: tmpfs in a mount namespace that ends with the job, and takes its memory along.
//! Runs in the child, before the command.

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::mount::{MsFlags, mount};
use nix::sys::stat::{Mode, SFlag, fstat};
use thiserror::Error;

use super::settings::Settings;
use crate::system::os_error::OsError;

/// A step that failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("cannot {step} {}: {}", path.display(), OsError(*errno))]
pub struct MountError {
    step: &'static str,
    path: PathBuf,
    errno: Errno,
}

fn error(step: &'static str, path: &Path) -> impl FnOnce(Errno) -> MountError {
    move |errno| MountError { step, path: path.to_owned(), errno }
}

fn io_error(step: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> MountError {
    move |failed| MountError { step, path: path.to_owned(), errno: OsError::from(failed).0 }
}

const NONE: Option<&str> = None;

/// Mounts what the settings say. Paths of `kept` that would be covered are put back at their place; so is the working
/// directory.
///
/// # Errors
/// [`MountError`]
pub fn mount_all(settings: &Settings, kept: &[PathBuf]) -> Result<(), MountError> {
    let root = Path::new("/");
    // What is mounted on the machine later is seen here, and nothing that is mounted here is seen there.
    mount(NONE, root, NONE, MsFlags::MS_REC | MsFlags::MS_SLAVE, NONE).map_err(error("make a slave of", root))?;
    let directory = std::env::current_dir().ok();
    let covered = |path: &&PathBuf| settings.covers(path);
    // Opened before they are covered.
    let kept: Vec<(&PathBuf, OwnedFd)> = kept
        .iter()
        .chain(&directory)
        .filter(covered)
        .map(|path| {
            let flags = OFlag::O_PATH | OFlag::O_CLOEXEC;
            open(path, flags, Mode::empty()).map(|fd| (path, fd)).map_err(error("open", path))
        })
        .collect::<Result<_, _>>()?;
    shared(&settings.shared, settings.shared_size)?;
    for (path, size) in &settings.tmpfs {
        if !path.exists() && settings.shared.iter().any(|above| path.starts_with(above)) {
            std::fs::create_dir_all(path).map_err(io_error("create", path))?;
        }
        tmpfs(path, *size)?;
    }
    for (path, fd) in &kept {
        // One that is a mount point itself is what the job is to have there.
        let is_mount_point = settings.shared.contains(path) || settings.tmpfs.iter().any(|(point, _)| point == *path);
        if !is_mount_point {
            put_back(path, fd)?;
        }
    }
    if let Some(path) = directory.filter(|path| settings.covers(path)) {
        // The old one is what is below the mount.
        std::env::set_current_dir(&path).map_err(io_error("enter", &path))?;
    }
    Ok(())
}

/// One tmpfs with a directory for each of the paths, so that its size bounds all of them together.
fn shared(paths: &[PathBuf], size: u64) -> Result<(), MountError> {
    let paths: Vec<&PathBuf> = paths.iter().filter(|path| path.is_dir()).collect();
    let Some((first, others)) = paths.split_first() else { return Ok(()) };
    tmpfs(first, size)?;
    let part = |number: usize| first.join(format!("{number}"));
    for number in 0..paths.len() {
        std::fs::create_dir(part(number)).map_err(io_error("create", &part(number)))?;
        open_to_all(&part(number))?;
    }
    // The first last: it hides the others' directories.
    for (number, path) in others.iter().enumerate() {
        bind(&part(number + 1), path, MsFlags::empty())?;
    }
    bind(&part(0), first, MsFlags::empty())
}

fn tmpfs(path: &Path, size: u64) -> Result<(), MountError> {
    let options = format!("mode=1777,size={size}");
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("tmpfs"), path, Some("tmpfs"), flags, Some(options.as_str())).map_err(error("mount a tmpfs at", path))
}

fn open_to_all(path: &Path) -> Result<(), MountError> {
    // The umask took bits away.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o1777))
        .map_err(io_error("change the mode of", path))
}

fn bind(from: &Path, to: &Path, more: MsFlags) -> Result<(), MountError> {
    mount(Some(from), to, NONE, MsFlags::MS_BIND | more, NONE).map_err(error("mount over", to))
}

fn put_back(path: &Path, fd: &OwnedFd) -> Result<(), MountError> {
    let stat = fstat(fd).map_err(error("stat", path))?;
    let is_directory = stat.st_mode & SFlag::S_IFMT.bits() == SFlag::S_IFDIR.bits();
    let directory = if is_directory { Some(path) } else { path.parent() };
    if let Some(directory) = directory {
        std::fs::create_dir_all(directory).map_err(io_error("create", directory))?;
    }
    if !is_directory {
        File::create(path).map_err(io_error("create", path))?;
    }
    // With all that is mounted below: a user namespace may not take it apart.
    bind(Path::new(&format!("/proc/self/fd/{}", fd.as_raw_fd())), path, MsFlags::MS_REC)
}
