//! What is written down of a decision: everything that it was made from, what was done, and what came of it. The newest
//! [`PLACES`] are in `/run/oomshim/guard/kills`, for `oomshim report`.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::choose::Candidate;
use super::kill::Outcome;
use super::leftover::{Found, Kind};
use super::machine::Verdict;
use super::ring::Moment;
use super::sample::{Cause, JobId, Order, Standing};
use crate::system::os_error::OsError;
use crate::text::escape;

/// How many records are kept.
pub const PLACES: usize = 32;

/// The largest record that is read back, in bytes.
const LIMIT: u64 = 16 << 20;

/// What the guard did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// It killed the victim.
    Killed,
    /// It would have killed the victim, and only observes it.
    WouldKill,
    /// Nothing would have helped.
    Helpless,
}

/// A record. Sizes are bytes; times without a name of their own are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The version of this format.
    pub oomshim_guard_record: u32,
    /// When, in RFC 3339.
    pub time: String,
    /// The same on the monotonic clock, which the kernel's log has too, in microseconds.
    pub monotonic_us: u64,
    /// What was done.
    pub deed: Deed,
    /// Why.
    pub cause: Cause,
    /// The same in a sentence.
    pub message: String,
    /// `MemTotal`
    pub memory_total: u64,
    /// `MemAvailable`
    pub memory_available: u64,
    /// `SwapTotal`
    pub swap_total: u64,
    /// `SwapFree`
    pub swap_free: u64,
    /// The floor at that moment.
    pub floor: u64,
    /// How fast `MemAvailable` fell, in bytes a second.
    pub fall: u64,
    /// Percent of the last second in which all tasks stalled.
    pub full_share: u64,
    /// What was missing.
    pub missing: u64,
    /// The victim.
    pub victim: Option<Told>,
    /// The first candidates, the one to blame first.
    pub candidates: Vec<Told>,
    /// How many candidates there were.
    pub candidates_total: usize,
    /// What came of the kill.
    pub outcome: Option<Ended>,
    /// What the jobs of the last minutes are called.
    pub names: Vec<(JobId, String)>,
    /// The last minutes.
    pub series: Vec<Moment>,
}

/// A candidate with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Its cgroup.
    pub cgroup: String,
    /// The inode of the cgroup.
    pub id: JobId,
    /// Its class, where oomshim recorded one.
    pub class: Option<String>,
    /// Its container, where oomshim recorded one.
    pub container: Option<String>,
    /// What a kill would free.
    pub frees: u64,
    /// How fast that rises, in bytes a second.
    pub growth: u64,
    /// The blame in bytes.
    pub score: u64,
    /// When its turn comes.
    pub order: Order,
    /// Whether it may be killed.
    pub standing: Standing,
    /// How long it ran.
    pub age_ms: u64,
}

/// What came of a kill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Whether the whole job is dead.
    pub dead: bool,
    /// By what it was ended.
    pub method: Option<String>,
    /// How long it took to read the sample in which the condition held, in microseconds.
    #[serde(default)]
    pub sampled_us: u64,
    /// From the beginning of that sample to the order to kill, in microseconds.
    pub decided_us: u64,
    /// When the line was in the job's log.
    pub told_ms: Option<u64>,
    /// When the kernel had counted an out-of-memory kill.
    pub oom_counted_ms: Option<u64>,
    /// When `cgroup.kill` was written.
    pub killed_ms: Option<u64>,
    /// When no process was left.
    pub empty_ms: Option<u64>,
    /// When its memory had stopped falling.
    pub settled_ms: Option<u64>,
    /// What it held before.
    pub before: u64,
    /// What is still charged to it.
    pub after: u64,
    /// What stayed in tmpfs and shared memory, and where.
    pub leftovers: Vec<String>,
    /// What stayed and nothing explains.
    pub unexplained: u64,
    /// Who did not end: PID, name, state and where in the kernel.
    pub survivors: Vec<String>,
    /// What failed.
    pub failures: Vec<String>,
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Record {
    /// A record of a verdict.
    #[must_use]
    pub fn new(deed: Deed, message: String, verdict: &Verdict, told: impl Fn(&Candidate) -> Told) -> Record {
        Record {
            oomshim_guard_record: 1,
            time: humantime::format_rfc3339_millis(SystemTime::now()).to_string(),
            monotonic_us: u64::try_from(verdict.at.as_micros()).unwrap_or(u64::MAX),
            deed,
            cause: verdict.cause,
            message,
            memory_total: verdict.host.memory_total,
            memory_available: verdict.host.memory_available,
            swap_total: verdict.host.swap_total,
            swap_free: verdict.host.swap_free,
            floor: verdict.outlook.floor,
            fall: verdict.outlook.fall,
            full_share: verdict.outlook.full_share,
            missing: verdict.missing,
            victim: verdict.victim.as_ref().map(&told),
            candidates: verdict.ranking.told().map(told).collect(),
            candidates_total: verdict.ranking.count,
            outcome: None,
            names: Vec::new(),
            series: Vec::new(),
        }
    }
}

