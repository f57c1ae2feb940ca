//! `oomshim run`: a job in a box that memory cannot leak from. Its own cgroup, entered at birth, ended and removed as a
//! whole; its own tmpfs, whose memory goes with it; and the truth about it when memory killed it.
//!
//! Data flows one way: the command line and the policy say what the job gets ([`settings`], pure), its cgroup is made
//! ([`parent`], [`place`]), the child makes itself what it is to be ([`child`], [`mounts`]), is supervised
//! ([`supervise`]), and what the kernel counted ([`evidence`]) is judged ([`verdict`], pure) and told ([`outcome`]).

pub mod abandoned;
pub mod admission;
pub mod child;
pub mod evidence;
pub mod janitor;
pub mod mounts;
pub mod outcome;
pub mod parent;
pub mod peaks;
pub mod place;
pub mod settings;
pub mod supervise;
pub mod verdict;

use std::ffi::{CString, OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sched::CloneFlags;
use nix::sys::signal::Signal;
use thiserror::Error;

use crate::registry::{self, Container};
use crate::system::cgroup::tree::Tree;
use crate::system::clone::{Child, CloneError, Side, clone_process};
use crate::system::disposition::{self, Disposition};
use crate::system::os_error::OsError;
use admission::Admitted;
use child::{Message, Preparation, Strictness, Unshared};
use evidence::{Before, Evidence};
use janitor::Janitor;
use outcome::Outcome;
use parent::{Parent, ParentError, Wish};
use place::{Born, Place, PlaceError};
use settings::Settings;
use supervise::Signals;

/// A job to be run.
#[derive(Debug)]
pub struct Request {
    /// The command and its arguments.
    pub command: Vec<CString>,
    /// Its name; `None` for one that nobody else has.
    pub name: Option<String>,
    /// Below which cgroup.
    pub parent: Wish,
    /// What it gets.
    pub settings: Settings,
    /// What it keeps of the host where a tmpfs would cover it.
    pub kept: Vec<PathBuf>,
    /// Which namespaces it shares with the host.
    pub isolation: Isolation,
    /// Bytes of memory that have to be there first.
    pub wait_for: Option<u64>,
    /// Whether what cannot be had is a failure.
    pub strictness: Strictness,
}

/// How often a parent may vanish before that is an error.
const ATTEMPTS: u32 = 20;

/// Whether a job has namespaces of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Mount and IPC namespaces, and where root is needed for those a user namespace.
    Namespaces,
    /// None.
    Nothing,
}

/// Why a job was not run.
#[derive(Debug, Error)]
pub enum RunError {
    /// The command cannot be executed.
    #[error("cannot run {}: {}{}", program.to_string_lossy(), OsError(*errno), if *covered { COVERED } else { "" })]
    NotExecuted {
        /// The command.
        program: OsString,
        /// The kernel's reason.
        errno: Errno,
        /// Whether one of the job's own directories covers its path.
        covered: bool,
    },
    /// `--strict`, and not everything can be had.
    #[error("{0}; not started, because of --strict")]
    Refused(String),
    /// No parent cgroup.
    #[error(transparent)]
    Parent(#[from] ParentError),
    /// No cgroup of its own.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// No process.
    #[error(transparent)]
    Clone(#[from] CloneError),
    /// The child could not be made what it should be.
    #[error("{0}")]
    Child(String),
    /// A signal ended the wait for memory.
    #[error("ended by signal {0} while waiting for memory")]
    Signal(i32),
    /// Another call of the kernel.
    #[error("cannot {what}: {}", OsError(*errno))]
    Kernel {
        /// What for.
        what: &'static str,
        /// The kernel's reason.
        errno: Errno,
    },
}

const COVERED: &str = "; /tmp, /var/tmp and /dev/shm are the job's own and empty: give --keep PATH, or --no-tmpfs";

impl RunError {
    /// The exit status, as env(1) has it: 127 where there is no such command, 126 where it cannot be executed, 125 where
    /// oomshim failed, and 128 and the number of a signal.
    #[must_use]
    pub fn status(&self) -> u8 {
        match self {
            RunError::NotExecuted { errno: Errno::ENOENT, .. } => 127,
            RunError::NotExecuted { .. } => 126,
            RunError::Signal(number) => u8::try_from(128 + number).unwrap_or(u8::MAX),
            _ => 125,
        }
    }
}

/// Runs the job to its end. `tell` gets what a person should know, each thing once. Nothing of the job is left behind, also
/// on an error.
///
/// # Errors
/// [`RunError`]
pub fn run(request: &Request, tell: &mut dyn FnMut(&str)) -> Result<Outcome, RunError> {
    // Inherited as ignored, it would take the children's ends away.
    let sigchld = disposition::set(Signal::SIGCHLD, Disposition::Default)
        .map_err(|errno| RunError::Kernel { what: "set the disposition of SIGCHLD", errno })?;
    let signals = Signals::block().map_err(|errno| RunError::Kernel { what: "block signals", errno })?;
    let mut run = Run { request, missing: Vec::new(), tell };
    let done = run.all(&signals, sigchld);
    signals.unblock();
    done
}

struct Run<'a> {
    request: &'a Request,
    missing: Vec<String>,
    tell: &'a mut dyn FnMut(&str),
}

impl Run<'_> {
    /// Something cannot be had.
    fn miss(&mut self, text: String) -> Result<(), RunError> {
        if self.request.strictness == Strictness::Refuse {
            return Err(RunError::Refused(text));
        }
        (self.tell)(&format!("warning: {text}"));
        self.missing.push(text);
        Ok(())
    }

