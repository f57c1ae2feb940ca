//! create, run and restore: gives the container its class's score and memory settings, and writes down who made it.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use tracing::{debug, warn};

use super::known::root_key;
use super::{Environment, ShimError, Unprotected, default_score, is_rootless, raise_own};
use crate::effective::{self, shown};
use crate::fsutil::atomic_file::{AtomicFile, AtomicFileError, Problem};
use crate::log::message;
use crate::policy::Policy;
use crate::policy::class::Class;
use crate::policy::decide::{self, Decision, Plan};
use crate::registry::{self, Container};
use crate::runtime::argv::{DeletedBy, Invocation};
use crate::runtime::locate::Located;
use crate::runtime::maker::Maker;
use crate::runtime::state;
use crate::spec::bundle::{self, absolute_path};
use crate::spec::document::Document;
use crate::spec::edit;
use crate::spec::workload::Workload;
use crate::system::oom_score_adj::OomScoreAdj;
use crate::system::own_score::{OwnScore, OwnScoreError};

/// The class in the record of a container that was started as it came.
const UNEDITED: &str = "unedited";

/// Gives the container its class's score and memory settings.
pub(super) fn create(
    it: &Invocation<'_>,
    runtime: &Located,
    policy: &Policy,
    environment: &Environment,
) -> Result<(), ShimError> {
    let path = it.spec_path();
    let bundle = absolute_path(it.bundle);
    let give_up = |class: Option<&Class>, why: Unprotected| {
        unedited(policy, environment, class, why, Some((it.id, &bundle)))?;
        let container = Container { class: UNEDITED.to_owned(), ..Container::default() };
        record(it, runtime, Container { bundle: bundle.clone(), ..container }, environment);
        Ok(())
    };
    let (file, bytes) = match AtomicFile::read(&path, bundle::LIMIT) {
        Ok(read) => read,
        Err(error @ AtomicFileError { problem: Problem::TooLarge(_), .. }) => return Err(ShimError::TooLarge(error)),
        Err(error) => return give_up(None, error.into()),
    };
    let document = match Document::parse(&bytes) {
        Ok(document) => document,
        Err(reason) => {
            drop(file);
            return give_up(None, Unprotected::NotJson { path, reason });
        }
    };
    let workload = Workload::of(&document).named(Some(it.id), bundle.clone());
    let decision = decide::classify(policy, &workload);
    let plan = match protect(it, policy, &decision, &document, &workload, file, environment) {
        Ok(plan) => plan,
        Err(why) => return give_up(decision.class.as_ref(), why),
    };
    let asked = plan.score().or(workload.asked.score);
    let container = Container {
        class: decision.name().to_owned(),
        asked: asked.map(OomScoreAdj::get),
        cgroup: workload.cgroups.last().map(|path| OsString::from(path.as_ref())).unwrap_or_default(),
        command: workload.args.iter().map(|arg| OsString::from(arg.as_ref())).collect(),
        bundle: bundle.clone(),
        ..Container::default()
    };
    record(it, runtime, container, environment);
    effective::log(Some(it.id), Some(&bundle), &workload, &decision, &plan);
    Ok(())
}

/// Does what the decision says. When it returns, every descriptor is closed: there may be few, and what is left to do
/// where it fails (raising this process's own score, the records) needs some too.
fn protect(
    it: &Invocation<'_>,
    policy: &Policy,
    decision: &Decision,
    document: &Document<'_>,
    workload: &Workload<'_>,
    file: AtomicFile,
    environment: &Environment,
) -> Result<Plan, Unprotected> {
    let (mut own, plan) = plan(it, policy, decision, workload, environment)?;
    if policy.strict && !plan.has_its_score() {
        return Err(Unprotected::Shortfall(effective::shortfall(decision, &plan)));
    }
    write(&file, document, &plan)?;
    drop(file);
    take_zero(plan.score().or(workload.asked.score), &mut own)?;
    Ok(plan)
}

