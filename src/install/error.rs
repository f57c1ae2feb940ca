//! Why an engine cannot be found, asked or started again.

use thiserror::Error;

use crate::system::process::ProcessError;

/// Why an engine that is meant cannot be told or looked at.
#[derive(Debug, Error)]
pub enum FindError {
    /// There is no such program.
    #[error("{0} is not in PATH and does not run")]
    Absent(&'static str),
    /// Several run.
    #[error("several run; name one with --pid, or call `oomshim install` without a name for all: {0}")]
    Several(String),
    /// The process is something else.
    #[error("the process {1} is no {0} of this machine")]
    NotIt(&'static str, u32),
    /// It cannot be read how it was started.
    #[error("{0}: {1}")]
    Hidden(String, ProcessError),
    /// Its files are not these.
    #[error("{0} has a root file system of its own: install it with --root DIR there")]
    OwnRoot(String),
    /// It is a container's or another user's.
    #[error("{0} is not this machine's: an engine in a container gets oomshim in its image (docs/install/pods.md)")]
    Stranger(String),
}

impl FindError {
    /// Whether it is about a process of an engine of that name that runs.
    #[must_use]
    pub fn is_about(&self, engine: &str) -> bool {
        match self {
            FindError::Hidden(name, _) | FindError::OwnRoot(name) => name.starts_with(&format!("{engine} (")),
            _ => false,
        }
    }
}
