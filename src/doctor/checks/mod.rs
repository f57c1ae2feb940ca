//! The checks, one a file.

pub mod allocating_task;
pub mod capability;
pub mod cgroup;
pub mod daemons;
pub mod engines;
pub mod group;
pub mod hooks;
pub mod inherited;
pub mod killers;
pub mod log;
pub mod panic;
pub mod policy;
pub mod pressure;
pub mod runtime;
pub mod swap;
