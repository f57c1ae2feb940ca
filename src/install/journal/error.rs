//! Why an installation could not be made or taken back.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::fsutil::atomic_file::AtomicFileError;
use crate::install::splice::SpliceError;
use crate::system::os_error::OsError;

/// Why an installation could not be made or taken back.
#[derive(Debug, Error)]
pub enum JournalError {
    /// A file could not be read or written.
    #[error("cannot {operation} {}: {reason}", .path.display())]
    File {
        /// What was tried.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// The kernel's answer.
        reason: OsError,
    },
    /// A file could not be replaced.
    #[error(transparent)]
    Replace(#[from] AtomicFileError),
    /// The engine has a journal already.
    #[error("{} is of an installation that was not finished, or whose files were changed since: run `oomshim uninstall` first", .0.display())]
    Exists(PathBuf),
    /// There is no journal.
    #[error("{} does not exist: nothing was installed for this engine by `oomshim install`", .0.display())]
    Missing(PathBuf),
    /// The journal is not one.
    #[error("{} is malformed: {reason}", .path.display())]
    Malformed {
        /// The journal.
        path: PathBuf,
        /// What the parser says.
        reason: String,
    },
    /// A file was changed by somebody else since, so that oomshim's part cannot be told apart.
    #[error(
        "{} was changed since, and oomshim's part is not as it was written; what it was before and after is in {} and {}",
        .path.display(), .before.display(), .after.display()
    )]
    Changed {
        /// The file.
        path: PathBuf,
        /// Its bytes before the installation; missing where it did not exist.
        before: PathBuf,
        /// Its bytes after the installation.
        after: PathBuf,
    },
    /// A file was changed by somebody else between the plan and now.
    #[error("{} was changed by another program just now: call it again", .0.display())]
    Raced(PathBuf),
    /// What containers need cannot be left in a file.
    #[error("{}: {problem}", .path.display())]
    Leave {
        /// The file.
        path: PathBuf,
        /// Why not.
        problem: SpliceError,
    },
    /// Another `oomshim install` or `uninstall` is at work.
    #[error("another oomshim install or uninstall is at work, and did not end in {0} seconds")]
    Locked(u64),
}

/// Makes the error of an operation on that file.
pub(super) fn error<'a>(operation: &'static str, path: &'a Path) -> impl Fn(io::Error) -> JournalError + 'a {
    move |error| JournalError::File { operation, path: path.to_owned(), reason: error.into() }
}
