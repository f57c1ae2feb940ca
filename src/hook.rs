//! The ways of `oomshim-hook`: createRuntime (the container's state on stdin) and precreate (its spec on stdin).

use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use serde::{Deserialize, Deserializer};
use thiserror::Error;
use tracing::{debug, info, warn};

use crate::apply;
use crate::fsutil::atomic_file::AtomicFile;
use crate::log::message;
use crate::policy::Policy;
use crate::policy::class::Class;
use crate::policy::decide::{self, Decision, Source};
use crate::spec::bundle;
use crate::spec::document::{Document, DocumentError};
use crate::spec::edit::{self, EditError, MemoryFile};
use crate::spec::workload::Workload;
use crate::system::host::{self, Cgroups, Host, Roots};
use crate::system::os_error::OsError;
use crate::system::process::{Namespace, Process, ProcessError};
use crate::text::escape;

/// The largest state that is read, in bytes: 1 MiB.
pub const STATE_LIMIT: u64 = 1024 * 1024;

/// Why a hook did not do its work.
#[derive(Debug, Error)]
pub enum HookError {
    /// Standard input could not be read.
    #[error("cannot read standard input: {0}")]
    Input(OsError),
    /// Standard input is larger than any state or spec.
    #[error("standard input is larger than {0} bytes")]
    TooLarge(u64),
    /// Standard input is not a container's state.
    #[error("standard input is not a container's state: {0}")]
    NotAState(serde_json::Error),
    /// The stage is one at which the PID is not the container's.
    #[error(
        "the state's status is {0:?}: this hook belongs to the stage createRuntime, where it is creating or created"
    )]
    Status(String),
    /// The PID is 0 or 1: createContainer hooks see the host's /proc with the container's PIDs (runc) or none (crun).
    #[error("the state's pid is {0}: this hook belongs to the stage createRuntime, where the pid is the container's")]
    Pid(i64),
    /// The PID is not that of a container.
    #[error("process {0} is in the hook's own cgroup and namespaces, so it is not the container")]
    NotAContainer(u32),
    /// There is no class of the name given by `--class`.
    #[error("the policy has no class {0:?}, which --class names")]
    NoClass(String),
    /// The container's process could not be read or written.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The score could not be had and the policy is strict.
    #[error("the score {wanted} cannot be set, only {got}: CAP_SYS_RESOURCE in the initial user namespace is missing")]
    Clamped {
        /// The class's score.
        wanted: crate::system::oom_score_adj::OomScoreAdj,
        /// The score that the container has now.
        got: crate::system::oom_score_adj::OomScoreAdj,
    },
    /// The spec has no process whose score it could say, and the policy is strict.
    #[error("the class gives a score, but the spec has no process")]
    NoProcess,
    /// The spec on stdin is not JSON.
    #[error("standard input is not a spec: {0}")]
    NotASpec(#[from] DocumentError),
    /// The spec has no place for the edit.
    #[error(transparent)]
    Edit(#[from] EditError),
}

/// The part of a container's state that matters (runtime-spec `runtime.md`, "State").
#[derive(Debug, Deserialize)]
struct State {
    #[serde(default, deserialize_with = "or_default")]
    id: String,
    #[serde(default, deserialize_with = "or_default")]
    status: String,
    #[serde(default, deserialize_with = "or_default")]
    pid: i64,
    #[serde(default, deserialize_with = "or_default")]
    bundle: PathBuf,
    #[serde(default, deserialize_with = "or_default")]
    annotations: std::collections::BTreeMap<String, String>,
}

/// Some runtimes write `null` for what they leave out.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(value: D) -> Result<T, D::Error> {
    Option::deserialize(value).map(Option::unwrap_or_default)
}

