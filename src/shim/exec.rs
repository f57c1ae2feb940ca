//! exec: a later process of a container must not inherit the engine's immunity.
//!
//! runc gives it the score of its container's spec, crun none at all. So this process takes the score that the container's
//! init has, which the runtime passes on; and where that cannot be told, at least that of a build step.

use std::path::{Path, PathBuf};

use tracing::{debug, info, warn};

use super::known::Known;
use super::{Environment, ShimError, Unprotected, default_score, is_rootless, raise_own};
use crate::effective::shown;
use crate::log::message;
use crate::policy::Policy;
use crate::runtime::argv::Invocation;
use crate::runtime::flavor::Flavor;
use crate::runtime::state;
use crate::system::oom_score_adj::OomScoreAdj;
use crate::system::own_score::OwnScore;

/// Gives this process the score that a process of that container is to have.
pub(super) fn enter(
    it: &Invocation<'_>,
    flavor: Flavor,
    known: Option<&Known>,
    policy: &Policy,
    environment: &Environment,
) -> Result<(), ShimError> {
    let (id, message_id) = (shown(it.id), message::EXEC.id);
    let directory = match known {
        Some(known) => known.maker.state.clone(),
        None => state::directory(flavor, &root(it, flavor, environment), it.id),
    };
    match take_inits_score(directory.as_deref(), flavor, environment) {
        Ok(Some((wanted, got))) if wanted == got => {
            debug!(message_id, id, "exec in container {id}: oom_score_adj {got}, as its init has");
            Ok(())
        }
        Ok(Some((wanted, got))) => {
            warn!(
                message_id,
                id, "exec in container {id}: oom_score_adj {got} instead of {wanted}, which its init has"
            );
            Ok(())
        }
        Ok(None) => no_init(directory.is_some(), known, policy, environment, &id),
        Err(why) => fall_back(known, policy, environment, why, Some(&id)),
    }
}

/// There is no such container, as far as anybody can see. If the runtime finds one all the same, what is started in it has
/// what the container asked for, or else at least the score of a build step.
///
/// `is_kept` is whether the runtime keeps its state where others can read it: runsc has no process of the container on
/// this machine, and its client needs no more than not to be immune.
fn no_init(
    is_kept: bool,
    known: Option<&Known>,
    policy: &Policy,
    environment: &Environment,
    id: &str,
) -> Result<(), ShimError> {
    let message_id = message::EXEC.id;
    let wanted = asked(known);
    let wanted = if is_kept {
        wanted.unwrap_or_else(|| default_score(policy))
    } else {
        wanted.unwrap_or(OomScoreAdj::ZERO).min(OomScoreAdj::ZERO)
    };
    match raise_own(wanted, environment) {
        Err(error) if policy.strict => return Err(ShimError::StrictExec(error.into())),
        Err(error) => warn!(message_id, id, "exec in container {id}: its init is not found, and {error}"),
        Ok(true) if is_kept => {
            info!(message_id, id, "exec in container {id}: oom_score_adj {wanted}, its init is not found");
        }
        Ok(_) => debug!(message_id, id, "exec in container {id}: its init is not found"),
    }
    Ok(())
}

/// An exec whose command line cannot be read: nobody knows which container it is in.
pub(super) fn unreadable(policy: &Policy, environment: &Environment, why: Unprotected) -> Result<(), ShimError> {
    fall_back(None, policy, environment, why, None)
}

/// The directory of the runtime's states.
fn root(it: &Invocation<'_>, flavor: Flavor, environment: &Environment) -> PathBuf {
    it.global.root.map_or_else(
        || state::default_root(flavor, environment.runtime_dir.as_deref(), || is_rootless(&environment.roots)),
        PathBuf::from,
    )
}

/// The score that the container's init has, and the one nearest to it that this process could take on.
fn take_inits_score(
    directory: Option<&Path>,
    flavor: Flavor,
    environment: &Environment,
) -> Result<Option<(OomScoreAdj, OomScoreAdj)>, Unprotected> {
    let proc = &environment.roots.proc;
    let Some(directory) = directory else { return Ok(None) };
    let Some(init) = state::init_process(proc, flavor, directory)? else { return Ok(None) };
    let wanted = init.score()?;
    let got = OwnScore::read(proc)?.set_or_floor(wanted)?;
    Ok(Some((wanted, got)))
}

/// Takes at least the score of a build step, and says so; a strict policy starts nothing when not even that can be had.
fn fall_back(
    known: Option<&Known>,
    policy: &Policy,
    environment: &Environment,
    why: Unprotected,
    id: Option<&str>,
) -> Result<(), ShimError> {
    let outcome = match raise_own(asked(known).unwrap_or_else(|| default_score(policy)), environment) {
        Ok(true) => "an exec has the oom_score_adj of a build step, and not that of its container's init",
        Ok(false) => "an exec keeps the engine's oom_score_adj, which is not below that of a build step",
        Err(_) if policy.strict => return Err(ShimError::StrictExec(why)),
        Err(_) => "an exec keeps the engine's oom_score_adj",
    };
    warn!(message_id = message::EXEC.id, id, "{outcome}: {why}");
    Ok(())
}

/// What the container asked for when it was made.
fn asked(known: Option<&Known>) -> Option<OomScoreAdj> {
    OomScoreAdj::new(known?.container.asked?.into()).ok()
}
