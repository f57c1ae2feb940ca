//! What the shim, the hook and `policy explain` share once a workload has its class: the score that it can be given from
//! here, and the record of what was done.

use std::ffi::OsStr;
use std::path::Path;

use tracing::{debug, info, warn};

use crate::log::message;
use crate::policy::Policy;
use crate::policy::class::Class;
use crate::policy::decide::{self, Decision, Plan};
use crate::spec::workload::Workload;
use crate::system::host::Roots;
use crate::system::oom_score_adj::OomScoreAdj;
use crate::system::process::{Process, ProcessError};
use crate::text::escape;

/// The score that the class gives, and the one nearest to it that this process, and so the runtime, may write.
///
/// # Errors
/// [`ProcessError`]
pub fn score_for(
    class: &Class,
    workload: &Workload<'_>,
    roots: &Roots,
) -> Result<Option<(OomScoreAdj, OomScoreAdj)>, ProcessError> {
    let own = Process::own(&roots.proc)?;
    let Some(wanted) = decide::wanted_score(class, workload, Some(own.score()?)) else { return Ok(None) };
    Ok(Some((wanted, own.lowest_own_score(wanted)?)))
}

/// What becomes of a workload of class `keep` when this process starts it ([`decide::plan_to_keep`]).
///
/// # Errors
/// [`ProcessError`]
pub fn plan_to_keep(
    policy: &Policy,
    decision: &Decision,
    workload: &Workload<'_>,
    roots: &Roots,
) -> Result<Plan, ProcessError> {
    let inherited = Process::own(&roots.proc)?.score()?;
    Ok(decide::plan_to_keep(policy, decision, workload, inherited))
}

/// What a class gives that could not be had, in a sentence.
#[must_use]
pub fn shortfall(decision: &Decision, plan: &Plan) -> String {
    match (plan.clamped_from, plan.score()) {
        (Some(wanted), Some(score)) => format!(
            "class {} gives the score {wanted}, but this process may not go below {score}: \
             it lacks CAP_SYS_RESOURCE in the initial user namespace",
            decision.name()
        ),
        _ => format!("class {} gives a score, but the spec has no process", decision.name()),
    }
}

/// Logs what is asked of the runtime. `id` and `bundle` are absent where nobody tells them.
pub fn log(id: Option<&OsStr>, bundle: Option<&Path>, decision: &Decision, plan: &Plan) {
    let (class, id) = (decision.name(), id.map(shown));
    if decision.class.is_none() && plan.edits.is_empty() {
        let name = id.as_ref().map_or("a container".to_owned(), |id| format!("container {id}"));
        return debug!(message_id = message::LEFT_ALONE.id, class, id, "left {name} alone");
    }
    let edits: Vec<String> = plan.edits.iter().map(|edit| format!("{} = {}", edit.field(), edit.value())).collect();
    let skipped: Vec<String> = plan.skipped.iter().map(|it| format!("{}: {}", it.what, it.why)).collect();
    let skipped = (!skipped.is_empty()).then(|| skipped.join("; "));
    let bundle = bundle.map(|bundle| shown(bundle.as_os_str()));
    let score = plan.score().map(|score| score.to_string());
    let clamped_from = plan.clamped_from.map(|wanted| wanted.to_string());
    let name = id.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
    let text = format!("container{name} is {class}: {}", edits.join(", "));
    if clamped_from.is_some() {
        let shortfall = shortfall(decision, plan);
        warn!(
            message_id = message::REQUESTED.id,
            class, id, bundle, clamped_from, score, skipped, "{text}; {shortfall}"
        );
    } else {
        info!(message_id = message::REQUESTED.id, class, id, bundle, score, skipped, "{text}");
    }
}

/// An id or a path as text for a log.
#[must_use]
pub fn shown(text: &OsStr) -> String {
    escape::bytes(text.as_encoded_bytes())
}
