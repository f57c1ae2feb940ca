//! Which jobs there are, and what tells when that changes.

use std::collections::BTreeSet;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::epoll::{EpollEvent, EpollFlags};
use nix::sys::inotify::AddWatchFlags;
use tracing::{error, warn};

use super::super::clerk::Task;
use super::super::kill::{Order, undo};
use super::super::machine::ARMED;
use super::super::pause;
use super::super::sample::{JobId, Standing};
use super::super::trigger::Trigger;
use super::{CLEAN_UP, Daemon, LOOK_AGAIN, Rehearsal, Source, TRIGGERS, now};
use crate::log::message;
use crate::policy::guard::Mode;
use crate::registry;
use crate::run::parent::USUAL;

impl Daemon {
    /// Finds the jobs that are there now.
    pub(super) fn look(&mut self) {
        self.look_at = now() + LOOK_AGAIN;
        let mut policy = self.setup.policy.clone();
        if self.setup.rehearsal == Rehearsal::Dry {
            policy.guard.mode = Mode::Observe;
        }
        let containers = registry::all(&self.setup.registry);
        self.found = self.finder.find(&policy, &containers, Some(self.sample.host.memory_total));
        self.found.parents.insert(self.setup.registry.join("oomshim"));
        let before: BTreeSet<JobId> = self.table.entries().iter().map(|entry| entry.id).collect();
        for (path, error) in self.table.update(&self.found, &self.finder, &self.tree, &self.setup.proc) {
            warn!("guard cannot watch {}: {error}", path.display());
        }
        let mut unfinished = Vec::new();
        for entry in self.table.entries().iter().filter(|entry| !before.contains(&entry.id)) {
            // What is stopped at its first sight was stopped by a guard that died.
            if self.setup.rehearsal == Rehearsal::Real
                && pause::is_paused(entry.target.cgroup())
                && self.pauser.resume(Arc::clone(&entry.target))
            {
                let name = entry.job.path.display();
                warn!(message_id = message::GUARD_STATE.id, "an earlier guard had paused {name}: it goes on");
            }
            if entry.unfinished {
                unfinished.push(entry.id);
            }
            self.clerk.hand(Task::Name(entry.id, entry.job.path.display().to_string()));
        }
        for id in unfinished {
            self.finish(id);
        }
        self.watch();
        self.clean_up();
    }

    /// Has abandoned jobs of `oomshim run` removed, in calm times.
    fn clean_up(&mut self) {
        let at = now();
        if at < self.clean_at || self.pace == ARMED || self.setup.rehearsal == Rehearsal::Dry {
            return;
        }
        self.clean_at = at + CLEAN_UP;
        let parents = [PathBuf::from(USUAL)].into_iter().chain(self.setup.policy.run.parent.clone());
        self.clerk.hand(Task::CleanUp(parents.collect()));
    }

    /// What an earlier guard had begun and not ended: the limits that it took are given back, and the job, of which some
    /// processes may be dead already, is killed to the end.
    pub(super) fn finish(&mut self, id: JobId) {
        let Some(entry) = self.table.get(id) else { return };
        if self.setup.rehearsal == Rehearsal::Dry {
            return;
        }
        let name = entry.job.path.display();
        let message_id = message::GUARD_STATE.id;
        match undo(entry.target.cgroup()) {
            Ok(()) => {
                warn!(message_id, "an earlier guard had begun to kill {name}: its limits are back, and it is killed");
            }
            Err(error) => return error!(message_id, "cannot give {name} its limits back: {error}"),
        }
        let order = Order::new(Arc::clone(&entry.target));
        if entry.job.standing == Standing::Killable && self.killer.kill(order).is_err() {
            self.look_at = Duration::ZERO;
        }
        self.table.settle(id);
    }

    /// Watches the directories in which jobs come and go, and arms triggers on those that hold jobs.
    pub(super) fn watch(&mut self) {
        let flags = AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_ONLYDIR;
        for path in &self.found.parents {
            if !self.watches.contains_key(path)
                && let Ok(watch) = self.inotify.add_watch(path, flags)
            {
                self.watches.insert(path.clone(), watch);
            }
        }
        // A directory that is gone took its watch along; one that nobody asks for any more goes now.
        let stale: Vec<PathBuf> =
            self.watches.keys().filter(|path| !self.found.parents.contains(*path) || !path.exists()).cloned().collect();
        for path in stale {
            if let Some(watch) = self.watches.remove(&path) {
                let _ = self.inotify.rm_watch(watch);
            }
        }
        let parents = self.table.entries().iter().filter_map(|entry| self.finder.place(entry.job.path.parent()?));
        let parents: BTreeSet<PathBuf> = parents.collect();
        for path in parents {
            if self.slices.len() >= TRIGGERS || self.slices.contains_key(&path) || path == self.finder.mount().point {
                continue;
            }
            let Ok(trigger) = Trigger::arm(&path.join("memory.pressure")) else { continue };
            let source = Source::Slice(self.next_slice);
            let event = EpollEvent::new(EpollFlags::EPOLLPRI, source.token());
            if self.epoll.add(trigger.as_fd(), event).is_ok() {
                self.slices.insert(path, (self.next_slice, trigger));
                self.next_slice += 1;
            }
        }
    }
}
