//! The jobs that the guard knows, each with its files open; what of them goes into a sample.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use super::find;
use super::find::{Finder, Found};
use super::kill::{self, Target};
use super::leftover::{Note, used};
use super::read::{BoundFiles, Buffer, JobFiles, Look};
use super::sample::{Group, Job, JobId, Sample, Standing};
use super::tell::Output;
use crate::system::cgroup::tree::Tree;
use crate::system::cgroup::{Cgroup, CgroupError, Version};
use crate::system::process::Process;

/// Seconds in a tick of `/proc/PID/stat`: `USER_HZ`, 100 on every architecture that Linux has now.
const TICKS: u64 = 100;

/// A job with its files open.
#[derive(Debug)]
pub struct Entry {
    /// Which job.
    pub id: JobId,
    /// What was found of it.
    pub job: find::Job,
    /// For a kill.
    pub target: Arc<Target>,
    /// For the search for what a kill leaves behind.
    pub note: Note,
    /// Its log, where it was found when the job began.
    pub output: Option<Arc<Output>>,
    /// What a guard that is gone had begun with it.
    pub unfinished: bool,
    files: JobFiles,
    group: Option<JobId>,
    protected: u64,
    begun: Option<Duration>,
    /// Mount points of the host whose tmpfs the job has mounted too.
    shared_tmpfs: Vec<PathBuf>,
    kept: u64,
    kept_at: Duration,
}

/// The jobs and the groups above them that have a limit.
#[derive(Debug, Default)]
pub struct Table {
    entries: Vec<Entry>,
    groups: BTreeMap<JobId, (PathBuf, BoundFiles)>,
}

impl Table {
    /// The jobs.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The job of that id.
    #[must_use]
    pub fn get(&self, id: JobId) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == id)
    }

    /// What a guard that is gone had begun with that job has been undone.
    pub fn settle(&mut self, id: JobId) {
        for entry in self.entries.iter_mut().filter(|entry| entry.id == id) {
            entry.unfinished = false;
        }
    }

    /// What a job or a group is called: its cgroup.
    #[must_use]
    pub fn name(&self, id: JobId) -> String {
        let job = self.get(id).map(|entry| entry.job.path.as_path());
        let path = job.or_else(|| self.groups.get(&id).map(|(path, _)| path.as_path()));
        path.map_or_else(|| format!("cgroup {}", id.0), |path| path.display().to_string())
    }

    /// Opens what is new and closes what is gone. Gives the jobs that could not be opened.
    pub fn update(&mut self, found: &Found, finder: &Finder, tree: &Tree, proc: &Path) -> Vec<(PathBuf, CgroupError)> {
        self.entries.retain(|entry| found.jobs.contains_key(&entry.job.path));
        let mut failures = Vec::new();
        // A thousand jobs are not compared with a thousand.
        let known: HashMap<PathBuf, usize> =
            self.entries.iter().enumerate().map(|(place, entry)| (entry.job.path.clone(), place)).collect();
        let mut replaced = BTreeSet::new();
        let host = Note::of(proc, i32::try_from(std::process::id()).unwrap_or(0)).unwrap_or_default();
        for job in found.jobs.values() {
            let Some(place) = finder.place(&job.path) else { continue };
            let cgroup = match Cgroup::open(&place) {
                Ok(cgroup) => cgroup,
                Err(error) if error.is_gone() => continue,
                Err(error) => {
                    failures.push((job.path.clone(), error));
                    continue;
                }
            };
            let Ok(id) = cgroup.id().map(JobId) else { continue };
            if let Some(entry) = known.get(&job.path).and_then(|&place| self.entries.get_mut(place)) {
                if entry.id == id {
                    entry.job = job.clone();
                    continue;
                }
                // Another cgroup of the same name.
                replaced.insert(entry.id);
            }
            match Entry::open(id, job, cgroup, tree, proc, &host) {
                Ok(mut entry) => {
                    entry.group = self.group_of(&job.path, finder);
                    self.entries.push(entry);
                }
                Err(error) if error.is_gone() => {}
                Err(error) => failures.push((job.path.clone(), error)),
            }
        }
        self.entries.retain(|entry| !replaced.contains(&entry.id));
        let used: BTreeSet<JobId> = self.entries.iter().filter_map(|entry| entry.group).collect();
        self.groups.retain(|id, _| used.contains(id));
        failures
    }

    /// The nearest cgroup above that has a limit.
    fn group_of(&mut self, path: &Path, finder: &Finder) -> Option<JobId> {
        for above in path.ancestors().skip(1).take_while(|above| above.parent().is_some()) {
            let Ok(cgroup) = Cgroup::open(&finder.place(above)?) else { continue };
            if cgroup.version() != Version::V2 || !matches!(cgroup.number("memory.max"), Ok(Some(_))) {
                continue;
            }
            let id = JobId(cgroup.id().ok()?);
            if let std::collections::btree_map::Entry::Vacant(place) = self.groups.entry(id) {
                place.insert((above.to_owned(), BoundFiles::open(&cgroup).ok()?));
            }
            return Some(id);
        }
        None
    }

    /// Fills in jobs and groups of a sample. Says whether one is gone, so that it is time to look again.
    pub fn read(&mut self, sample: &mut Sample, look: Look, buffer: &mut Buffer) -> bool {
        let at = sample.at;
        let before = self.entries.len();
        sample.jobs.clear();
        self.entries.retain_mut(|entry| {
            let job = entry.read(at, look, buffer);
            sample.jobs.extend(job);
            job.is_some()
        });
        sample.groups.clear();
        for (id, (_, files)) in &self.groups {
            sample.groups.extend(files.read(buffer).map(|bound| Group { id: *id, bound }));
        }
        self.entries.len() != before
    }
}

