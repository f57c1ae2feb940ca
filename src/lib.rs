//! oomshim
#![deny(unsafe_code)]
pub mod errno;
pub mod escape;
pub mod exec;
pub mod host;
pub mod policy;
pub mod process;
pub mod record;
pub mod runtime;
pub mod score;
pub mod shim;
pub mod spec;
