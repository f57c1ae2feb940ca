//! Which cgroups are jobs: those that oomshim recorded, and those whose path a pattern names. Everything else is left
//! alone, and so is what matches but must never be killed; each refusal has a reason that `guard status` shows.

mod known;
mod refusal;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::sample::{Order, Standing};
use crate::policy::Policy;
use crate::policy::guard::Mode;
use crate::policy::rule::Pattern;
use crate::registry::Container;
use crate::system::cgroup::Cgroup;
use crate::system::cgroup::tree::{Mount, Tree};

use known::{DAEMONS, KNOWN, NOT_JOBS};
pub use refusal::Refusal;

/// How many processes of a cgroup are looked at.
const LOOKED_AT: usize = 64;

/// A cgroup that is a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its path in the hierarchy of the memory controller, as the kernel names it.
    pub path: PathBuf,
    /// Whether it may be killed.
    pub standing: Standing,
    /// When its turn comes.
    pub order: Order,
    /// How much it may hold before it counts, in bytes.
    pub reserve: u64,
    /// The class, where oomshim recorded one.
    pub class: Option<String>,
    /// The container's id, where oomshim recorded one.
    pub container: Option<String>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The jobs by path.
    pub jobs: BTreeMap<PathBuf, Job>,
    /// What looks like a job and is none.
    pub refused: BTreeMap<PathBuf, Refusal>,
    /// The directories in which jobs come and go, as paths of the file system.
    pub parents: BTreeSet<PathBuf>,
}

/// Where to look.
#[derive(Debug)]
pub struct Finder {
    mount: Mount,
    proc: PathBuf,
    own: PathBuf,
    host_namespace: Option<u64>,
}

impl Finder {
    /// Looks in the hierarchy that has the memory controller; `None` where there is none.
    #[must_use]
    pub fn new(tree: &Tree, proc: &Path) -> Option<Finder> {
        let mount = tree.memory()?.clone();
        let own = std::fs::read(proc.join("self/cgroup")).ok().and_then(|text| mount.of_process(&text));
        let own = own.unwrap_or_else(|| mount.point.clone());
        // Not the guard's own: a unit's hardening may give it one.
        let host_namespace = namespace(&proc.join("1")).or_else(|| namespace(&proc.join("self")));
        Some(Finder { mount, proc: proc.to_owned(), own, host_namespace })
    }

    /// The hierarchy that is looked in.
    #[must_use]
    pub fn mount(&self) -> &Mount {
        &self.mount
    }

    /// Where in the file system that cgroup is.
    #[must_use]
    pub fn place(&self, path: &Path) -> Option<PathBuf> {
        self.mount.path_of(path)
    }

    /// All jobs that are there now. `memory` is the host's RAM, for reserves in percent.
    #[must_use]
    pub fn find(&self, policy: &Policy, containers: &[Container], memory: Option<u64>) -> Found {
        let guard = &policy.guard;
        let mut found = Found::default();
        let built_in = KNOWN.iter().filter_map(|text| Pattern::new(text).ok());
        let observed: Vec<Pattern> = built_in.chain(guard.watch.iter().cloned()).collect();
        let killable = if guard.mode == Mode::Kill { Standing::Killable } else { Standing::Observed };
        for container in containers {
            let Some(path) = container.certain_cgroup() else { continue };
            if let Some(parent) = path.parent().and_then(|parent| self.place(parent)) {
                found.parents.insert(nearest(&parent));
            }
            let class = policy.class(&container.class);
            // Sandboxes and what the policy leaves alone. A class that is gone from the policy was a job's.
            let is_kept = container.class == "keep";
            let order = if is_kept { Order::Never } else { class.map_or(Order::Normal, |class| class.guard.order) };
            let reserve = class.and_then(|class| class.guard.reserve.bytes(memory)).unwrap_or(0);
            let job = Job {
                path,
                standing: killable,
                order,
                reserve,
                class: Some(container.class.clone()),
                container: Some(container.id.to_string_lossy().into_owned()),
            };
            self.add(&mut found, job, guard.never.as_slice(), Origin::Record);
        }
        for (patterns, standing) in [(&guard.kill, killable), (&observed, Standing::Observed)] {
            for pattern in patterns {
                for path in self.expand(pattern, &mut found.parents) {
                    let job = Job { path, standing, order: Order::Normal, reserve: 0, class: None, container: None };
                    self.add(&mut found, job, guard.never.as_slice(), Origin::Pattern);
                }
            }
        }
        found
    }

