//! oomshim
#![deny(unsafe_code)]
pub mod errno;
pub mod host;
pub mod process;
pub mod score;
pub mod spec;