/// Reads at most `limit` bytes.
///
/// # Errors
/// [`HookError::Input`] and [`HookError::TooLarge`].
pub fn read_input(input: impl Read, limit: u64) -> Result<Vec<u8>, HookError> {
    let mut bytes = Vec::new();
    input.take(limit + 1).read_to_end(&mut bytes).map_err(|error| HookError::Input(error.into()))?;
    if bytes.len() as u64 > limit { Err(HookError::TooLarge(limit)) } else { Ok(bytes) }
}

/// createRuntime: gives the container's process its class's score, and its cgroup the memory settings.
///
/// # Errors
/// [`HookError`]; what could be done is done.
pub fn create_runtime(state: &[u8], class: Option<&str>, policy: &Policy, roots: &Roots) -> Result<(), HookError> {
    let state: State = serde_json::from_slice(state).map_err(HookError::NotAState)?;
    if !matches!(state.status.as_str(), "creating" | "created") {
        return Err(HookError::Status(state.status.chars().take(40).collect()));
    }
    let pid = u32::try_from(state.pid).ok().filter(|&pid| pid > 1).ok_or(HookError::Pid(state.pid))?;
    let process = Process::open(&roots.proc, pid)?;
    let own = Process::own(&roots.proc)?;
    let own_cgroup = own.cgroups()? == process.cgroups()?;
    if own_cgroup && same_namespaces(&own, &process)? {
        return Err(HookError::NotAContainer(pid));
    }
    let spec = AtomicFile::read(&bundle::spec_path(&state.bundle), bundle::LIMIT).map(|(_, bytes)| bytes);
    let document = spec.as_deref().ok().and_then(|bytes| Document::parse(bytes).ok());
    let workload = match &document {
        Some(document) => Workload::of(document),
        // The state has the annotations too, and the process the score that it was started with.
        None => Workload {
            annotations: state.annotations.iter().map(|(key, value)| (key.into(), value.into())).collect(),
            asked: crate::spec::workload::Requested { score: process.score().ok(), ..Default::default() },
            ..Default::default()
        },
    };
    let workload = workload.named(Some(OsStr::new(&state.id)), state.bundle.clone());
    let decision = decision(class, policy, &workload)?;
    let (name, id) = (decision.name(), escape::text(&state.id).into_owned());
    let (id, bundle) = (id.as_str(), apply::shown(state.bundle.as_os_str()));
    let Some(class) = &decision.class else {
        let plan = decide::plan_to_keep(policy, &decision, &workload, process.score()?);
        let Some(score) = plan.score() else {
            debug!(message_id = message::LEFT_ALONE.id, id, bundle, class = name, "left container {id} alone");
            return Ok(());
        };
        process.set_score(score)?;
        let message_id = message::REQUESTED.id;
        info!(message_id, id, bundle, class = name, "container {id} is keep: oom_score_adj = {score}");
        return Ok(());
    };
    let mut done = Vec::new();
    let mut complete = true;
    if let Some(wanted) = decide::wanted_score(class, &workload, process.score().ok()) {
        let got = process.set_score_or_floor(wanted)?;
        if got != wanted && policy.strict {
            return Err(HookError::Clamped { wanted, got });
        }
        done.push(format!("oom_score_adj = {got}"));
        if got != wanted {
            done.push(format!("instead of {wanted}, for lack of CAP_SYS_RESOURCE"));
            complete = false;
        }
    }
    let skipped = if own_cgroup { Vec::new() } else { set_memory(class, &workload, &process, roots, &mut done) };
    if !skipped.is_empty() && host::cgroups(roots) == Cgroups::V2 {
        complete = false;
    }
    let (message_id, done) = (message::REQUESTED.id, done.join(", "));
    let skipped = (!skipped.is_empty()).then(|| skipped.join("; "));
    if complete {
        info!(message_id, id, bundle, class = name, skipped, "container {id} is {name}: {done}");
    } else {
        warn!(message_id, id, bundle, class = name, skipped, "container {id} is {name}: {done}");
    }
    Ok(())
}

