//! The loop of `oomshim guard`: one thread that samples, decides and hands over. What may wait is another thread's: the
//! kill ([`super::kill`]) and everything that is written ([`super::clerk`]).

mod act;
mod answer;
mod look;
mod prepare;
mod source;
mod turn;

use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::inotify::{InitFlags, Inotify, WatchDescriptor};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::timerfd::{ClockId as TimerClock, TimerFd, TimerFlags};
use nix::time::{ClockId, clock_gettime};
use thiserror::Error;
use tracing::{info, warn};

use super::clerk::{Clerk, Task};
use super::find::{Finder, Found};
use super::kill::Killer;
use super::leftover::Note;
use super::machine::{IDLE, Machine};
use super::metrics::Metrics;
use super::pause::Pauser;
use super::place::{Place, PlaceError};
use super::read::{Buffer, HostFiles, ReadError};
use super::record::Record;
use super::ring::Ring;
use super::sample::{JobId, Sample};
use super::settings::Settings;
use super::table::Table;
use super::trigger::Trigger;
use crate::log::message;
use crate::policy::Policy;
use crate::system::cgroup::tree::Tree;
use prepare::Prepared;
use source::Source;

/// How often everything is looked for anew, whatever inotify says: it drops events when its queue is full.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// How soon after a change it is looked for.
const LOOK_SOON: Duration = Duration::from_millis(100);

/// How often abandoned jobs of `oomshim run` are looked for.
const CLEAN_UP: Duration = Duration::from_mins(1);

/// How often metrics are written.
const METRICS: Duration = Duration::from_secs(10);

/// For how many jobs there is a place without an allocation.
const JOBS: usize = 1024;

/// How many directories of jobs have a trigger of their own.
const TRIGGERS: usize = 16;

/// How long after a kill its record gets what came of it: memory that came back, and jobs that go on.
const AFTERMATH: Duration = Duration::from_secs(5);

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

/// Whether every sample is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Records {
    Samples,
    Decisions,
}

struct Victim {
    id: JobId,
    record: Box<Record>,
    sampled: Duration,
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
    pauser: Pauser,
    clerk: Clerk,
    listener: UnixListener,
    records: Records,
    victim: Option<Victim>,
    prepared: Option<Prepared>,
    /// The kill whose record gets the seconds behind it as well, and when.
    aftermath: Option<(u64, Duration)>,
    sampled: Duration,
    cannot: Vec<String>,
    look_at: Duration,
    clean_at: Duration,
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
        super::own::lock_program();
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
        let pauser = Pauser::start().map_err(kernel("start the thread that pauses"))?;
        let records = if setup.recorder.is_some() { Records::Samples } else { Records::Decisions };
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
            pauser,
            clerk,
            listener,
            records,
            victim: None,
            prepared: None,
            aftermath: None,
            sampled: Duration::ZERO,
            look_at: Duration::ZERO,
            clean_at: Duration::ZERO,
            metrics_at: Duration::ZERO,
            due: Duration::ZERO,
            pace: IDLE,
            outlook: super::condition::Outlook::default(),
            _place: place,
            setup,
        };
        daemon.sample.host = first;
        daemon.register().map_err(kernel("add to the epoll"))?;
        daemon.clerk.hand(Task::Events(daemon.setup.policy.guard.events));
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
}
