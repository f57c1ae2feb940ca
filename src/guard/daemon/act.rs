//! What a decision says is done: the kill and its record.

use std::sync::Arc;

use tracing::{info, warn};

use super::super::choose::Candidate;
use super::super::clerk::{Kill, Task};
use super::super::describe::{self, ToJob};
use super::super::kill::Order;
use super::super::machine::Verdict;
use super::super::pause;
use super::super::record::{Deed, Record, Told};
use super::super::sample::{Cause, JobId};
use super::super::tell::Line;
use super::{AFTERMATH, Daemon, PAST, Victim, now};
use crate::log::message;
use std::time::Duration;

impl Daemon {
    pub(super) fn kill(&mut self, verdict: &Verdict) {
        let Some(chosen) = verdict.victim else { return };
        let Some(entry) = self.table.get(chosen.id) else { return self.machine.ended(chosen.id) };
        let target = Arc::clone(&entry.target);
        let Some(prepared) = self.prepared(chosen.id) else { return self.machine.ended(chosen.id) };
        let mut order = Order::new(target);
        order.report_budget = budget(verdict.cause, self.setup.policy.guard.report_budget);
        order.cause = verdict.cause.word();
        if let Some(output) = prepared.output.filter(|_| self.setup.policy.guard.tell_step) {
            order.message = Some((output, Line::new(ToJob { verdict, victim: &chosen })));
        }
        if self.killer.kill(order).is_err() {
            return self.machine.ended(chosen.id);
        }
        // From here on nobody waits.
        let decided = now().saturating_sub(verdict.at);
        *self.metrics.kills.entry(verdict.cause).or_default() += 1;
        let note = self.table.get(chosen.id).map(|entry| entry.note.clone()).unwrap_or_default();
        let record = Box::new(self.record(Deed::Killed, verdict, "killed"));
        self.victim = Some(Victim { id: chosen.id, record, sampled: self.sampled, decided, note });
    }

    /// Stops a job that grows, so that the others come to their end.
    pub(super) fn pause(&mut self, verdict: &Verdict) {
        let Some(chosen) = verdict.victim else { return };
        let Some(entry) = self.table.get(chosen.id) else { return };
        let name = |id| self.table.name(id);
        if self.pauser.pause(Arc::clone(&entry.target), chosen.frees) {
            let (reason, whom) = (describe::reason(verdict, &name), describe::candidate(&chosen, &name));
            info!(message_id = message::GUARD_STATE.id, "{reason}: paused {whom}");
        }
    }

    /// Lets a paused job go on.
    pub(super) fn resume(&mut self, id: JobId) {
        let Some(entry) = self.table.get(id) else { return };
        if self.pauser.resume(Arc::clone(&entry.target)) {
            info!(message_id = message::GUARD_STATE.id, "guard lets {} go on", self.table.name(id));
        }
    }

    /// Nothing stays stopped behind a guard that ends.
    pub(super) fn resume_all(&self) {
        for entry in self.table.entries() {
            if let Err(error) = pause::undo(entry.target.cgroup())
                && !error.is_gone()
            {
                warn!("guard cannot let {} go on: {error}", self.table.name(entry.id));
            }
        }
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
        self.aftermath = Some((victim.record.monotonic_us, now() + AFTERMATH));
        let kill = Kill { outcome, sampled: victim.sampled, decided: victim.decided, note: victim.note };
        self.clerk.hand(Task::Record(victim.record, Some(Box::new(kill))));
        self.look_at = Duration::ZERO;
    }

    /// Some seconds after a kill its record gets the series that has them too.
    pub(super) fn tell_aftermath(&mut self) {
        if let Some((kill, _)) = self.aftermath.take_if(|(_, due)| self.sample.at >= *due) {
            self.clerk.hand(Task::Aftermath(kill, self.ring.last(PAST)));
        }
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

/// How long a kill may wait for the kernel to count one of its own. Where memory is used up the kernel is about to choose for
/// itself; where the machine swaps or thrashes that takes it 8 s and more (facts of recorded series in `testdata/series`), and
/// a job at its own limit is nobody else's harm. What is stuck there, the kernel counts late.
fn budget(cause: Cause, usual: Duration) -> Duration {
    match cause {
        Cause::Exhaustion => usual,
        Cause::SwapStorm | Cause::Thrash => usual * 5,
        Cause::OwnLimit => usual * 20,
    }
}
