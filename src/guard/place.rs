//! `/run/oomshim/guard`: what the running guard keeps there, and that there is only one.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg, OFlag};
use thiserror::Error;

use crate::fsutil::private_directory;

/// Where the guard keeps its things.
pub const DIRECTORY: &str = "/run/oomshim/guard";

/// Why the guard cannot have its directory.
#[derive(Debug, Error)]
pub enum PlaceError {
    /// There is a guard already.
    #[error(
        "another guard runs already: process {pid}; `oomshim guard status` asks it, and only one may run on a machine"
    )]
    Another {
        /// Its PID, as it wrote it.
        pid: String,
    },
    /// The directory or a file in it cannot be used.
    #[error("cannot {operation} {path}: {source}")]
    File {
        /// `create`, `open`, `lock`, `write` or `listen at`.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// The kernel's reason.
        source: std::io::Error,
    },
}

/// The guard's directory, held by this process alone.
#[derive(Debug)]
pub struct Place {
    directory: PathBuf,
    _lock: Flock<File>,
}

impl Place {
    /// Takes the directory.
    ///
    /// # Errors
    /// [`PlaceError::Another`] where a guard runs.
    pub fn take(directory: &Path) -> Result<Place, PlaceError> {
        let fail = |operation, path: &Path| {
            let path = path.to_owned();
            move |source: std::io::Error| PlaceError::File { operation, path, source }
        };
        if let Some(parent) = directory.parent() {
            private_directory::open_or_create(parent).map_err(|it| fail("create", parent)(it.into()))?;
        }
        private_directory::open_or_create(directory).map_err(|it| fail("create", directory)(it.into()))?;
        let path = directory.join("lock");
        let flags = OFlag::O_NOFOLLOW.bits();
        let file = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(flags)
            .open(&path)
            .map_err(fail("open", &path))?;
        let mut lock = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => lock,
            Err((file, nix::errno::Errno::EWOULDBLOCK)) => {
                let mut pid = String::new();
                let _ = file.take(16).read_to_string(&mut pid);
                return Err(PlaceError::Another { pid: pid.trim().to_owned() });
            }
            Err((_, errno)) => return Err(fail("lock", &path)(errno.into())),
        };
        let own = format!("{}\n", std::process::id());
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(own.as_bytes())
        };
        write(&mut lock).map_err(fail("write", &path))?;
        Ok(Place { directory: directory.to_owned(), _lock: lock })
    }

    /// Listens for `guard status`. Only root can connect: the directory is its own.
    ///
    /// # Errors
    /// [`PlaceError::File`]
    pub fn listen(&self) -> Result<UnixListener, PlaceError> {
        let path = socket(&self.directory);
        // That of a guard that died; the lock says that none is alive.
        let _ = std::fs::remove_file(&path);
        let fail = |source| PlaceError::File { operation: "listen at", path: path.clone(), source };
        let listener = UnixListener::bind(&path).map_err(fail)?;
        listener.set_nonblocking(true).map_err(fail)?;
        Ok(listener)
    }
}

/// The socket in that directory.
#[must_use]
pub fn socket(directory: &Path) -> PathBuf {
    directory.join("socket")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_guard_is_refused_and_told_of_the_first() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("oomshim/guard");
        let first = Place::take(&directory).unwrap();
        let error = Place::take(&directory).unwrap_err().to_string();
        assert!(error.contains(&format!("process {};", std::process::id())), "{error}");
        first.listen().unwrap();
        drop(first);
        Place::take(&directory).unwrap().listen().unwrap();
    }
}