    fn all(&mut self, signals: &Signals, sigchld: Disposition) -> Result<Outcome, RunError> {
        let request = self.request;
        let mut parent = self.parent()?;
        for (name, done) in parent.iter().flat_map(Parent::each).flat_map(abandoned::clean) {
            let name = name.to_string_lossy();
            match done {
                Ok(()) => (self.tell)(&format!("removed the abandoned job {name}")),
                Err(error) => (self.tell)(&format!("warning: the abandoned job {name} is still there: {error}")),
            }
        }
        let queue = match request.wait_for {
            None => None,
            Some(bytes) => match admission::wait(Path::new("/proc"), parent.as_ref(), bytes, signals, self.tell) {
                Admitted::Yes(lock) => lock,
                Admitted::Signal(number) => return Err(RunError::Signal(number)),
            },
        };
        let name = request.name.clone().unwrap_or_else(place::unique_name);
        let mut place = self.place(&mut parent, &name)?;
        if let (Some(place), Some(bytes)) = (&place, request.wait_for)
            && let Some(memory) = place.memory()
        {
            // Without it others may be let in too early; that is what was before.
            let _ = memory.set_attribute(admission::RESERVED, bytes.to_string().as_bytes());
        }
        drop(queue);
        for missing in place.as_ref().map(|place| place.limit(&request.settings)).unwrap_or_default() {
            self.miss(format!("the job has no {}: {}", missing.file, missing.reason))?;
        }
        let both = parent.as_ref().zip(place.as_ref());
        let janitor = both.map(|(parent, place)| Janitor::start(parent, place)).transpose()?;
        let before = place.as_ref().map(Before::read);
        let (began, clock) = (SystemTime::now(), Instant::now());
        let (child, pipe) = self.birth(place.as_ref(), signals, sigchld)?;
        record(&name, place.as_ref(), request);
        let end = self.until_its_end(&child, pipe, signals);
        let took = clock.elapsed();
        let evidence = match (&place, &before) {
            (Some(place), Some(before)) => {
                // The orphans first: what they have is the job's too.
                let _ = place.end();
                evidence::read(place, before, &request.settings)
            }
            _ => Evidence::default(),
        };
        let cgroup = place.as_ref().map(|place| place.kernel.clone());
        let removed = place.as_mut().map_or(Ok(()), Place::remove);
        match removed {
            Ok(()) => drop(janitor.map(Janitor::dismiss)),
            Err(error) => (self.tell)(&format!(
                "warning: a process of the job does not end ({error}); the next oomshim run below the same cgroup removes \
                 what is left"
            )),
        }
        drop(place);
        drop(parent);
        if cgroup.is_some() {
            // Its arguments may hold secrets: they go with the job.
            let _ = registry::find_for_delete(Path::new(registry::ROOT), OsStr::new(""), &id(&name));
        }
        Ok(Outcome {
            name,
            cgroup,
            command: request.command.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
            began,
            took,
            end: end?,
            settings: request.settings.clone(),
            missing: std::mem::take(&mut self.missing),
            evidence,
            largest: None,
        })
    }