impl Entry {
    fn open(
        id: JobId,
        job: &find::Job,
        cgroup: Cgroup,
        tree: &Tree,
        proc: &Path,
        host: &Note,
    ) -> Result<Entry, CgroupError> {
        let files = JobFiles::open(&cgroup)?;
        let number = |file: &str| cgroup.number(file).ok().flatten().unwrap_or(0);
        let protected = number("memory.min").max(number("memory.low"));
        let first = cgroup.all_procs().unwrap_or_default().into_iter().min();
        let begun = first.and_then(|pid| begin_of(proc, pid));
        let note = first.and_then(|pid| Note::of(proc, pid).ok()).unwrap_or_default();
        let in_both = host.tmpfs.iter().filter(|tmpfs| note.tmpfs.iter().any(|own| own.device == tmpfs.device));
        let mut shared_tmpfs = Vec::new();
        let mut devices = BTreeSet::new();
        for tmpfs in in_both {
            if devices.insert(tmpfs.device) {
                shared_tmpfs.push(tmpfs.point.clone());
            }
        }
        let unfinished = kill::is_unfinished(&cgroup);
        let output = Output::of_job(proc, &cgroup).ok().map(Arc::new);
        let ending = if cgroup.version() == Version::V1 { ending(&job.path, tree) } else { None };
        let target = Arc::new(Target::open(cgroup, ending)?);
        Ok(Entry {
            id,
            job: job.clone(),
            target,
            note,
            output,
            unfinished,
            files,
            group: None,
            protected,
            begun,
            shared_tmpfs,
            kept: 0,
            kept_at: Duration::ZERO,
        })
    }

    fn read(&mut self, at: Duration, look: Look, buffer: &mut Buffer) -> Option<Job> {
        let (bound, held, populated) = self.files.read(at, look, buffer)?;
        if held.shared > 0 && at.saturating_sub(self.kept_at) >= Duration::from_secs(1) {
            self.kept_at = at;
            self.kept = self.shared_tmpfs.iter().map(|point| used(point)).fold(0, u64::saturating_add);
        }
        Some(Job {
            id: self.id,
            bound,
            group: self.group,
            private: held.private,
            shared: held.shared,
            kept: self.kept.min(held.shared),
            protected: self.protected,
            reserve: self.job.reserve,
            order: self.job.order,
            standing: if self.unfinished { Standing::Observed } else { self.job.standing },
            age: self.begun.map_or(Duration::ZERO, |begun| since_boot().saturating_sub(begun)),
            populated,
        })
    }
}

/// When the process began, as time since the machine was started.
fn begin_of(proc: &Path, pid: i32) -> Option<Duration> {
    let ticks = Process::open(proc, u32::try_from(pid).ok()?).ok()?.start_time().ok()?;
    Some(Duration::from_millis(ticks.saturating_mul(1000 / TICKS)))
}

/// The time since the machine was started, which the kernel counts the begin of a process from.
fn since_boot() -> Duration {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(Duration::ZERO, Into::into)
}

/// On cgroup v1: the job's own cgroup of the unified hierarchy, or of the freezer's, by which it can be ended.
fn ending(path: &Path, tree: &Tree) -> Option<Cgroup> {
    let mounts = [tree.unified(), tree.v1("freezer")];
    mounts.into_iter().flatten().find_map(|mount| Cgroup::open(&mount.path_of(path)?).ok())
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
