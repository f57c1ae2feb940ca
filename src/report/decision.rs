//! What `oomshim guard` did, from the records that it keeps: those that led to lines of the kernel's, and those that did not.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::event::OomEvent;
use crate::guard::figure;
use crate::guard::record::{self, Deed, Ended, Record};
use crate::picture::Picture;
use crate::text::escape;
use crate::text::size::size;

/// A decision of the guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// When, in microseconds on the kernel's clock.
    pub since_boot: u64,
    /// When, on the wall.
    pub when: Option<Timestamp>,
    /// Whether it killed.
    pub is_kill: bool,
    /// The cgroup of the job that it is about.
    pub cgroup: Option<PathBuf>,
    /// Its container, where oomshim started it.
    pub container: Option<String>,
    /// Why, in the guard's words.
    pub message: String,
    /// What came of it, a sentence each, under a label.
    pub outcome: Vec<(&'static str, String)>,
    /// The minutes before, and the moment.
    pub picture: Option<Picture>,
    /// The whole record.
    pub record: Value,
}

/// How long after the guard's decision its kills are logged at most, in microseconds. The two clocks drift apart a little.
const AFTER_GUARD: u64 = 30_000_000;

/// The decisions whose records the guard keeps in that directory, the oldest first.
#[must_use]
pub fn all(guard: &Path) -> Vec<Decision> {
    record::all(guard).iter().map(Decision::of).collect()
}

impl Decision {
    /// That of a record.
    #[must_use]
    pub fn of(record: &Record) -> Decision {
        Decision {
            since_boot: record.monotonic_us,
            when: record.time.parse().ok(),
            is_kill: record.deed == Deed::Killed,
            cgroup: record.victim.as_ref().map(|it| it.cgroup.clone().into()),
            container: record.victim.as_ref().and_then(|it| it.container.clone()),
            message: record.message.clone(),
            outcome: record.outcome.as_ref().map(outcome).unwrap_or_default(),
            picture: figure::of_record(record),
            record: serde_json::to_value(record).unwrap_or(Value::Null),
        }
    }

    /// Whether it led to that event: the guard lowers the limit of the job's cgroup.
    pub(super) fn led_to(&self, event: &OomEvent) -> bool {
        let path = event.limit_path.as_deref().or(event.group.as_deref());
        let is_soon = event.time.since_boot.is_some_and(|since| since.abs_diff(self.since_boot) <= AFTER_GUARD);
        let is_it =
            |cgroup: &PathBuf| path.is_some_and(|path| path.ends_with(cgroup.strip_prefix("/").unwrap_or(cgroup)));
        self.is_kill && is_soon && self.cgroup.as_ref().is_some_and(is_it)
    }

    /// In one line, for people.
    #[must_use]
    pub fn sentence(&self) -> String {
        let when = self.when.map_or_else(|| "at an unknown time".to_owned(), |when| format!("{when:.0}"));
        format!("{when}  oomshim guard: {}", escape::text(&self.message))
    }

    /// For programs, in one line, where no event of the kernel's goes with it.
    #[must_use]
    pub fn json(&self) -> String {
        let time = self.when.map(|when| format!("{when:.6}"));
        format!("{}\n", json!({"version": 1, "time": time, "cause": "guard", "guard": self.record}))
    }
}

/// What came of a kill.
fn outcome(ended: &Ended) -> Vec<(&'static str, String)> {
    let freed = size(ended.before.saturating_sub(ended.after));
    let after = ended.empty_ms.or(ended.killed_ms).map(|ms| format!(" after {ms} ms")).unwrap_or_default();
    let counted = match ended.oom_counted_ms {
        Some(_) => "; the kernel counted it as out of memory",
        None => "; the kernel did not count it as out of memory in time: engines may say no more than 137",
    };
    let dead = if ended.dead {
        format!("the job was dead{after}; {freed} came back{counted}")
    } else {
        format!("the job is not dead: {freed} came back")
    };
    let texts = |label, list: &[String]| {
        list.iter().map(|it| (label, escape::text(it).into_owned())).collect::<Vec<(&'static str, String)>>()
    };
    let mut all = vec![("outcome", dead)];
    all.extend(texts("survivor", &ended.survivors));
    all.extend(texts("failed", &ended.failures));
    all.extend(texts("left", &ended.leftovers));
    if ended.unexplained > 0 {
        all.push(("left", format!("{} that nothing explains", size(ended.unexplained))));
    }
    all
}

#[cfg(test)]
#[path = "decision_tests.rs"]
mod tests;