    /// The cgroup below which the job's own is made; without one it has none.
    fn parent(&mut self) -> Result<Option<Parent>, RunError> {
        let read = |path: &str| {
            std::fs::read(path).map_err(|error| RunError::Kernel { what: "read /proc", errno: OsError::from(error).0 })
        };
        let tree = Tree::parse(&read("/proc/self/mountinfo")?);
        match Parent::open(&tree, &read("/proc/self/cgroup")?, &self.request.parent) {
            Ok(parent) => {
                if parent.memory_v1.is_some() && parent.unified.is_none() && parent.freezer_v1.is_none() {
                    self.miss(
                        "a process that forks fast may outlive the job: there is neither cgroup.kill nor a freezer"
                            .into(),
                    )?;
                }
                Ok(Some(parent))
            }
            Err(error) if self.request.parent == Wish::Usual => {
                self.miss(format!(
                    "the job has no cgroup of its own, no limit, and its orphans are not ended: {error}"
                ))?;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Makes the job's cgroup. A parent that the last of other jobs removed meanwhile is made once more.
    fn place(&mut self, parent: &mut Option<Parent>, name: &str) -> Result<Option<Place>, RunError> {
        let mut attempts = 0..ATTEMPTS;
        loop {
            let Some(there) = parent.as_ref() else { return Ok(None) };
            match Place::make(there, name) {
                Err(PlaceError::Cgroup(error)) if error.is_gone() && attempts.next().is_some() => {
                    drop(parent.take());
                    *parent = self.parent()?;
                }
                other => return Ok(Some(other?)),
            }
        }
    }

    /// Starts the child, as near to what is wanted as the kernel lets.
    fn birth(
        &mut self,
        place: Option<&Place>,
        signals: &Signals,
        sigchld: Disposition,
    ) -> Result<(Child, OwnedFd), RunError> {
        let wanted = namespaces(self.request);
        let into = place.and_then(Place::birth);
        let mut attempts = vec![(wanted, into, Born::Inside, Unshared::AtBirth)];
        if into.is_some() {
            attempts.push((wanted, None, Born::Outside, Unshared::AtBirth));
        }
        attempts.push((CloneFlags::empty(), None, Born::Outside, Unshared::ByItself));
        let mut last = CloneError::Kernel(Errno::ENOSYS);
        for (flags, cgroup, born, unshared) in attempts {
            let born = if cgroup.is_some() { born } else { Born::Outside };
            let entrances = place.map_or(Ok(Vec::new()), |place| place.entrances(born)).map_err(PlaceError::from)?;
            let (reader, writer) = nix::unistd::pipe2(OFlag::O_CLOEXEC)
                .map_err(|errno| RunError::Kernel { what: "make a pipe", errno })?;
            let preparation = Preparation {
                command: &self.request.command,
                settings: &self.request.settings,
                kept: &self.request.kept,
                namespaces: wanted,
                unshared,
                entrances,
                mask: signals.before(),
                sigchld,
                parent: nix::unistd::getpid().as_raw(),
                strictness: self.request.strictness,
            };
            match clone_process(flags, cgroup) {
                Ok(Side::Parent(child)) => return Ok((child, reader)),
                Ok(Side::Child) => {
                    drop(reader);
                    child::become_command(&preparation, writer)
                }
                Err(error) => last = error,
            }
        }
        Err(last.into())
    }

    /// Hears what the child has to say, then waits for the end of the command.
    fn until_its_end(&mut self, child: &Child, pipe: OwnedFd, signals: &Signals) -> Result<supervise::End, RunError> {
        let messages = child::receive(pipe)
            .map_err(|error| RunError::Kernel { what: "read a pipe", errno: OsError::from(error).0 })?;
        let mut failed = None;
        for message in messages {
            match message {
                Message::Missing(text) => {
                    self.miss(format!("the job shares what it should have of its own: {text}"))?;
                }
                Message::Failed(text) if self.request.strictness == Strictness::Refuse => {
                    failed = Some(RunError::Refused(text));
                }
                Message::Failed(text) => failed = Some(RunError::Child(text)),
                Message::NotExecuted(errno) => {
                    let program = self.request.command.first().map(CString::as_bytes).unwrap_or_default();
                    let covered =
                        errno == Errno::ENOENT && self.request.settings.covers(Path::new(OsStr::from_bytes(program)));
                    failed =
                        Some(RunError::NotExecuted { program: OsString::from_vec(program.to_owned()), errno, covered });
                }
            }
        }
        let end = supervise::supervise(child, signals)
            .map_err(|errno| RunError::Kernel { what: "wait for the command", errno })?;
        failed.map_or(Ok(end), Err)
    }
}

/// The namespaces that the job gets.
fn namespaces(request: &Request) -> CloneFlags {
    if request.isolation == Isolation::Nothing {
        return CloneFlags::empty();
    }
    let mut flags = CloneFlags::CLONE_NEWIPC;
    if !request.settings.shared.is_empty() || !request.settings.tmpfs.is_empty() {
        flags |= CloneFlags::CLONE_NEWNS;
    }
    if !crate::system::capabilities::has_sys_admin(Path::new("/proc")) {
        flags |= CloneFlags::CLONE_NEWUSER;
    }
    flags
}

fn id(name: &str) -> OsString {
    OsString::from(format!("{}{name}", place::PREFIX))
}

/// Remembers the job as a container is remembered, so that the guard and `oomshim report` know it. Only root's are.
fn record(name: &str, place: Option<&Place>, request: &Request) {
    let Some(place) = place else { return };
    // The bundle stands for the job: when the cgroup is gone, so is the job.
    let bundle = place.memory().map(|cgroup| cgroup.path().to_owned()).unwrap_or_default();
    let _ = registry::record(
        Path::new(registry::ROOT),
        &Container {
            id: id(name),
            bundle,
            class: request.settings.class.clone(),
            asked: request.settings.score.map(crate::system::oom_score_adj::OomScoreAdj::get),
            cgroup: place.kernel.clone().into_os_string(),
            command: request.command.iter().map(|word| OsString::from_vec(word.as_bytes().to_owned())).collect(),
            ..Container::default()
        },
    );
}
