//! What the engines' scenarios share: the suite's directory and programs, commands with a time limit, daemons, policies.

mod command;
mod daemon;
pub(crate) mod docker_like;
mod policy;
mod rights;
mod scenario;
mod suite;

pub(crate) use command::{Output, run};
pub(crate) use daemon::Daemon;
pub(crate) use policy::{CLAMPED, Policy};
pub(crate) use rights::give_up_sys_resource;
pub(crate) use scenario::{Scenario, Shared};
pub(crate) use suite::{Suite, binary, repository};

/// What a container says about itself: `score=[500]`.
pub(crate) const SAY_SCORE: &str = "echo \"score=[$(cat /proc/self/oom_score_adj)]\"";
