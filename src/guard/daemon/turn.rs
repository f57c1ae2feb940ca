//! Events, and one turn of the loop: sample, decide, hand over.

use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::epoll::{EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::signal::Signal;
use nix::sys::timerfd::{Expiration, TimerSetTimeFlags};
use nix::time::ClockId;
use tracing::{error, info};

use super::super::clerk::Task;
use super::super::describe;
use super::super::machine::{ARMED, Action};
use super::super::read::Look;
use super::super::record::Deed;
use super::super::ring::Moment;
use super::super::settings::Settings;
use super::{Daemon, GuardError, LOOK_SOON, METRICS, Records, Source, kernel, now};
use crate::log::message;

impl Daemon {
    /// Runs until SIGTERM or SIGINT.
    ///
    /// # Errors
    /// [`GuardError`] when the host cannot be read any more.
    pub fn run(&mut self) -> Result<(), GuardError> {
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
        self.schedule(Duration::ZERO)?;
        let mut events = [EpollEvent::empty(); 16];
        loop {
            let count = match self.epoll.wait(&mut events, EpollTimeout::NONE) {
                Err(nix::errno::Errno::EINTR) => continue,
                other => other.map_err(kernel("wait for events"))?,
            };
            let mut tick = false;
            for event in &events[..count] {
                match Source::of(event.data()) {
                    Source::Timer => tick = true,
                    Source::Signal => {
                        if self.signal() {
                            self.resume_all();
                            let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
                            info!(message_id = message::GUARD_STATE.id, "guard stopped");
                            return Ok(());
                        }
                    }
                    Source::Inotify => tick |= self.changed(),
                    Source::Killer => self.ended(),
                    Source::Listener => self.answer(),
                    source => tick |= self.pressed(source, event.events()),
                }
            }
            if tick {
                self.turn()?;
            }
        }
    }

    /// Takes the signals. True for the end.
    pub(super) fn signal(&mut self) -> bool {
        while let Ok(Some(info)) = self.signals.read_signal() {
            if info.ssi_signo.cast_signed() != Signal::SIGHUP as i32 {
                return true;
            }
            self.reload();
        }
        false
    }

    pub(super) fn reload(&mut self) {
        let message_id = message::GUARD_STATE.id;
        let began = nix::time::clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(0, |it| it.tv_sec() * 1_000_000);
        let _ = sd_notify::notify(&[
            sd_notify::NotifyState::Reloading,
            sd_notify::NotifyState::MonotonicUsec(i128::from(began)),
        ]);
        match (self.setup.reload)(self.setup.policy_file.as_deref()) {
            Ok(policy) => {
                self.machine.set(Settings::of_policy(&policy.guard, self.sample.host.memory_total));
                self.clerk.hand(Task::Events(policy.guard.events));
                self.setup.policy = policy;
                (self.look_at, self.clean_at) = (Duration::ZERO, Duration::ZERO);
                info!(message_id, "guard read its policy again");
            }
            Err(error) => error!(message_id, "guard goes on with the old policy: {error}"),
        }
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    }

    /// Something came or went in a directory of jobs: it is looked for soon, not for each event of a burst.
    pub(super) fn changed(&mut self) -> bool {
        while self.inotify.read_events().is_ok_and(|events| !events.is_empty()) {}
        let at = now();
        self.look_at = self.look_at.min(at + LOOK_SOON);
        if self.due > self.look_at {
            let _ = self.schedule(self.look_at.saturating_sub(at));
        }
        false
    }

    /// A trigger fired. That says where to look, and never to kill.
    pub(super) fn pressed(&mut self, source: Source, flags: EpollFlags) -> bool {
        if flags.contains(EpollFlags::EPOLLERR) {
            // Its cgroup is gone: it would be ready for ever.
            if let Source::Slice(number) = source {
                let gone: Vec<PathBuf> =
                    self.slices.iter().filter(|(_, (own, _))| *own == number).map(|(path, _)| path.clone()).collect();
                for (_, trigger) in gone.iter().filter_map(|path| self.slices.remove(path)) {
                    let _ = self.epoll.delete(trigger.as_fd());
                }
            } else if let Some(trigger) = self.host_trigger.take() {
                let _ = self.epoll.delete(trigger.as_fd());
            }
            return false;
        }
        self.sample.pressed = true;
        now().saturating_sub(self.sample.at) >= ARMED / 2
    }

    pub(super) fn schedule(&mut self, after: Duration) -> Result<(), GuardError> {
        self.due = now() + after;
        // Zero would disarm it.
        let after = after.max(Duration::from_micros(1));
        self.timer.set(Expiration::OneShot(after.into()), TimerSetTimeFlags::empty()).map_err(kernel("set the timer"))
    }

    /// One turn: look for jobs if it is time, sample, decide, do.
    pub(super) fn turn(&mut self) -> Result<(), GuardError> {
        let _ = self.timer.wait();
        let at = now();
        self.metrics.longest_lag = self.metrics.longest_lag.max(at.saturating_sub(self.due));
        if at >= self.look_at {
            self.look();
        }
        let kernel_kills = self.sample.host.kernel_kills;
        self.sample.at = now();
        self.sample.host = self.host.read(&mut self.buffer)?;
        self.metrics.kernel_kills += self.sample.host.kernel_kills.saturating_sub(kernel_kills);
        let look = if self.pace == ARMED || self.sample.pressed { Look::Closely } else { Look::InPassing };
        if self.table.read(&mut self.sample, look, &mut self.buffer) {
            self.look_at = self.look_at.min(self.sample.at + LOOK_SOON);
        }
        self.sampled = now().saturating_sub(self.sample.at);
        let step = self.machine.step(&self.sample);
        self.sample.pressed = false;
        self.outlook = step.outlook;
        match step.action {
            Action::Watch => {}
            Action::Kill(verdict) => self.kill(&verdict),
            Action::Pause(verdict) => self.pause(&verdict),
            Action::Resume(id) => self.resume(id),
            Action::WouldKill(verdict) => {
                self.metrics.would_kill += 1;
                let record = self.record(Deed::WouldKill, &verdict, "would kill");
                self.clerk.hand(Task::Record(Box::new(record), None));
            }
            Action::Helpless(verdict, why) => {
                self.metrics.helpless += 1;
                let name = |id| self.table.name(id);
                let (reason, why) = (describe::reason(&verdict, &name), describe::helpless(why, &verdict));
                let mut record = self.record(Deed::Helpless, &verdict, "");
                record.message = format!("{reason}: nothing helps, as {why}");
                self.clerk.hand(Task::Record(Box::new(record), None));
            }
        }
        self.ring.push(Moment::of(&self.sample));
        self.tell_aftermath();
        self.clerk_records();
        self.pace = step.pace;
        if step.pace == ARMED {
            self.prepare();
            self.metrics.armed += ARMED;
        }
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
        self.schedule(step.pace.min(self.look_at.saturating_sub(now()).max(ARMED)))
    }

    pub(super) fn clerk_records(&mut self) {
        if self.records == Records::Samples {
            self.clerk.hand(Task::Sample(Box::new(self.sample.clone())));
        }
        if self.sample.at >= self.metrics_at {
            self.metrics_at = self.sample.at + METRICS;
            self.metrics.jobs = self.table.entries().len() as u64;
            if let Some(path) = self.setup.policy.guard.metrics.clone() {
                self.clerk.hand(Task::Metrics(Box::new(self.metrics.clone()), path));
            }
        }
    }
}
