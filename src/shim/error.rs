//! Why nothing is started, or something is started unprotected.

use std::path::PathBuf;

use thiserror::Error;

use crate::fsutil::atomic_file::AtomicFileError;
use crate::policy::file::PolicyError;
use crate::registry::RegistryError;
use crate::runtime::flavor::Flavor;
use crate::runtime::locate::LocateError;
use crate::runtime::options::LineError;
use crate::runtime::state::StateError;
use crate::spec::document::DocumentError;
use crate::spec::edit::EditError;
use crate::system::own_score::OwnScoreError;
use crate::system::process::ProcessError;

/// Why nothing is started.
#[derive(Debug, Error)]
pub enum ShimError {
    /// What oomshim became led back to it.
    #[error(
        "oomshim was started again by what it had started: the runtime is oomshim itself, or a wrapper that finds oomshim \
         as its runtime; set `path` under [runtime] in the policy, or the wrapper's own runtime, to the real one"
    )]
    Loop,
    /// No container is started by a wrong policy.
    #[error("{0}; no container is started until the policy is right (`oomshim policy check`)")]
    WrongPolicy(PolicyError),
    /// Which runtime the policy names cannot be known.
    #[error("{0}; it may name the runtime, and none is guessed until it can be read (`oomshim policy check`)")]
    UnreadablePolicy(PolicyError),
    /// Which runtime made the container cannot be known.
    #[error("{0}; it names the runtime that made the container, and none is guessed")]
    Registry(RegistryError),
    /// The runtime that made the container is gone.
    #[error(
        "the container was made by {}, which is no longer there, and no other {} is configured or installed; \
         put it back, or set `path` under [runtime] in the policy to another {}",
        .0.display(), .1.name(), .1.name()
    )]
    MakerGone(PathBuf, Flavor),
    /// There is no runtime.
    #[error(transparent)]
    Locate(LocateError),
    /// The spec is larger than any that is edited. A tenant's image can make it so, and then it would have no score.
    #[error("{0}; a container is never started from one that cannot be edited")]
    TooLarge(AtomicFileError),
    /// A strict policy starts nothing that is unprotected.
    #[error("{0}; the policy is strict, so the container is not started")]
    Strict(Unprotected),
    /// A strict policy adds no process to a container whose score it cannot have.
    #[error("{0}; the policy is strict, so no process is started in the container")]
    StrictExec(Unprotected),
}

/// Why a container or a process in one does not have what its class gives.
#[derive(Debug, Error)]
pub enum Unprotected {
    /// The spec cannot be read or replaced.
    #[error(transparent)]
    File(#[from] AtomicFileError),
    /// The spec is not JSON.
    #[error("{} is not JSON: {reason}", .path.display())]
    NotJson {
        /// The spec's file.
        path: PathBuf,
        /// Where and why.
        reason: DocumentError,
    },
    /// The spec has no place for the edit.
    #[error("{}: {reason}", .path.display())]
    Edit {
        /// The spec's file.
        path: PathBuf,
        /// What is missing.
        reason: EditError,
    },
    /// The class gives more than this process may.
    #[error("{0}")]
    Shortfall(String),
    /// This process's own score cannot be read or set.
    #[error(transparent)]
    OwnScore(#[from] OwnScoreError),
    /// The score of the container's init cannot be read.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The container's init cannot be told.
    #[error(transparent)]
    State(#[from] StateError),
    /// The command line cannot be read.
    #[error("cannot read the command line as {} does: {}", .0.name(), .1)]
    Line(Flavor, LineError),
}
