//! Why an engine's configuration is not changed.

use std::path::PathBuf;

use thiserror::Error;

use crate::engines::{EngineError, Remedy};
use crate::install::splice::SpliceError;
use crate::system::os_error::OsError;

/// Why an engine's configuration is not changed.
#[derive(Debug, Error)]
pub enum PlanError {
    /// What the engine starts cannot be told.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// oomshim is not where the configuration would name it.
    #[error("{} is not installed: run `make install` first", .0.display())]
    NoShim(PathBuf),
    /// The settings cannot be put into the file.
    #[error("{}: {problem}", .path.display())]
    Splice {
        /// The file.
        path: PathBuf,
        /// Why not.
        problem: SpliceError,
        /// What a person can do.
        remedy: Box<Remedy>,
    },
    /// It takes more than a file.
    #[error("this is not done here, but by hand")]
    ByHand(Box<Remedy>),
    /// The file says that a program writes it, or is where only a program writes.
    #[error("{} is written by a program ({mark:?}), and a change of it would be lost: change it where that program takes it from", .path.display())]
    Managed {
        /// The file.
        path: PathBuf,
        /// What says so.
        mark: String,
        /// What a person can do.
        remedy: Box<Remedy>,
    },
    /// The file cannot be read.
    #[error("cannot read {}: {reason}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: OsError,
    },
    /// The file is not text.
    #[error("{} is not UTF-8", .0.display())]
    NotText(PathBuf),
    /// It cannot be made immune by a unit.
    #[error(
        "--immune writes a drop-in of the engine's systemd unit, and systemd does not start it: start it with `oomshim protect --`"
    )]
    NoUnit,
    /// It would be immune, and its steps as well.
    #[error("it is not made immune: {0}")]
    WouldLeak(String),
}

impl PlanError {
    /// What a person can do, where that is known.
    #[must_use]
    pub fn remedy(&self) -> Option<&Remedy> {
        match self {
            PlanError::Splice { remedy, .. } | PlanError::ByHand(remedy) | PlanError::Managed { remedy, .. } => {
                Some(remedy)
            }
            _ => None,
        }
    }
}