    fn add(&self, found: &mut Found, job: Job, never: &[Pattern], origin: Origin) {
        if let Some(known) = found.jobs.get_mut(&job.path) {
            // A record says more than a pattern, but a pattern may allow more than observing.
            if job.standing == Standing::Killable {
                known.standing = Standing::Killable;
            }
            return;
        }
        let Some(place) = self.place(&job.path) else { return };
        // Only what is there is a job; the record of a container is made before its cgroup.
        let Ok(cgroup) = Cgroup::open(&place) else { return };
        if let Some(refusal) = self.refusal(&job.path, &place, &cgroup, never, origin) {
            if refusal.is_worth_telling() {
                found.refused.insert(job.path, refusal);
            }
            return;
        }
        found.jobs.insert(job.path.clone(), job);
    }

    fn refusal(
        &self,
        path: &Path,
        place: &Path,
        cgroup: &Cgroup,
        never: &[Pattern],
        origin: Origin,
    ) -> Option<Refusal> {
        if self.own.starts_with(place) {
            return Some(Refusal::Above("the guard"));
        }
        let bytes = path.as_os_str().as_bytes();
        if never.iter().any(|pattern| pattern.matches(bytes)) {
            return Some(Refusal::Never);
        }
        if origin == Origin::Pattern {
            let own = |text: &&&str| Pattern::new(text).is_ok_and(|pattern| pattern.matches(bytes));
            if NOT_JOBS.iter().any(|text| own(&text)) {
                return Some(Refusal::Parent);
            }
            if several(cgroup) {
                return Some(Refusal::Parent);
            }
        }
        // A container has a mount namespace of its own, and no daemon of the host gets into it.
        if origin == Origin::Record { None } else { self.daemon_in(cgroup) }
    }

    /// Init or a daemon in that cgroup, or below it. Asked once more before a kill.
    #[must_use]
    pub fn daemon_in(&self, cgroup: &Cgroup) -> Option<Refusal> {
        let pids = cgroup.all_procs().unwrap_or_default();
        if pids.contains(&1) {
            return Some(Refusal::Above("init"));
        }
        pids.into_iter().take(LOOKED_AT).find_map(|pid| self.daemon(pid))
    }

    fn daemon(&self, pid: i32) -> Option<Refusal> {
        let directory = self.proc.join(pid.to_string());
        if namespace(&directory) != self.host_namespace {
            return None;
        }
        let comm = std::fs::read(directory.join("comm")).ok()?;
        let comm = comm.trim_ascii();
        let name = DAEMONS.into_iter().find(|name| {
            // The kernel keeps 15 bytes.
            name.as_bytes().get(..15).unwrap_or(name.as_bytes()) == comm
        })?;
        Some(Refusal::Daemon(name.to_owned()))
    }

    /// The cgroups that a pattern names now; `*` stays within one name. Notes the directories in which they come and go.
    fn expand(&self, pattern: &Pattern, parents: &mut BTreeSet<PathBuf>) -> Vec<PathBuf> {
        let mut paths = vec![PathBuf::from("/")];
        for name in pattern.text().split('/').filter(|name| !name.is_empty()) {
            let Ok(glob) = Pattern::new(name) else { return Vec::new() };
            let is_plain = !name.contains(['*', '?', '\\']);
            let mut next = Vec::new();
            for path in paths {
                let Some(place) = self.place(&path) else { continue };
                if is_plain {
                    let below = path.join(name);
                    if self.place(&below).is_some_and(|place| place.is_dir()) {
                        next.push(below);
                    } else {
                        parents.insert(nearest(&place));
                    }
                    continue;
                }
                parents.insert(nearest(&place));
                let names = Cgroup::open(&place).and_then(|cgroup| cgroup.children()).unwrap_or_default();
                let matching = names.into_iter().filter(|name: &std::ffi::OsString| glob.matches(name.as_bytes()));
                next.extend(matching.map(|name| path.join(name)));
            }
            paths = next;
        }
        paths
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Record,
    Pattern,
}

/// Whether processes are in more than one cgroup below it: crun puts those of one container into one below its scope.
fn several(cgroup: &Cgroup) -> bool {
    let children = cgroup.children().unwrap_or_default();
    let populated = |name: &std::ffi::OsString| {
        cgroup.child(OsStr::new(name)).and_then(|child| child.is_populated()).unwrap_or(false)
    };
    children.iter().filter(|name| populated(name)).nth(1).is_some()
}

/// The inode of the mount namespace.
fn namespace(process: &Path) -> Option<u64> {
    std::fs::metadata(process.join("ns/mnt")).ok().map(|it| it.ino())
}

/// The directory, or the first above it that is there: where it will appear.
fn nearest(place: &Path) -> PathBuf {
    place.ancestors().find(|path| path.is_dir()).unwrap_or(place).to_owned()
}
