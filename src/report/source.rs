//! Where the kernel's records come from: the running kernel, or a saved log.

use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;

use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::Mode;
use thiserror::Error;

use super::record::{self, Record};
use crate::system::os_error::OsError;

/// The largest saved log that is read, in bytes.
const LIMIT: u64 = 1 << 30;

/// Why there are no records.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SourceError {
    /// A file cannot be read.
    #[error("cannot read {}: {reason}", .path.display())]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// The kernel's answer.
        reason: OsError,
    },
    /// The kernel's log is for some only.
    #[error(
        "cannot read {}: {reason}; it needs CAP_SYSLOG where kernel.dmesg_restrict is 1, and containers have none: run \
         it as root on the machine, or give it a saved log with --from",
        .path.display()
    )]
    Refused {
        /// The file.
        path: std::path::PathBuf,
        /// The kernel's answer.
        reason: OsError,
    },
}

fn error(path: &Path, errno: Errno) -> SourceError {
    let (path, reason) = (path.to_owned(), OsError(errno));
    match errno {
        Errno::EPERM | Errno::EACCES | Errno::ENOENT => SourceError::Refused { path, reason },
        _ => SourceError::File { path, reason },
    }
}

/// The records of a saved log, `-` for standard input; at most 1 GiB of them.
///
/// # Errors
/// [`SourceError::File`]
pub fn saved(path: &Path) -> Result<Vec<Record>, SourceError> {
    let error = |io: std::io::Error| SourceError::File { path: path.to_owned(), reason: io.into() };
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().take(LIMIT).read_to_end(&mut bytes).map_err(error)?;
    } else {
        std::fs::File::open(path).map_err(error)?.take(LIMIT).read_to_end(&mut bytes).map_err(error)?;
    }
    Ok(record::all(&bytes))
}

/// What the running kernel says.
#[derive(Debug)]
pub enum Next {
    /// A record.
    Record(Record),
    /// So far there is no more.
    Nothing,
    /// Records were overwritten before they were read.
    Lost,
}

/// The running kernel's log, `/dev/kmsg`.
#[derive(Debug)]
pub struct Kmsg {
    fd: OwnedFd,
    path: std::path::PathBuf,
    reader: record::Reader,
}

impl Kmsg {
    /// Opens it at its oldest record.
    ///
    /// # Errors
    /// [`SourceError`]
    pub fn open(path: &Path) -> Result<Kmsg, SourceError> {
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let fd = nix::fcntl::open(path, flags, Mode::empty()).map_err(|errno| error(path, errno))?;
        Ok(Kmsg { fd, path: path.to_owned(), reader: record::Reader::default() })
    }

    /// The next record that is complete.
    ///
    /// # Errors
    /// [`SourceError`]
    pub fn read(&mut self) -> Result<Next, SourceError> {
        // One read gives one record, with its escapes at most four times its 1 KiB, and its keys.
        let mut buffer = [0_u8; 16 * 1024];
        loop {
            match nix::unistd::read(&self.fd, &mut buffer) {
                Ok(0) | Err(Errno::EAGAIN) => return Ok(self.reader.finish().map_or(Next::Nothing, Next::Record)),
                Ok(count) => {
                    // The lines behind the first are keys, which say nothing about memory.
                    let line = buffer[..count].split(|&byte| byte == b'\n').next().unwrap_or_default();
                    if let Some(record) = self.reader.line(line) {
                        return Ok(Next::Record(record));
                    }
                }
                Err(Errno::EPIPE) => return Ok(Next::Lost),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(error(&self.path, errno)),
            }
        }
    }

    /// Waits until there may be more, at most so many milliseconds. Tells whether there is.
    ///
    /// # Errors
    /// [`SourceError`]
    pub fn wait(&self, milliseconds: i64) -> Result<bool, SourceError> {
        let timeout = PollTimeout::try_from(milliseconds).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(self.fd.as_fd(), PollFlags::POLLIN)], timeout) {
            Ok(count) => Ok(count > 0),
            Err(Errno::EINTR) => Ok(false),
            Err(errno) => Err(error(&self.path, errno)),
        }
    }
}

/// All records that the running kernel still has.
///
/// # Errors
/// [`SourceError`]
pub fn running(path: &Path) -> Result<Vec<Record>, SourceError> {
    let mut kmsg = Kmsg::open(path)?;
    let mut records = Vec::new();
    loop {
        match kmsg.read()? {
            Next::Record(record) => records.push(record),
            Next::Lost => {}
            Next::Nothing => return Ok(records),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_is_not_there_is_named() {
        let error = running(Path::new("/absent/kmsg")).unwrap_err().to_string();
        assert!(error.starts_with("cannot read /absent/kmsg: not found (ENOENT); it needs CAP_SYSLOG"), "{error}");
        assert!(
            saved(Path::new("/absent/log")).unwrap_err().to_string().starts_with("cannot read /absent/log: not found")
        );
    }

    #[test]
    fn the_running_kernel_is_read() {
        let path = Path::new("/dev/kmsg");
        // Containers and unprivileged users are told why they have none.
        match running(path) {
            Ok(records) => assert!(records.iter().all(|record| record.is_proven)),
            Err(error) => assert!(matches!(error, SourceError::Refused { .. }), "{error}"),
        }
    }
}
