//! `oomshim install` and `uninstall`: does to an engine's configuration what its remedy says, and takes exactly that back.
//!
//! Finding is parsing, writing is splicing: no byte of another program's file changes that is not part of a setting.
//! What a file held is written down before it is changed.

pub mod journal;
pub mod plan;
pub mod podman;
pub mod splice;

pub use journal::{Journal, JournalError, Undone};
pub use plan::{FileChange, Plan, PlanError, Planned};
