//! What a decision says is done: the kill and its record.

use std::sync::Arc;

use tracing::warn;

use super::super::choose::Candidate;
use super::super::clerk::{Kill, Task};
use super::super::describe;
use super::super::kill::Order;
use super::super::machine::Verdict;
use super::super::record::{Deed, Record, Told};
use super::super::sample::JobId;
use super::super::tell::{Line, Output};
use super::{Daemon, PAST, Victim, now};
use std::time::Duration;

impl Daemon {
    pub(super) fn kill(&mut self, verdict: &Verdict) {
        let Some(chosen) = verdict.victim else { return };
        let Some(entry) = self.table.get(chosen.id) else { return self.machine.ended(chosen.id) };
        let (target, note) = (Arc::clone(&entry.target), entry.note.clone());
        // What came into the cgroup since it was found. No daemon of the host gets into a container's.
        if entry.job.container.is_none()
            && let Some(refusal) = self.finder.daemon_in(target.cgroup())
        {
            warn!("guard does not kill {}: {refusal}", self.table.name(chosen.id));
            self.found.refused.insert(entry.job.path.clone(), refusal);
            self.look_at = Duration::ZERO;
            return self.machine.ended(chosen.id);
        }
        let mut order = Order::new(target);
        order.report_budget = self.setup.policy.guard.report_budget;
        if self.setup.policy.guard.tell_step
            && let Ok(output) = Output::of_job(&self.setup.proc, order.target.cgroup())
        {
            let line = Line::new(&describe::to_job(verdict, &chosen));
            order.message = Some((output, line));
        }
        if self.killer.kill(order).is_err() {
            return self.machine.ended(chosen.id);
        }
        let decided = now().saturating_sub(verdict.at);
        *self.metrics.kills.entry(verdict.cause).or_default() += 1;
        let record = Box::new(self.record(Deed::Killed, verdict, "killed"));
        self.victim = Some(Victim { id: chosen.id, record, decided, note });
    }

    /// A kill has ended.
    pub(super) fn ended(&mut self) {
        let Some(outcome) = self.killer.outcome() else { return };
        self.machine.ended(JobId(outcome.cgroup));
        self.metrics.freed += outcome.before.saturating_sub(outcome.after);
        self.metrics.leftover += outcome.shared_after;
        if !outcome.is_dead() {
            self.metrics.failed += 1;
        }
        let Some(mut victim) = self.victim.take_if(|victim| victim.id.0 == outcome.cgroup) else { return };
        victim.record.series = self.ring.last(PAST);
        let kill = Kill { outcome, decided: victim.decided, note: victim.note };
        self.clerk.hand(Task::Record(victim.record, Some(Box::new(kill))));
        self.look_at = Duration::ZERO;
    }

    pub(super) fn record(&self, deed: Deed, verdict: &Verdict, done: &str) -> Record {
        let name = |id| self.table.name(id);
        let victim = verdict.victim.map(|it| describe::candidate(&it, &name)).unwrap_or_default();
        let message = format!("{}: {done} {victim}", describe::reason(verdict, &name));
        let mut record = Record::new(deed, message, verdict, |candidate| self.told(candidate));
        record.names = self.table.entries().iter().map(|entry| (entry.id, self.table.name(entry.id))).collect();
        record.series = self.ring.last(PAST);
        record
    }

    pub(super) fn told(&self, candidate: &Candidate) -> Told {
        let job = self.table.get(candidate.id).map(|entry| &entry.job);
        let (class, container) = job.map(|job| (job.class.clone(), job.container.clone())).unwrap_or_default();
        Told::new(candidate, self.table.name(candidate.id), class, container)
    }
}
