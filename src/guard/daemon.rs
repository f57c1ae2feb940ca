//! The loop of `oomshim guard`: one thread that samples, decides and hands over. What may wait is another thread's: the
//! kill ([`super::kill`]) and everything that is written ([`super::clerk`]).

use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::timerfd::{ClockId as TimerClock, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use nix::time::{ClockId, clock_gettime};
use thiserror::Error;
use tracing::{error, info, warn};

use super::choose::Candidate;
use super::clerk::{Clerk, Kill, Task};
use super::describe;
use super::find::{Finder, Found, Refusal};
use super::kill::{Killer, Order, undo};
use super::leftover::Note;
use super::machine::{ARMED, Action, Machine, Verdict};
use super::metrics::Metrics;
use super::place::{Place, PlaceError};
use super::read::{Buffer, HostFiles, ReadError};
use super::record::{Deed, Record, Told};
use super::ring::{Moment, Ring};
use super::sample::{JobId, Sample};
use super::settings::Settings;
use super::status::Status;
use super::table::Table;
use super::tell::{Line, Output};
use super::trigger::Trigger;
use crate::log::message;
use crate::policy::Policy;
use crate::policy::guard::Mode;
use crate::registry;
use crate::system::cgroup::tree::Tree;

/// How often everything is looked for anew, whatever inotify says: it drops events when its queue is full.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// How soon after a change it is looked for.
const LOOK_SOON: Duration = Duration::from_millis(100);

/// How often metrics are written.
const METRICS: Duration = Duration::from_secs(10);

/// For how many jobs there is a place without an allocation.
const JOBS: usize = 1024;

/// How many directories of jobs have a trigger of their own.
const TRIGGERS: usize = 16;

/// How much of the past a record has.
const PAST: Duration = Duration::from_mins(3);

/// Why the guard cannot start, or cannot go on.
#[derive(Debug, Error)]
pub enum GuardError {
    /// Its directory.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The host cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// No hierarchy with a memory controller.
    #[error("no cgroup hierarchy with the memory controller is mounted: there are no jobs to watch")]
    NoMemoryController,
    /// The kernel refuses something that everything else needs.
    #[error("cannot {what}: {source}")]
    Kernel {
        /// What was to be done.
        what: &'static str,
        /// The kernel's reason.
        source: std::io::Error,
    },
}

/// What the guard is started with.
#[derive(Debug)]
pub struct Setup {
    /// The policy.
    pub policy: Policy,
    /// Reads it again, on SIGHUP; `Err` has the sentence that says what is wrong with it.
    pub reload: fn(Option<&Path>) -> Result<Policy, String>,
    /// Where the policy is.
    pub policy_file: Option<PathBuf>,
    /// Whether nobody is killed, whatever the policy says.
    pub rehearsal: Rehearsal,
    /// Where samples are recorded.
    pub recorder: Option<File>,
    /// The guard's directory.
    pub directory: PathBuf,
    /// The proc file system.
    pub proc: PathBuf,
    /// Below which the registry is.
    pub registry: PathBuf,
}

/// Whether kills are carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rehearsal {
    /// They are only recorded (`--dry-run`).
    Dry,
    /// They are carried out.
    Real,
}

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Timer,
    Signal,
    Inotify,
    Killer,
    Listener,
    Host,
    Slice(u64),
}

impl Source {
    fn token(self) -> u64 {
        match self {
            Source::Timer => 0,
            Source::Signal => 1,
            Source::Inotify => 2,
            Source::Killer => 3,
            Source::Listener => 4,
            Source::Host => 5,
            Source::Slice(number) => 16 + number,
        }
    }

    fn of(token: u64) -> Source {
        match token {
            0 => Source::Timer,
            1 => Source::Signal,
            2 => Source::Inotify,
            3 => Source::Killer,
            4 => Source::Listener,
            5 => Source::Host,
            other => Source::Slice(other.saturating_sub(16)),
        }
    }
}

struct Victim {
    id: JobId,
    record: Box<Record>,
    decided: Duration,
    note: Note,
}

