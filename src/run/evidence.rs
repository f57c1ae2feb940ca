//! What the kernel tells of a job's memory: read before the job, and behind its end, before its cgroup is removed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::place::Place;
use super::settings::Settings;
use crate::registry::KILLED_ATTRIBUTE;
use crate::system::cgroup::{Cgroup, Version, keyed};

/// A limit above the job that others use too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Above {
    /// The kernel's name of the cgroup.
    pub cgroup: PathBuf,
    /// Its `memory.max` in bytes.
    pub limit: u64,
    /// How often it ran out while the job was there.
    pub shortages: u64,
}

/// What there is to know about a job's memory. Sizes are bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// How many of its processes the kernel killed for memory.
    pub kills: u64,
    /// Whether the kernel killed it as a group.
    pub group_kill: bool,
    /// How often the job's own limit, or one below it, ran out.
    pub own_shortages: u64,
    /// The job's own limit, as it is enforced.
    pub limit: Option<u64>,
    /// Limits above it that ran out.
    pub above: Vec<Above>,
    /// Why the guard killed it, where it did.
    pub guard: Option<String>,
    /// The most that it used, where the kernel keeps count.
    pub peak: Option<u64>,
    /// The most swap that it used, where the kernel keeps count.
    pub swap_peak: Option<u64>,
    /// The processor time that it took.
    pub cpu: Option<Duration>,
}

/// The cgroups above the job, and how often each had run out before.
#[derive(Debug)]
pub struct Before(Vec<(PathBuf, Cgroup, u64)>);

impl Before {
    /// Reads the counters of the cgroups above. On cgroup v1 there are none.
    #[must_use]
    pub fn read(place: &Place) -> Before {
        let mut all = Vec::new();
        let Some(memory) = place.memory().filter(|cgroup| cgroup.version() == Version::V2) else { return Before(all) };
        let (mut path, mut kernel) = (memory.path().parent(), place.kernel.parent());
        while let (Some(at), Some(name)) = (path, kernel) {
            // The root has neither a limit nor these counters.
            match Cgroup::open(at) {
                Ok(cgroup) if cgroup.has("memory.max") => {
                    let count = shortages(&cgroup);
                    all.push((name.to_owned(), cgroup, count));
                }
                _ => break,
            }
            (path, kernel) = (at.parent(), name.parent());
        }
        Before(all)
    }

    fn above(&self) -> Vec<Above> {
        let grown = self.0.iter().filter_map(|(name, cgroup, before)| {
            let shortages = shortages(cgroup).saturating_sub(*before);
            let limit = cgroup.number("memory.max").ok()??;
            (shortages > 0).then(|| Above { cgroup: name.clone(), limit, shortages })
        });
        grown.collect()
    }
}

/// How often the cgroup's own limit ran out; not those below it, where the kernel tells them apart.
fn shortages(cgroup: &Cgroup) -> u64 {
    let file = if cgroup.has("memory.events.local") { "memory.events.local" } else { "memory.events" };
    cgroup.counter(file, "oom").unwrap_or(0)
}

/// Reads what the job's cgroup tells. Nothing of it is an error: what cannot be read is not known.
#[must_use]
pub fn read(place: &Place, before: &Before, settings: &Settings) -> Evidence {
    let mut evidence = Evidence { above: before.above(), cpu: cpu(place), ..Evidence::default() };
    let Some(memory) = place.memory() else { return evidence };
    evidence.guard = place.each().find_map(|cgroup| {
        let cause = cgroup.attribute(KILLED_ATTRIBUTE).ok()??;
        Some(String::from_utf8_lossy(&cause).chars().take(32).collect())
    });
    match memory.version() {
        Version::V2 => {
            let events = memory.read("memory.events").unwrap_or_default();
            let count = |key| keyed(&events, key).unwrap_or(0);
            evidence.kills = count("oom_kill");
            evidence.group_kill = count("oom_group_kill") > 0;
            evidence.own_shortages = count("oom");
            evidence.limit = memory.number("memory.max").ok().flatten().filter(|limit| *limit > 0).or(settings.max);
            evidence.peak = memory.number("memory.peak").ok().flatten();
            evidence.swap_peak = memory.number("memory.swap.peak").ok().flatten();
        }
        Version::V1 => {
            evidence.kills = memory.counter("memory.oom_control", "oom_kill").unwrap_or(0);
            evidence.limit = memory.number("memory.limit_in_bytes").ok().flatten();
            evidence.peak = memory.number("memory.max_usage_in_bytes").ok().flatten();
            // v1 counts how often the limit was reached, and the peak tells whether that was all of it.
            let at_limit = evidence.limit.zip(evidence.peak).is_some_and(|(limit, peak)| peak >= limit);
            evidence.own_shortages = u64::from(evidence.kills > 0 && at_limit);
        }
    }
    evidence
}

fn cpu(place: &Place) -> Option<Duration> {
    let unified = place.unified.as_ref()?;
    keyed(&unified.read("cpu.stat").ok()?, "usage_usec").map(Duration::from_micros)
}

/// The largest process that the kernel killed in the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Largest {
    /// Its PID.
    pub pid: u32,
    /// Its name, as it is: hostile text.
    pub comm: Vec<u8>,
    /// Its resident memory in bytes.
    pub bytes: u64,
}

/// Whether the kernel's name of a cgroup is the job's, or below it.
#[must_use]
pub fn is_of_job(job: &Path, cgroup: &Path) -> bool {
    // In a cgroup namespace the job has a shorter name than the kernel's log gives it.
    let name = job.file_name();
    cgroup.starts_with(job) || cgroup.components().any(|part| Some(part.as_os_str()) == name)
}
