//! `oomshim guard`: watches one cgroup per job, and kills the job that causes it before the machine thrashes.
//!
//! Data flows one way: a [`sample`] is read, the decision is pure (samples in, actions out, no clock), and what it says is
//! done.

pub mod kill;
pub mod leftover;
pub mod sample;
pub mod tell;
