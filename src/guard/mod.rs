//! `oomshim guard`: watches one cgroup per job, and kills the job that causes it before the machine thrashes.
//!
//! Data flows one way: a [`sample`] is read, the decision ([`machine`]) is pure, and what it says is done.

pub mod choose;
pub mod condition;
pub mod describe;
pub mod history;
pub mod kill;
pub mod leftover;
pub mod machine;
pub mod replay;
pub mod sample;
pub mod series;
pub mod settings;
pub mod tell;
