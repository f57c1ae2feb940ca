//! What can go wrong with a file that is read whole or replaced.

use std::path::{Path, PathBuf};

use nix::errno::Errno;
use thiserror::Error;

use crate::system::os_error::OsError;

/// What went wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("cannot {operation} {}: {problem}", .path.display())]
pub struct AtomicFileError {
    /// The file, or its directory.
    pub path: PathBuf,
    /// What was tried: `open`, `read`, `write`, …
    pub operation: &'static str,
    /// Why it did not work.
    pub problem: Problem,
}

/// Why something cannot be done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Problem {
    /// The kernel's answer to a call.
    #[error("{0}")]
    Os(OsError),
    /// It is a pipe, a device, a directory or a socket.
    #[error("not a regular file")]
    NotRegular,
    /// It has more bytes than are read of such a file.
    #[error("larger than {} MiB", .0 >> 20)]
    TooLarge(u64),
}

impl From<Errno> for Problem {
    fn from(errno: Errno) -> Self {
        Problem::Os(OsError(errno))
    }
}

impl AtomicFileError {
    /// Makes the error of an operation on that file, whatever the problem is.
    pub(super) fn of<'a, P: Into<Problem>>(
        path: &'a Path,
        operation: &'static str,
    ) -> impl Fn(P) -> AtomicFileError + 'a {
        move |problem| AtomicFileError { path: path.to_owned(), operation, problem: problem.into() }
    }

    /// The message for those who said already which file they mean.
    #[must_use]
    pub fn without_path(&self) -> String {
        match self.problem {
            Problem::Os(error) => format!("cannot {} it: {error}", self.operation),
            problem => problem.to_string(),
        }
    }
}
