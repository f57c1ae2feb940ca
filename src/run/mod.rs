//! `oomshim run`: a job in a box that memory cannot leak from. Its own cgroup, entered at birth, ended and removed as a
//! whole; its own tmpfs, whose memory goes with it; and the truth about it when memory killed it.
//!
//! Data flows one way: the command line and the policy say what the job gets ([`settings`], pure), its cgroup is made
//! ([`parent`], [`place`]), the child makes itself what it is to be ([`child`], [`mounts`]), is supervised
//! ([`supervise`]), and what the kernel counted ([`evidence`]) is judged ([`verdict`], pure) and told ([`outcome`]).

pub mod abandoned;
pub mod admission;
mod birth;
pub mod child;
mod error;
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
pub mod witness;

use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use nix::sys::signal::Signal;

use crate::registry::{self, Container};
use crate::system::cgroup::Lock;
use crate::system::cgroup::tree::Tree;
use crate::system::disposition::{self, Disposition};
use crate::system::os_error::OsError;
use admission::Admitted;
use child::Strictness;
pub use error::RunError;
use evidence::{Before, Evidence};
use janitor::Janitor;
use outcome::Outcome;
use parent::{Parent, Wish};
use place::{Place, PlaceError};
use settings::Settings;
use supervise::Signals;
use witness::Witness;

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
        let queue = self.admission(&mut parent, signals)?;
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
        // Without it a signal to the whole process group reaches the command twice.
        let mut witness = Witness::start(signals).ok();
        let (child, pipe) = self.birth(place.as_ref(), signals, sigchld)?;
        record(&name, place.as_ref(), request);
        let end = self.until_its_end(&child, pipe, signals, witness.as_mut());
        let took = clock.elapsed();
        if let Some(witness) = witness {
            witness.dismiss();
        }
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

    /// Waits for the memory that was asked for. Gives the lock of the queue, to be kept until the job has its cgroup.
    fn admission(&mut self, parent: &mut Option<Parent>, signals: &Signals) -> Result<Option<Lock>, RunError> {
        let Some(bytes) = self.request.wait_for else { return Ok(None) };
        loop {
            match admission::wait(Path::new("/proc"), parent.as_ref(), bytes, signals, self.tell) {
                Admitted::Yes(lock) => return Ok(lock),
                Admitted::Signal(number) => return Err(RunError::Signal(number)),
                Admitted::ParentGone => {
                    drop(parent.take());
                    *parent = self.parent()?;
                }
            }
        }
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
