//! What the shim, the hook and `policy explain` share once a workload has its class: the score that it can be given from
//! here, and the record of what was done.

use std::ffi::OsStr;
use std::path::Path;

use crate::log::Level;
use crate::log::record::Record;
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

/// What was done, for the log.
#[must_use]
pub fn record(id: Option<&OsStr>, bundle: Option<&Path>, decision: &Decision, plan: &Plan) -> Record {
    if decision.class.is_none() && plan.edits.is_empty() {
        let name =
            id.map_or("a container".to_owned(), |id| format!("container {}", escape::bytes(id.as_encoded_bytes())));
        let record = Record::new(Level::Debug, format!("left {name} alone")).with("class", decision.name());
        return id.into_iter().fold(record, |record, id| record.with("id", id));
    }
    let fields: Vec<String> = plan.edits.iter().map(|edit| format!("{} = {}", edit.field(), edit.value())).collect();
    let skipped: Vec<String> = plan.skipped.iter().map(|it| format!("{}: {}", it.what, it.why)).collect();
    let name = id.map(|id| format!(" {}", escape::bytes(id.as_encoded_bytes()))).unwrap_or_default();
    let mut message = format!("container{name} is {}: {}", decision.name(), fields.join(", "));
    let level = if plan.clamped_from.is_some() {
        message.push_str(&format!("; {}", shortfall(decision, plan)));
        Level::Warn
    } else {
        Level::Info
    };
    let mut record = Record::new(level, message).with("class", decision.name());
    for (name, value) in [("id", id), ("bundle", bundle.map(Path::as_os_str))] {
        record = value.into_iter().fold(record, |record, value| record.with(name, value));
    }
    if let Some(wanted) = plan.clamped_from {
        record = record.with("clamped_from", wanted.to_string());
    }
    if let Some(score) = plan.score() {
        record = record.with("score", score.to_string());
    }
    if skipped.is_empty() { record } else { record.with("skipped", skipped.join("; ")) }
}