impl Told {
    /// A candidate with what is known of its job.
    #[must_use]
    pub fn new(candidate: &Candidate, cgroup: String, class: Option<String>, container: Option<String>) -> Told {
        Told {
            cgroup,
            id: candidate.id,
            class,
            container,
            frees: candidate.frees,
            growth: candidate.growth,
            score: candidate.score,
            order: candidate.order,
            standing: candidate.standing,
            age_ms: milliseconds(candidate.age),
        }
    }
}

impl Ended {
    /// What came of a kill. Reading the sample took `sampled`, and the order came `decided` after its beginning.
    #[must_use]
    pub fn new(outcome: &Outcome, (sampled, decided): (Duration, Duration), found: &Found) -> Ended {
        let microseconds = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let at = |time: Option<Duration>| time.map(milliseconds);
        let leftovers = found.leftovers.iter().map(|left| {
            let kind = left.kind.word();
            let place = match &left.kind {
                Kind::HostTmpfs(path)
                | Kind::Namespace(path)
                | Kind::Pinned(path)
                | Kind::Deleted(path)
                | Kind::Memfd(path) => path.display().to_string(),
                Kind::Segment(id) => format!("id {id}"),
            };
            let holder = left.holder.as_ref().map(|it| format!(", held by {} ({})", it.pid, escape::bytes(&it.comm)));
            format!("{} bytes of {kind}: {}{}", left.bytes, escape::text(&place), holder.unwrap_or_default())
        });
        let survivors = outcome.survivors.iter().map(|it| {
            let (comm, wchan) = (escape::bytes(&it.comm), escape::bytes(&it.wchan));
            format!("{} ({comm}), state {}, in {wchan}", it.pid, it.state)
        });
        let failures = outcome.failures.iter().map(|it| format!("{}: {}", it.step, OsError(it.errno)));
        Ended {
            dead: outcome.is_dead(),
            method: outcome.method.map(|method| method.word().to_owned()),
            sampled_us: microseconds(sampled),
            decided_us: microseconds(decided),
            told_ms: at(outcome.told),
            oom_counted_ms: at(outcome.oom_counted),
            killed_ms: at(outcome.killed),
            empty_ms: at(outcome.empty),
            settled_ms: at(outcome.settled),
            before: outcome.before,
            after: outcome.after,
            leftovers: leftovers.collect(),
            unexplained: found.unexplained,
            survivors: survivors.collect(),
            failures: failures.collect(),
        }
    }
}

/// The directory of records below the guard's.
#[must_use]
pub fn directory(guard: &Path) -> PathBuf {
    guard.join("kills")
}

/// Writes a record in place of the oldest.
///
/// # Errors
/// The file system's, most often that /run is full.
pub fn write(guard: &Path, number: usize, record: &Record) -> std::io::Result<()> {
    let directory = directory(guard);
    std::fs::create_dir_all(&directory)?;
    let place = number % PLACES;
    let (path, temporary) = (directory.join(format!("{place}.json")), directory.join(format!(".{place}.new")));
    std::fs::write(&temporary, serde_json::to_vec(record)?)?;
    std::fs::rename(&temporary, &path)
}

/// The records that are there, the oldest first; those left out that cannot be read.
#[must_use]
pub fn all(guard: &Path) -> Vec<Record> {
    let Ok(entries) = std::fs::read_dir(directory(guard)) else { return Vec::new() };
    let read = |path: PathBuf| {
        let is_record = path.extension().is_some_and(|kind| kind == "json");
        let small = std::fs::symlink_metadata(&path).is_ok_and(|it| it.is_file() && it.len() <= LIMIT);
        (is_record && small).then(|| serde_json::from_slice(&std::fs::read(path).ok()?).ok())?
    };
    let mut records: Vec<Record> = entries.filter_map(|entry| read(entry.ok()?.path())).collect();
    records.sort_by(|one, other| one.time.cmp(&other.time));
    records
}