/// What is to be done for that decision on this machine.
fn plan(
    it: &Invocation<'_>,
    policy: &Policy,
    decision: &Decision,
    workload: &Workload<'_>,
    environment: &Environment,
) -> Result<(OwnScore, Plan), OwnScoreError> {
    let roots = &environment.roots;
    let mut own = OwnScore::read(&roots.proc)?;
    let Some(class) = &decision.class else {
        let plan = decide::plan_to_keep(policy, decision, workload, own.now());
        return Ok((own, plan));
    };
    let score = effective::score_for(class, workload, &mut own)?;
    let host = effective::host_for(class, roots);
    Ok((own, decide::plan(class, workload, &host, score, it.cgroup_manager())))
}

/// Makes the edits of the plan, where there is anything to change.
fn write(file: &AtomicFile, document: &Document<'_>, plan: &Plan) -> Result<(), Unprotected> {
    let splices = edit::splices(document.root(), &plan.edits)
        .map_err(|reason| Unprotected::Edit { path: file.path().to_owned(), reason })?;
    if splices.is_empty() {
        return Ok(());
    }
    Ok(file.replace(&edit::splice(document.bytes(), splices))?)
}

/// A runtime may take a score of 0 for none, as crun does (1.8.1, `libcrun_set_oom`), and the container then has what the
/// runtime has. So where 0 is asked for, the runtime has 0 too.
fn take_zero(asked: Option<OomScoreAdj>, own: &mut OwnScore) -> Result<(), OwnScoreError> {
    if asked == Some(OomScoreAdj::ZERO) { own.set_or_floor(OomScoreAdj::ZERO).map(|_| ()) } else { Ok(()) }
}

/// Notes what is started: which runtime its later subcommands go to, and what it was, for those who ask after it was
/// killed. Never a reason to fail.
fn record(it: &Invocation<'_>, runtime: &Located, container: Container, environment: &Environment) {
    let root = root_key(&it.global);
    let state_root = if root.is_empty() {
        state::default_root(runtime.flavor, environment.runtime_dir.as_deref(), || is_rootless(&environment.roots))
    } else {
        PathBuf::from(&root)
    };
    let maker = Maker::of(runtime, state::directory(runtime.flavor, &state_root, it.id));
    // Nobody says when such a container is gone, so what may be secret is not written down.
    let kept = if it.deleted_by == DeletedBy::Runtime { 1 } else { usize::MAX };
    let command = container.command.into_iter().take(kept).collect();
    let container = Container { id: it.id.to_owned(), root, runtime: Some(maker), command, ..container };
    if let Err(error) = registry::record(&environment.run, &container) {
        debug!(id = shown(it.id), "there is no record of container {}: {error}", shown(it.id));
    }
}

/// The spec stays as it is: refuse where the policy is strict; otherwise raise this process's own score, which the
/// container inherits where its spec sets none, and say why.
///
/// Without a class, as when the spec cannot be read, the default one's score counts.
pub(super) fn unedited(
    policy: &Policy,
    environment: &Environment,
    class: Option<&Class>,
    why: Unprotected,
    container: Option<(&OsStr, &Path)>,
) -> Result<(), ShimError> {
    if policy.strict {
        return Err(ShimError::Strict(why));
    }
    let score = class.map_or_else(|| default_score(policy), |class| class.oom_score_adj);
    let outcome = match raise_own(score, environment) {
        Ok(true) => "started unedited, at the oom_score_adj of the runtime, which was raised".to_owned(),
        Ok(false) => "started unedited".to_owned(),
        Err(error) => format!("started unedited, at the engine's oom_score_adj ({error})"),
    };
    let (id, bundle) = container.unzip();
    let (id, bundle) = (id.map(shown), bundle.map(|path| shown(path.as_os_str())));
    warn!(message_id = message::UNEDITED.id, id, bundle, "{outcome}: {why}");
    Ok(())
}
