//! What can go wrong with a file of a process.

use nix::errno::Errno;
use thiserror::Error;

use crate::system::os_error::OsError;

/// What went wrong with which file of which process.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProcessError {
    /// A file of the process could not be opened, read or written.
    #[error("cannot {operation} /proc/{pid}/{file}: {reason}")]
    File {
        /// The process as it was asked for: a number, or `self`.
        pid: String,
        /// The file below `/proc/PID`; empty for the directory itself.
        file: &'static str,
        /// `open`, `read` or `write`.
        operation: &'static str,
        /// The kernel's answer.
        reason: OsError,
    },
    /// The file does not hold what the kernel writes there.
    #[error("/proc/{pid}/{file} holds {text:?}, not what the kernel writes there")]
    Content {
        /// The process as it was asked for.
        pid: String,
        /// The file below `/proc/PID`.
        file: &'static str,
        /// The beginning of what it holds.
        text: String,
    },
}

impl ProcessError {
    /// Whether the kernel refused a write for lack of rights.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(self, ProcessError::File { reason: OsError(Errno::EACCES | Errno::EPERM), .. })
    }

    /// Whether the process had ended.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self, ProcessError::File { reason: OsError(Errno::ESRCH | Errno::ENOENT), .. })
    }
}