/// The guard.
pub struct Daemon {
    setup: Setup,
    tree: Tree,
    finder: Finder,
    host: HostFiles,
    buffer: Buffer,
    machine: Machine,
    table: Table,
    found: Found,
    sample: Sample,
    ring: Ring,
    metrics: Metrics,
    epoll: Epoll,
    timer: TimerFd,
    signals: SignalFd,
    inotify: Inotify,
    watches: BTreeMap<PathBuf, WatchDescriptor>,
    host_trigger: Option<Trigger>,
    slices: BTreeMap<PathBuf, (u64, Trigger)>,
    next_slice: u64,
    killer: Killer,
    clerk: Clerk,
    listener: UnixListener,
    victim: Option<Victim>,
    cannot: Vec<String>,
    look_at: Duration,
    metrics_at: Duration,
    due: Duration,
    pace: Duration,
    outlook: super::condition::Outlook,
    _place: Place,
}

fn now() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Into::into)
}

fn kernel<E: Into<std::io::Error>>(what: &'static str) -> impl Fn(E) -> GuardError {
    move |source| GuardError::Kernel { what, source: source.into() }
}

impl Daemon {
    /// Prepares everything: after this nothing more is opened on the way to a kill but the victim's own log.
    ///
    /// # Errors
    /// [`GuardError`]; another guard that runs already is one.
    pub fn start(mut setup: Setup) -> Result<Daemon, GuardError> {
        let place = Place::take(&setup.directory)?;
        let mask = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP]);
        mask.thread_block().map_err(kernel("block signals"))?;
        let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
        let signals = SignalFd::with_flags(&mask, flags).map_err(kernel("make a signalfd"))?;
        let tree = Tree::read(&setup.proc).map_err(kernel("read /proc/self/mountinfo"))?;
        let finder = Finder::new(&tree, &setup.proc).ok_or(GuardError::NoMemoryController)?;
        let host = HostFiles::open(&setup.proc)?;
        let mut buffer = Buffer::default();
        let first = host.read(&mut buffer)?;
        let settings = Settings::of_policy(&setup.policy.guard, first.memory_total);
        let killer = Killer::start().map_err(kernel("start the thread that kills"))?;
        let clerk = Clerk::start(&setup.directory, &setup.proc, setup.recorder.take())
            .map_err(kernel("start the thread that writes"))?;
        let listener = place.listen()?;
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(kernel("make an epoll"))?;
        let timer = TimerFd::new(TimerClock::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)
            .map_err(kernel("make a timer"))?;
        let inotify =
            Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC).map_err(kernel("make an inotify"))?;
        let host_trigger = Trigger::arm(&setup.proc.join("pressure/memory"));
        let mut daemon = Daemon {
            cannot: super::ability::cannot(&tree, host_trigger.as_ref().err().copied()),
            tree,
            finder,
            host,
            buffer,
            machine: Machine::new(settings, JOBS),
            table: Table::default(),
            found: Found::default(),
            sample: Sample { jobs: Vec::with_capacity(JOBS), ..Sample::default() },
            ring: Ring::default(),
            metrics: Metrics::default(),
            epoll,
            timer,
            signals,
            inotify,
            watches: BTreeMap::new(),
            host_trigger: host_trigger.ok(),
            slices: BTreeMap::new(),
            next_slice: 0,
            killer,
            clerk,
            listener,
            victim: None,
            look_at: Duration::ZERO,
            metrics_at: Duration::ZERO,
            due: Duration::ZERO,
            pace: ARMED,
            outlook: super::condition::Outlook::default(),
            _place: place,
            setup,
        };
        daemon.sample.host = first;
        daemon.register().map_err(kernel("add to the epoll"))?;
        daemon.look();
        daemon.cannot.extend(super::own::secure(&daemon.setup.proc));
        daemon.say_what_cannot_be_done();
        Ok(daemon)
    }

    /// What the guard cannot do on this machine.
    #[must_use]
    pub fn cannot(&self) -> &[String] {
        &self.cannot
    }

    fn register(&self) -> nix::Result<()> {
        let add =
            |fd: BorrowedFd<'_>, source: Source, flags| self.epoll.add(fd, EpollEvent::new(flags, source.token()));
        add(self.timer.as_fd(), Source::Timer, EpollFlags::EPOLLIN)?;
        add(self.signals.as_fd(), Source::Signal, EpollFlags::EPOLLIN)?;
        add(self.inotify.as_fd(), Source::Inotify, EpollFlags::EPOLLIN)?;
        add(self.killer.ready().as_fd(), Source::Killer, EpollFlags::EPOLLIN)?;
        add(self.listener.as_fd(), Source::Listener, EpollFlags::EPOLLIN)?;
        if let Some(trigger) = &self.host_trigger {
            add(trigger.as_fd(), Source::Host, EpollFlags::EPOLLPRI)?;
        }
        Ok(())
    }

    fn say_what_cannot_be_done(&self) {
        let message_id = message::GUARD_STATE.id;
        let jobs = self.table.entries().len();
        info!(message_id, "guard started: {jobs} jobs, mode {}", self.mode());
        for what in &self.cannot {
            warn!(message_id, "{what}");
        }
    }

    fn mode(&self) -> &'static str {
        match self.setup.rehearsal {
            Rehearsal::Dry => "dry-run",
            Rehearsal::Real => self.setup.policy.guard.mode.word(),
        }
    }

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
    fn signal(&mut self) -> bool {
        while let Ok(Some(info)) = self.signals.read_signal() {
            if info.ssi_signo.cast_signed() != Signal::SIGHUP as i32 {
                return true;
            }
            self.reload();
        }
        false
    }

    fn reload(&mut self) {
        let message_id = message::GUARD_STATE.id;
        let began = nix::time::clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(0, |it| it.tv_sec() * 1_000_000);
        let _ = sd_notify::notify(&[
            sd_notify::NotifyState::Reloading,
            sd_notify::NotifyState::MonotonicUsec(i128::from(began)),
        ]);
        match (self.setup.reload)(self.setup.policy_file.as_deref()) {
            Ok(policy) => {
                self.machine.set(Settings::of_policy(&policy.guard, self.sample.host.memory_total));
                self.setup.policy = policy;
                self.look_at = Duration::ZERO;
                info!(message_id, "guard read its policy again");
            }
            Err(error) => error!(message_id, "guard goes on with the old policy: {error}"),
        }
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    }

    /// Something came or went in a directory of jobs: it is looked for soon, not for each event of a burst.
    fn changed(&mut self) -> bool {
        while self.inotify.read_events().is_ok_and(|events| !events.is_empty()) {}
        let at = now();
        self.look_at = self.look_at.min(at + LOOK_SOON);
        if self.due > self.look_at {
            let _ = self.schedule(self.look_at.saturating_sub(at));
        }
        false
    }

    /// A trigger fired. That says where to look, and never to kill.
    fn pressed(&mut self, source: Source, flags: EpollFlags) -> bool {
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

    fn schedule(&mut self, after: Duration) -> Result<(), GuardError> {
        self.due = now() + after;
        // Zero would disarm it.
        let after = after.max(Duration::from_micros(1));
        self.timer.set(Expiration::OneShot(after.into()), TimerSetTimeFlags::empty()).map_err(kernel("set the timer"))
    }

    /// One turn: look for jobs if it is time, sample, decide, do.
    fn turn(&mut self) -> Result<(), GuardError> {
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
        if self.table.read(&mut self.sample, &mut self.buffer) {
            self.look_at = self.look_at.min(self.sample.at + LOOK_SOON);
        }
        let step = self.machine.step(&self.sample);
        self.sample.pressed = false;
        self.outlook = step.outlook;
        match step.action {
            Action::Watch => {}
            Action::Kill(verdict) => self.kill(&verdict),
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
        self.clerk_records();
        self.pace = step.pace;
        if step.pace == ARMED {
            self.metrics.armed += ARMED;
        }
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
        self.schedule(step.pace.min(self.look_at.saturating_sub(now()).max(ARMED)))
    }

    fn clerk_records(&mut self) {
        self.clerk.hand(Task::Sample(Box::new(self.sample.clone())));
        if self.sample.at >= self.metrics_at {
            self.metrics_at = self.sample.at + METRICS;
            self.metrics.jobs = self.table.entries().len() as u64;
            if let Some(path) = self.setup.policy.guard.metrics.clone() {
                self.clerk.hand(Task::Metrics(Box::new(self.metrics.clone()), path));
            }
        }
    }

    fn kill(&mut self, verdict: &Verdict) {
        let Some(chosen) = verdict.victim else { return };
        let Some(entry) = self.table.get(chosen.id) else { return self.machine.ended(chosen.id) };
        let (target, note) = (Arc::clone(&entry.target), entry.note.clone());
        // What came into the cgroup since it was found.
        if let Some(refusal) = self.finder.daemon_in(target.cgroup()) {
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
    fn ended(&mut self) {
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

    fn record(&self, deed: Deed, verdict: &Verdict, done: &str) -> Record {
        let name = |id| self.table.name(id);
        let victim = verdict.victim.map(|it| describe::candidate(&it, &name)).unwrap_or_default();
        let message = format!("{}: {done} {victim}", describe::reason(verdict, &name));
        let mut record = Record::new(deed, message, verdict, |candidate| self.told(candidate));
        record.names = self.table.entries().iter().map(|entry| (entry.id, self.table.name(entry.id))).collect();
        record.series = self.ring.last(PAST);
        record
    }

    fn told(&self, candidate: &Candidate) -> Told {
        let job = self.table.get(candidate.id).map(|entry| &entry.job);
        let (class, container) = job.map(|job| (job.class.clone(), job.container.clone())).unwrap_or_default();
        Told::new(candidate, self.table.name(candidate.id), class, container)
    }

    /// Answers `guard status`.
    fn answer(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            let status = self.status();
            if let Ok(text) = serde_json::to_string(&status) {
                self.clerk.hand(Task::Answer(stream, text));
            }
        }
    }

    fn status(&self) -> Status {
        let (host, outlook) = (&self.sample.host, &self.outlook);
        let above = host.memory_available.saturating_sub(outlook.floor);
        let floor_in_ms = above.saturating_mul(1000).checked_div(outlook.fall);
        let mut jobs: Vec<Candidate> = self.sample.jobs.iter().filter_map(|job| self.machine.candidate(job)).collect();
        jobs.sort_by_key(|it| (std::cmp::Reverse(it.score), it.age, it.id));
        Status {
            oomshim_guard_status: 1,
            pid: std::process::id(),
            mode: self.mode().to_owned(),
            armed: self.pace == ARMED,
            memory_total: host.memory_total,
            memory_available: host.memory_available,
            swap_total: host.swap_total,
            swap_free: host.swap_free,
            floor: outlook.floor,
            fall: outlook.fall,
            floor_in_ms,
            full_share: host.full_stall.map(|_| outlook.full_share),
            jobs: jobs.iter().map(|candidate| self.told(candidate)).collect(),
            refused: self
                .found
                .refused
                .iter()
                .map(|(path, why): (&PathBuf, &Refusal)| (path.display().to_string(), why.to_string()))
                .collect(),
            cannot: self.cannot.clone(),
            kills: self.metrics.kills.values().sum(),
            longest_lag_ms: u64::try_from(self.metrics.longest_lag.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Finds the jobs that are there now.
    fn look(&mut self) {
        self.look_at = now() + LOOK_AGAIN;
        let mut policy = self.setup.policy.clone();
        if self.setup.rehearsal == Rehearsal::Dry {
            policy.guard.mode = Mode::Observe;
        }
        let containers = registry::all(&self.setup.registry);
        self.found = self.finder.find(&policy, &containers, Some(self.sample.host.memory_total));
        self.found.parents.insert(self.setup.registry.join("oomshim"));
        let before: Vec<JobId> = self.table.entries().iter().map(|entry| entry.id).collect();
        for (path, error) in self.table.update(&self.found, &self.finder, &self.tree, &self.setup.proc) {
            warn!("guard cannot watch {}: {error}", path.display());
        }
        for entry in self.table.entries().iter().filter(|entry| !before.contains(&entry.id)) {
            if self.setup.rehearsal == Rehearsal::Real
                && entry.unfinished
                && let Err(error) = undo(entry.target.cgroup())
            {
                warn!("guard cannot undo what an earlier one did to {}: {error}", entry.job.path.display());
            }
            self.clerk.hand(Task::Name(entry.id, entry.job.path.display().to_string()));
        }
        self.watch();
    }

    /// Watches the directories in which jobs come and go, and arms triggers on those that hold jobs.
    fn watch(&mut self) {
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
        let parents: std::collections::BTreeSet<PathBuf> = parents.collect();
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
