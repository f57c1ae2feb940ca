//! What a class comes to here: the `oom_score_adj` that this process may ask a runtime for, and the record of what was
//! asked. The shim, the hook at precreate and `policy explain` share it.

use std::ffi::OsStr;
use std::path::Path;

use tracing::{info, warn};

use crate::log::message;
use crate::policy::class::{Class, Size};
use crate::policy::decide::{self, Around, Decision, Plan};
use crate::spec::workload::Workload;
use crate::system::host::{self, Host, Roots};
use crate::system::meminfo::Meminfo;
use crate::system::memory_file::MemoryFile;
use crate::system::oom_score_adj::OomScoreAdj;
use crate::system::own_score::{OwnScore, OwnScoreError};
use crate::text::escape;

/// The score that the class gives, and the one nearest to it that this process, and so the runtime, may write.
///
/// # Errors
/// [`OwnScoreError`]
pub fn score_for(
    class: &Class,
    workload: &Workload<'_>,
    own: &mut OwnScore,
) -> Result<Option<(OomScoreAdj, OomScoreAdj)>, OwnScoreError> {
    let Some(wanted) = decide::wanted_score(class, workload, Around::started_from(own.now())) else { return Ok(None) };
    Ok(Some((wanted, own.lowest(wanted)?)))
}

/// What this class needs to know of the machine, and no more.
#[must_use]
pub fn host_for(class: &Class, roots: &Roots) -> Host {
    let files: Vec<MemoryFile> = class.files().collect();
    let needs_memory = class.limits().any(|(_, size)| matches!(size, Size::Percent(_)));
    let cgroups = host::cgroups(roots);
    Host {
        cgroups,
        memory: needs_memory.then(|| Meminfo::read(&roots.proc).total).flatten(),
        missing: host::missing(roots, cgroups, &files),
    }
}

/// What a class gives that could not be had, in a sentence.
#[must_use]
pub fn shortfall(decision: &Decision, plan: &Plan) -> String {
    match (plan.clamped_from, plan.score()) {
        (Some(wanted), Some(score)) => format!(
            "class {} gives oom_score_adj {wanted}, but this process may not go below {score}: \
             it lacks CAP_SYS_RESOURCE in the initial user namespace",
            decision.name()
        ),
        _ => format!("class {} gives an oom_score_adj, but the spec has no process", decision.name()),
    }
}

/// Logs what is asked of the runtime, which is not yet done. `id` and `bundle` are absent where nobody tells them.
pub fn log(id: Option<&OsStr>, bundle: Option<&Path>, workload: &Workload<'_>, decision: &Decision, plan: &Plan) {
    let (class, id) = (decision.name(), id.map(shown));
    let name = id.as_ref().map_or("a container".to_owned(), |id| format!("container {id}"));
    let bundle = bundle.map(|bundle| shown(bundle.as_os_str()));
    let skipped: Vec<String> = plan.skipped.iter().map(|it| format!("{}: {}", it.what, it.why)).collect();
    let skipped = (!skipped.is_empty()).then(|| skipped.join("; "));
    if plan.edits.is_empty() {
        let stays = workload.asked.score.map_or("none".to_owned(), |score| score.to_string());
        let message_id = message::LEFT_ALONE.id;
        let text = format!("{name}, class {class}: left alone, the engine's own oom_score_adj stays ({stays})");
        return info!(message_id, class, id, bundle, skipped, "{text}");
    }
    let edits: Vec<String> = plan.edits.iter().map(|edit| format!("{} = {}", edit.field(), edit.value())).collect();
    let asked_oom_score_adj = plan.score().map(|score| score.to_string());
    let clamped_from = plan.clamped_from.map(|wanted| wanted.to_string());
    let text = format!("{name}, class {class}: asked for {}", edits.join(", "));
    let message_id = message::REQUESTED.id;
    if clamped_from.is_some() {
        let shortfall = shortfall(decision, plan);
        warn!(message_id, class, id, bundle, clamped_from, asked_oom_score_adj, skipped, "{text}; {shortfall}");
    } else {
        info!(message_id, class, id, bundle, asked_oom_score_adj, skipped, "{text}");
    }
}

/// An id or a path as text for a log.
#[must_use]
pub fn shown(text: &OsStr) -> String {
    escape::bytes(text.as_encoded_bytes())
}