/// precreate: the spec with the edits that the shim would make.
///
/// # Errors
/// [`HookError`]; the spec is then to be handed on as it came.
pub fn precreate(spec: &[u8], class: Option<&str>, policy: &Policy, roots: &Roots) -> Result<Vec<u8>, HookError> {
    let document = Document::parse(spec)?;
    // Neither the id nor the bundle is told. The working directory is the bundle in newer versions of podman, and
    // whatever directory podman's user is in in older ones (seen with 4.3), so it says nothing.
    let workload = Workload::of(&document);
    let decision = decision(class, policy, &workload)?;
    let Some(class) = &decision.class else {
        let plan = apply::plan_to_keep(policy, &decision, &workload, roots)?;
        let bytes = edit::splice(document.bytes(), edit::splices(document.root(), &plan.edits)?);
        apply::log(None, None, &decision, &plan);
        return Ok(bytes);
    };
    let score = apply::score_for(class, &workload, roots)?;
    let host = Host::read(roots);
    let plan = decide::plan(class, &workload, &host, score, false);
    if let (true, Some(wanted), Some(got)) = (policy.strict, plan.clamped_from, plan.score()) {
        return Err(HookError::Clamped { wanted, got });
    }
    if policy.strict && !plan.has_its_score() {
        return Err(HookError::NoProcess);
    }
    let bytes = edit::splice(document.bytes(), edit::splices(document.root(), &plan.edits)?);
    apply::log(None, None, &decision, &plan);
    Ok(bytes)
}

fn decision(class: Option<&str>, policy: &Policy, workload: &Workload<'_>) -> Result<Decision, HookError> {
    let Some(name) = class else { return Ok(decide::classify(policy, workload)) };
    let class = match name {
        "keep" => None,
        name => Some(policy.class(name).ok_or_else(|| HookError::NoClass(name.to_owned()))?.clone()),
    };
    Ok(Decision { class, because: Source::Named, volunteer: None })
}

fn same_namespaces(own: &Process, process: &Process) -> Result<bool, ProcessError> {
    for kind in [Namespace::Mount, Namespace::Pid] {
        if own.namespace(kind)? != process.namespace(kind)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Writes the class's settings to the files of the container's cgroup; says what was done and returns what was not.
fn set_memory(
    class: &Class,
    workload: &Workload<'_>,
    process: &Process,
    roots: &Roots,
    done: &mut Vec<String>,
) -> Vec<String> {
    let host = Host::read(roots);
    let directory =
        process.cgroups().ok().and_then(|text| host::own_v2_cgroup(&text)).map(|path| roots.cgroup.join(path));
    let mut skipped = Vec::new();
    for (file, value) in decide::settings(class, workload, &host) {
        let written = match (host.cgroups, value, &directory) {
            (Cgroups::V1, _, _) => Err(decide::SkipReason::CgroupV1.to_string()),
            (_, Err(why), _) => Err(why.to_string()),
            (_, Ok(_), None) => Err("the process is in no cgroup v2".to_owned()),
            (_, Ok(value), Some(directory)) => write_setting(directory, file, value).map(|()| value),
        };
        match written {
            Ok(value) => done.push(format!("{} = {value}", file.name())),
            Err(why) => skipped.push(format!("{}: {why}", file.name())),
        }
    }
    skipped
}

fn write_setting(directory: &Path, file: MemoryFile, value: u64) -> Result<(), String> {
    let path = directory.join(file.name());
    let limit = || std::fs::read_to_string(&path).ok()?.trim().parse::<u64>().ok();
    if file != MemoryFile::OomGroup
        && let Some(limit) = limit().filter(|&limit| limit <= value)
    {
        return Err(decide::SkipReason::EngineLower(limit).to_string());
    }
    let flags = OFlag::O_WRONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
    let written = nix::fcntl::open(&path, flags, Mode::empty())
        .and_then(|fd| nix::unistd::write(&fd, value.to_string().as_bytes()).map(|_| ()));
    written.map_err(|errno| format!("cannot write {}: {}", path.display(), OsError(errno)))
}
