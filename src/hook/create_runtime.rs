//! createRuntime: writes to the container's process and cgroup, which are there already and do not run yet.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use oci_spec::runtime::ContainerState;
use thiserror::Error;
use tracing::{info, warn};

use super::{HookError, decision, state};
use crate::effective::shown;
use crate::fsutil::atomic_file::AtomicFile;
use crate::log::message;
use crate::policy::Policy;
use crate::policy::class::Class;
use crate::policy::decide::{self, Around, SkipReason};
use crate::spec::bundle;
use crate::spec::document::Document;
use crate::spec::edit::MemoryFile;
use crate::spec::workload::{Requested, Workload};
use crate::system::host::{self, Cgroups, Host, Roots};
use crate::system::memory_size::Limit;
use crate::system::os_error::OsError;
use crate::system::process::{Namespace, Process, ProcessError};
use crate::text::escape;

/// createRuntime: gives the container's process its class's score, and its cgroup the memory settings.
///
/// # Errors
/// [`HookError`]; what could be done is done.
pub fn create_runtime(state: &[u8], class: Option<&str>, policy: &Policy, roots: &Roots) -> Result<(), HookError> {
    let state = state::read(state).map_err(HookError::NotAState)?;
    let (id, bundle, given_pid) = (state.id(), state.bundle(), state.pid().unwrap_or(0));
    if !matches!(state.status(), ContainerState::Creating | ContainerState::Created) {
        return Err(HookError::Status(*state.status()));
    }
    let pid = u32::try_from(given_pid).ok().filter(|&pid| pid > 1).ok_or(HookError::Pid(given_pid))?;
    let process = Process::open(&roots.proc, pid)?;
    let own = Process::own(&roots.proc)?;
    let own_cgroup = own.cgroups()? == process.cgroups()?;
    if own_cgroup && same_namespaces(&own, &process)? {
        return Err(HookError::NotAContainer(pid));
    }
    let spec = AtomicFile::read(&bundle::spec_path(bundle), bundle::LIMIT).map(|(_, bytes)| bytes);
    let document = spec.as_deref().ok().and_then(|bytes| Document::parse(bytes).ok());
    let workload = match &document {
        Some(document) => Workload::of(document),
        // The state has the annotations too, and the process the score that it was started with.
        None => Workload {
            annotations: state.annotations().iter().flatten().map(|(key, value)| (key.into(), value.into())).collect(),
            asked: Requested { score: process.score().ok(), ..Default::default() },
            ..Default::default()
        },
    };
    let workload = workload.named(Some(OsStr::new(id)), bundle.clone());
    let decision = decision(class, policy, &workload)?;
    let (name, id) = (decision.name(), escape::text(id).into_owned());
    let (id, bundle) = (id.as_str(), shown(bundle.as_os_str()));
    let Some(class) = &decision.class else {
        let plan = decide::plan_to_keep(policy, &decision, &workload, process.score()?);
        let Some(score) = plan.score() else {
            info!(
                message_id = message::LEFT_ALONE.id,
                id,
                bundle,
                class = name,
                "container {id}, class keep: left alone"
            );
            return Ok(());
        };
        process.set_score(score)?;
        let message_id = message::REQUESTED.id;
        info!(message_id, id, bundle, class = name, "container {id}, class keep: set oom_score_adj = {score}");
        return Ok(());
    };
    let mut done = Vec::new();
    let mut complete = true;
    let around = Around { inherited: Some(process.score()?), engine: own.score().ok() };
    if let Some(wanted) = decide::wanted_score(class, &workload, around) {
        let got = process.set_score_or_floor(wanted)?;
        if got != wanted && policy.strict {
            return Err(HookError::Clamped { wanted, got });
        }
        done.push(format!("set oom_score_adj = {got}"));
        if got != wanted {
            done.push(format!("instead of {wanted}, for lack of CAP_SYS_RESOURCE"));
            complete = false;
        }
    }
    let skipped = if own_cgroup { Vec::new() } else { set_memory(class, &workload, &process, roots, &mut done) };
    if !skipped.is_empty() && host::cgroups(roots) == Cgroups::V2 {
        complete = false;
    }
    if done.is_empty() {
        done.push("left alone, the engine's own oom_score_adj stays".to_owned());
    }
    let (message_id, done) = (message::REQUESTED.id, done.join(", "));
    let skipped = (!skipped.is_empty()).then(|| skipped.join("; "));
    if complete {
        info!(message_id, id, bundle, class = name, skipped, "container {id}, class {name}: {done}");
    } else {
        warn!(message_id, id, bundle, class = name, skipped, "container {id}, class {name}: {done}");
    }
    Ok(())
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
            (Cgroups::V1, _, _) => Err(SettingError::Skipped(SkipReason::CgroupV1)),
            (_, Err(why), _) => Err(SettingError::Skipped(why)),
            (_, Ok(_), None) => Err(SettingError::NoCgroup),
            (_, Ok(value), Some(directory)) => write_setting(directory, file, value).map(|()| value),
        };
        match written {
            Ok(value) => done.push(format!("set {} = {value}", file.name())),
            Err(why) => skipped.push(format!("{}: {why}", file.name())),
        }
    }
    skipped
}

/// Why a setting of the memory controller was not made.
#[derive(Debug, Error)]
enum SettingError {
    /// There is a reason not to.
    #[error("{0}")]
    Skipped(SkipReason),
    /// The process is in no cgroup v2.
    #[error("the process is in no cgroup v2")]
    NoCgroup,
    /// The kernel refused it.
    #[error("cannot write {}: {reason}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The kernel's answer.
        reason: OsError,
    },
}

fn write_setting(directory: &Path, file: MemoryFile, value: u64) -> Result<(), SettingError> {
    let path = directory.join(file.name());
    let present = std::fs::read_to_string(&path);
    if present.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
        return Err(SettingError::Skipped(SkipReason::NoFile));
    }
    let limit = present.ok().and_then(|text| Limit::parse(&text));
    if let (Some(Limit::Bytes(limit)), true) = (limit, file != MemoryFile::OomGroup)
        && limit <= value
    {
        return Err(SettingError::Skipped(SkipReason::EngineLower(limit)));
    }
    let flags = OFlag::O_WRONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
    let written = nix::fcntl::open(&path, flags, Mode::empty())
        .and_then(|fd| nix::unistd::write(&fd, value.to_string().as_bytes()).map(|_| ()));
    written.map_err(|errno| SettingError::Write { path, reason: OsError(errno) })
}
