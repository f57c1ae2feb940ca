//! `oomshim guard`: watches one cgroup per job, and kills the job that causes it before the machine thrashes.
//!
//! Data flows one way: a [`sample`] is read, the decision ([`machine`]) is pure, and what it says is done.

pub mod ability;
pub mod choose;
pub mod clerk;
pub mod condition;
pub mod daemon;
pub mod describe;
pub mod events;
pub mod figure;
pub mod find;
pub mod history;
pub mod kill;
pub mod leftover;
pub mod machine;
pub mod metrics;
pub mod own;
pub mod pause;
pub mod place;
pub mod read;
pub mod record;
pub mod replay;
pub mod ring;
pub mod sample;
pub mod series;
pub mod settings;
pub mod status;
pub mod table;
pub mod tell;
pub mod trigger;
