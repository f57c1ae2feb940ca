//! What `oomshim-hook` does: [`create_runtime()`] (the container's state on stdin) and [`precreate()`] (its spec on stdin).

mod create_runtime;
mod precreate;
mod state;

use std::io::Read;

use oci_spec::runtime::ContainerState;
use thiserror::Error;

pub use create_runtime::create_runtime;
pub use precreate::precreate;

use crate::policy::Policy;
use crate::policy::decide::{self, Decision, Source};
use crate::spec::bundle;
use crate::spec::document::DocumentError;
use crate::spec::edit::EditError;
use crate::spec::workload::Workload;
use crate::system::oom_score_adj::OomScoreAdj;
use crate::system::os_error::OsError;
use crate::system::own_score::OwnScoreError;
use crate::system::process::ProcessError;

/// The largest state that is read, in bytes: 1 MiB.
const STATE_LIMIT: u64 = 1024 * 1024;

/// Why a hook did not do its work.
#[derive(Debug, Error)]
pub enum HookError {
    /// Standard input could not be read.
    #[error("cannot read standard input: {0}")]
    Input(OsError),
    /// Standard input ends before it begins.
    #[error("standard input is empty")]
    Empty,
    /// Standard input is larger than any state or spec.
    #[error("standard input is larger than {0} bytes")]
    TooLarge(u64),
    /// Standard input is not a container's state.
    #[error("standard input is not a container's state: {0}")]
    NotAState(serde_json::Error),
    /// The stage is one at which the PID is not the container's.
    #[error("the state's status is {0}: this hook belongs to the stage createRuntime, where it is creating or created")]
    Status(ContainerState),
    /// The PID is 0 or 1: createContainer hooks see the host's /proc with the container's PIDs (runc) or none (crun).
    #[error("the state's pid is {0}: this hook belongs to the stage createRuntime, where the pid is the container's")]
    Pid(i32),
    /// The PID is not that of a container.
    #[error("process {0} is in the hook's own cgroup and namespaces, so it is not the container")]
    NotAContainer(u32),
    /// There is no class of the name given by `--class`.
    #[error("the policy has no class {0:?}, which --class names")]
    NoClass(String),
    /// The container's process could not be read or written.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The hook's own score, which the container inherits, could not be read.
    #[error(transparent)]
    OwnScore(#[from] OwnScoreError),
    /// The score could not be had and the policy is strict.
    #[error(
        "oom_score_adj {wanted} cannot be set, only {got}: CAP_SYS_RESOURCE in the initial user namespace is missing"
    )]
    Clamped {
        /// The class's score.
        wanted: OomScoreAdj,
        /// The score that the container has now.
        got: OomScoreAdj,
    },
    /// The spec has no process whose score it could say, and the policy is strict.
    #[error("the class gives an oom_score_adj, but the spec has no process")]
    NoProcess,
    /// The spec on stdin is not JSON.
    #[error("standard input is not a spec: {0}")]
    NotASpec(#[from] DocumentError),
    /// The spec has no place for the edit.
    #[error(transparent)]
    Edit(#[from] EditError),
}

/// Reads a container's state, for [`create_runtime()`].
///
/// # Errors
/// [`HookError::Input`], [`HookError::Empty`] and [`HookError::TooLarge`].
pub fn read_state(input: impl Read) -> Result<Vec<u8>, HookError> {
    read_input(input, STATE_LIMIT)
}

/// Reads a spec, for [`precreate()`].
///
/// # Errors
/// As [`read_state`].
pub fn read_spec(input: impl Read) -> Result<Vec<u8>, HookError> {
    read_input(input, bundle::LIMIT)
}

fn read_input(input: impl Read, limit: u64) -> Result<Vec<u8>, HookError> {
    let mut bytes = Vec::new();
    input.take(limit + 1).read_to_end(&mut bytes).map_err(|error| HookError::Input(error.into()))?;
    match bytes.len() as u64 {
        0 => Err(HookError::Empty),
        length if length > limit => Err(HookError::TooLarge(limit)),
        _ => Ok(bytes),
    }
}

fn decision(class: Option<&str>, policy: &Policy, workload: &Workload<'_>) -> Result<Decision, HookError> {
    let Some(name) = class else { return Ok(decide::classify(policy, workload)) };
    let class = match name {
        "keep" => None,
        name => Some(policy.class(name).ok_or_else(|| HookError::NoClass(name.to_owned()))?.clone()),
    };
    Ok(Decision { class, because: Source::Named, request: None })
}
