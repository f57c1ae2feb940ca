//! Why something could not be done with a cgroup.

use std::path::{Path, PathBuf};

use nix::errno::Errno;
use thiserror::Error;

use crate::system::os_error::OsError;

/// An operation on a cgroup failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("cannot {operation} {}: {reason}", path.display(), reason = OsError(*errno))]
pub struct CgroupError {
    /// What was to be done: `open`, `read`, `write`, `create`, `remove`, …
    pub operation: &'static str,
    /// The file or directory.
    pub path: PathBuf,
    /// The kernel's reason.
    pub errno: Errno,
}

impl CgroupError {
    pub(crate) fn new(operation: &'static str, path: &Path, errno: Errno) -> Self {
        CgroupError { operation, path: path.to_owned(), errno }
    }

    /// Whether the cgroup was removed.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self.errno, Errno::ENOENT | Errno::ENODEV)
    }
}
