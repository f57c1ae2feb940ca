//! Where the lines come from: the running kernel, or a saved log.

use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::Mode;
use thiserror::Error;

use super::input::{Entry, InputError, Lines, Reader};
use crate::system::os_error::OsError;

/// Why there are no lines.
#[derive(Debug, Error)]
pub enum SourceError {
    /// A file cannot be read.
    #[error("cannot read {}: {reason}", .path.display())]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// The kernel's answer.
        reason: OsError,
    },
    /// A file has a form that another program has to undo.
    #[error("cannot read {}: {reason}", .path.display())]
    Form {
        /// The file.
        path: std::path::PathBuf,
        /// What it is, and what to do.
        reason: InputError,
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

/// Reads a saved log, `-` for standard input, and gives its entries to `take` one at a time.
///
/// # Errors
/// [`SourceError::File`] and [`SourceError::Form`]
pub fn saved(path: &Path, mut take: impl FnMut(Entry)) -> Result<(), SourceError> {
    let file = |io: std::io::Error| SourceError::File { path: path.to_owned(), reason: io.into() };
    let mut lines = if path == Path::new("-") {
        Lines::new(std::io::stdin())
    } else {
        Lines::new(std::fs::File::open(path).map_err(file)?)
    };
    let mut reader = Reader::default();
    let mut entries = Vec::new();
    loop {
        match lines.read() {
            Ok(Some(line)) => reader.line(line, &mut entries),
            Ok(None) => break,
            Err(InputError::Read(io)) => return Err(file(io)),
            Err(reason) => return Err(SourceError::Form { path: path.to_owned(), reason }),
        }
        entries.drain(..).for_each(&mut take);
    }
    reader.finish(&mut entries);
    entries.drain(..).for_each(take);
    Ok(())
}

/// What the running kernel says.
#[derive(Debug)]
pub enum Next {
    /// An entry.
    Entry(Entry),
    /// So far there is no more.
    Nothing,
    /// Entries were overwritten before they were read.
    Lost,
}

/// The running kernel's log, `/dev/kmsg`.
#[derive(Debug)]
pub struct Kmsg {
    fd: OwnedFd,
    path: std::path::PathBuf,
    reader: Reader,
    complete: VecDeque<Entry>,
}

impl Kmsg {
    /// Opens it at its oldest entry.
    ///
    /// # Errors
    /// [`SourceError`]
    pub fn open(path: &Path) -> Result<Kmsg, SourceError> {
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let fd = nix::fcntl::open(path, flags, Mode::empty()).map_err(|errno| error(path, errno))?;
        Ok(Kmsg { fd, path: path.to_owned(), reader: Reader::default(), complete: VecDeque::new() })
    }

    /// The next entry that is complete.
    ///
    /// # Errors
    /// [`SourceError`]
    pub fn read(&mut self) -> Result<Next, SourceError> {
        // One read gives one record, with its escapes at most four times its 1 KiB, and its keys.
        let mut buffer = [0_u8; 16 * 1024];
        let mut entries = Vec::new();
        loop {
            if let Some(entry) = self.complete.pop_front() {
                return Ok(Next::Entry(entry));
            }
            match nix::unistd::read(&self.fd, &mut buffer) {
                Ok(0) | Err(Errno::EAGAIN) => {
                    self.reader.finish(&mut entries);
                    if entries.is_empty() {
                        return Ok(Next::Nothing);
                    }
                }
                Ok(count) => record(&mut self.reader, &buffer[..count], &mut entries),
                Err(Errno::EPIPE) => return Ok(Next::Lost),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(error(&self.path, errno)),
            }
            // It is no saved log, so that the lines have no numbers.
            self.complete.extend(entries.drain(..).map(|entry| Entry { line: 0, ..entry }));
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

/// Takes a record of `/dev/kmsg`, and puts the entries behind `out` that are complete with that.
pub fn record(reader: &mut Reader, record: &[u8], out: &mut Vec<Entry>) {
    // The lines behind the first are keys, which say nothing about memory.
    let line = record.split(|&byte| byte == b'\n').next().unwrap_or_default();
    reader.line(line, out);
}

/// Gives all entries that the running kernel still has to `take`.
///
/// # Errors
/// [`SourceError`]
pub fn running(path: &Path, mut take: impl FnMut(Entry)) -> Result<(), SourceError> {
    let mut kmsg = Kmsg::open(path)?;
    loop {
        match kmsg.read()? {
            Next::Entry(entry) => take(entry),
            Next::Lost => {}
            Next::Nothing => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_is_not_there_is_named() {
        let error = running(Path::new("/absent/kmsg"), drop).unwrap_err().to_string();
        assert!(error.starts_with("cannot read /absent/kmsg: not found (ENOENT); it needs CAP_SYSLOG"), "{error}");
        assert!(
            saved(Path::new("/absent/log"), drop)
                .unwrap_err()
                .to_string()
                .starts_with("cannot read /absent/log: not found")
        );
    }

    #[test]
    fn the_running_kernel_is_read() {
        let path = Path::new("/dev/kmsg");
        // Containers and unprivileged users are told why they have none.
        let mut entries = Vec::new();
        match running(path, |entry| entries.push(entry)) {
            Ok(()) => {
                assert!(entries.iter().all(|it| it.is_proven || it.origin != super::super::input::Origin::Kernel));
            }
            Err(error) => assert!(matches!(error, SourceError::Refused { .. }), "{error}"),
        }
    }
}
