//! oomshim
#![deny(unsafe_code)]
pub mod cli;
pub mod containers;
pub mod doctor;
pub mod engines;
pub mod errno;
pub mod escape;
pub mod exec;
pub mod hook;
pub mod host;
pub mod lint;
pub mod policy;
pub mod process;
pub mod protect;
pub mod rank;
pub mod record;
pub mod report;
pub mod runtime;
pub mod score;
pub mod shim;
pub mod spec;
