//! `oomshim install` and `uninstall`: does to an engine's configuration what its remedy says, and takes exactly that back.
//!
//! Finding is parsing, writing is splicing: no byte of another program's file changes that is not part of a setting.
//! What a file held is written down before it is changed.

pub mod ask;
pub mod error;
pub mod journal;
pub mod pins;
pub mod plan;
pub mod podman;
pub mod proof;
pub mod restart;
pub mod splice;
pub mod target;

pub use journal::{Journal, JournalError, Lock, Undone};
pub use plan::{FileChange, Needs, Plan, PlanError, Planned, Request, Scope};
pub use target::{Instance, Target};
