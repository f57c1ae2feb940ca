//! What a kill needs, looked up before it is needed: whether a daemon came into the job's cgroup, and where its log is. Both
//! open files of /proc, and that may take long while memory runs out: so it is done in calm turns, for the job that would be
//! killed now, and behind the decision of an armed turn.

use std::sync::Arc;
use std::time::Duration;

use tracing::warn;

use super::super::sample::{JobId, Standing};
use super::super::tell::Output;
use super::{Daemon, now};

/// How old may be what was looked up.
const FRESH: Duration = Duration::from_secs(3);

/// How often it is looked up for the same job.
const AGAIN: Duration = Duration::from_secs(1);

/// What was looked up for a job: no daemon is in it.
#[derive(Debug)]
pub(super) struct Prepared {
    id: JobId,
    at: Duration,
    /// Where the job's log is.
    pub(super) output: Option<Arc<Output>>,
}

impl Daemon {
    /// Looks up for the job that would be killed now what its kill will need.
    pub(super) fn prepare(&mut self) {
        if self.victim.is_some() {
            return;
        }
        let leader = self.machine.leader(&self.sample).filter(|leader| leader.standing == Standing::Killable);
        let Some(leader) = leader else { return };
        let at = now();
        if self.prepared.as_ref().is_some_and(|it| it.id == leader.id && at.saturating_sub(it.at) < AGAIN) {
            return;
        }
        self.prepared = if self.has_daemon(leader.id) {
            None
        } else {
            let Some(entry) = self.table.get(leader.id) else { return };
            let output =
                self.setup.policy.guard.tell_step.then(|| Output::of_job(&self.setup.proc, entry.target.cgroup()));
            Some(Prepared { id: leader.id, at, output: output.and_then(Result::ok).map(Arc::new) })
        };
    }

    /// What was looked up for that job; otherwise it is looked up now. `None` for a job that is not to be killed after all.
    pub(super) fn prepared(&mut self, id: JobId) -> Option<Prepared> {
        let at = now();
        match self.prepared.take_if(|it| it.id == id && at.saturating_sub(it.at) < FRESH) {
            Some(prepared) => Some(prepared),
            None if self.has_daemon(id) => None,
            None => Some(Prepared { id, at, output: self.table.get(id).and_then(|entry| entry.output.clone()) }),
        }
    }

    /// Whether a daemon came into the job's cgroup since it was found. None gets into a container's.
    fn has_daemon(&mut self, id: JobId) -> bool {
        let Some(entry) = self.table.get(id).filter(|entry| entry.job.container.is_none()) else { return false };
        let Some(refusal) = self.finder.daemon_in(entry.target.cgroup()) else { return false };
        warn!("guard does not kill {}: {refusal}", self.table.name(id));
        self.found.refused.insert(entry.job.path.clone(), refusal);
        self.look_at = Duration::ZERO;
        true
    }
}
