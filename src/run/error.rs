//! Why a job was not run, and the exit status that says so.

use std::ffi::OsString;

use nix::errno::Errno;
use thiserror::Error;

use super::parent::ParentError;
use super::place::PlaceError;
use crate::system::clone::CloneError;
use crate::system::os_error::OsError;

/// Why a job was not run.
#[derive(Debug, Error)]
pub enum RunError {
    /// The command cannot be executed.
    #[error("cannot run {}: {}{}", program.to_string_lossy(), OsError(*errno), if *covered { COVERED } else { "" })]
    NotExecuted {
        /// The command.
        program: OsString,
        /// The kernel's reason.
        errno: Errno,
        /// Whether one of the job's own directories covers its path.
        covered: bool,
    },
    /// `--strict`, and not everything can be had.
    #[error("{0}; not started, because of --strict")]
    Refused(String),
    /// No parent cgroup.
    #[error(transparent)]
    Parent(#[from] ParentError),
    /// No cgroup of its own.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// No process.
    #[error(transparent)]
    Clone(#[from] CloneError),
    /// The child could not be made what it should be.
    #[error("{0}")]
    Child(String),
    /// A signal ended the wait for memory.
    #[error("ended by signal {0} while waiting for memory")]
    Signal(i32),
    /// Another call of the kernel.
    #[error("cannot {what}: {}", OsError(*errno))]
    Kernel {
        /// What for.
        what: &'static str,
        /// The kernel's reason.
        errno: Errno,
    },
}

const COVERED: &str = "; /tmp, /var/tmp and /dev/shm are the job's own and empty: give --keep PATH, or --no-tmpfs";

impl RunError {
    /// The exit status, as env(1) has it: 127 where there is no such command, 126 where it cannot be executed, 125 where
    /// oomshim failed, and 128 and the number of a signal.
    #[must_use]
    pub fn status(&self) -> u8 {
        match self {
            RunError::NotExecuted { errno: Errno::ENOENT, .. } => 127,
            RunError::NotExecuted { .. } => 126,
            RunError::Signal(number) => u8::try_from(128 + number).unwrap_or(u8::MAX),
            _ => 125,
        }
    }
}
