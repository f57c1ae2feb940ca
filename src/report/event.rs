//! Records that belong together: one shortage, with all that was killed for it.

use std::path::PathBuf;

use super::line::{self, Constraint, Invoked, Killed, Line, Reach};
use super::record::Record;
use super::time::Time;

/// Kills for the same shortage follow each other at once; what comes later is about another, in microseconds.
const TOGETHER: u64 = 2_000_000;

/// A shortage of memory and what the kernel did about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a record that was there or not")]
pub struct Event {
    /// When it began, by its first record.
    pub time: Time,
    /// Who asked for memory; the kernel leaves that record out when there are many.
    pub invoked: Option<Invoked>,
    /// How far the shortage reached, by the message in front of the kills.
    pub reach: Option<Reach>,
    /// Which memory the request was limited to.
    pub constraint: Option<Constraint>,
    /// The cgroup that ran out.
    pub limit_path: Option<PathBuf>,
    /// The first victim's cgroup.
    pub victim_path: Option<PathBuf>,
    /// What was charged to the cgroup that ran out, in bytes.
    pub used: Option<u64>,
    /// Its limit in bytes.
    pub limit: Option<u64>,
    /// How much of that was tmpfs and shared memory, in bytes.
    pub shared: Option<u64>,
    /// The cgroup that died whole.
    pub group: Option<PathBuf>,
    /// What was killed, in the order of the records, each process once.
    pub killed: Vec<Killed>,
    /// Whether there was nothing to kill.
    pub nothing_killable: bool,
    /// Whether the kernel panicked.
    pub panicked: bool,
    /// `vm.panic_on_oom`, where that is why it panicked.
    pub panic_on_oom: Option<u8>,
    /// Whether a person asked for it (sysrq-f).
    pub manual: bool,
    /// Whether the form of the log proves that the kernel wrote all of the records.
    pub is_proven: bool,
}

impl Event {
    /// Whether it tells anything.
    fn is_worth_telling(&self) -> bool {
        !self.killed.is_empty() || self.nothing_killable || self.panicked
    }

    /// Whether the kernel has done what it could: all that it says about the shortage comes before, but for groups.
    fn has_ended(&self) -> bool {
        !self.killed.is_empty() || self.nothing_killable
    }

    /// Whether numbers or the name of a cgroup at its limit are there.
    pub(super) fn usage_is_told(&self) -> bool {
        self.used.is_some() || self.limit_path.is_some()
    }

    /// Whether what follows may still belong to it.
    fn takes(&self, line: &Line) -> bool {
        match line {
            // The summary names the victim, so it comes before the kill or with another shortage.
            Line::Invoked(_) | Line::Manual => false,
            Line::Summary(_)
            | Line::LimitOf { .. }
            | Line::Limited(_)
            | Line::Member { .. }
            | Line::Usage { .. }
            | Line::Shared(_)
            | Line::Chosen(_)
            | Line::PanicOnOom(_) => !self.has_ended(),
            Line::Killed(reach, killed) => {
                let other_reach = reach.is_some() && self.reach.is_some() && *reach != self.reach;
                // One victim, twice in a group kill, or many for a group that was announced.
                let same = self.killed.iter().any(|other| other.pid == killed.pid);
                !other_reach && (self.killed.is_empty() || same || self.group.is_some())
            }
            Line::Group(_) => !self.killed.is_empty() && self.group.is_none(),
            Line::NothingKillable => self.killed.is_empty(),
            Line::Panic => true,
        }
    }

    /// Gives the last victim to an event of its own when another group is announced: a group is named behind its first
    /// victim, which nothing told from those of the group before.
    fn part(&mut self, time: Time) -> Option<Event> {
        if self.group.is_none() || self.killed.len() < 2 {
            return None;
        }
        let killed = vec![self.killed.pop()?];
        Some(Event { time, killed, reach: self.reach, is_proven: self.is_proven, ..Event::default() })
    }

    fn add(&mut self, line: Line) {
        match line {
            Line::Invoked(invoked) => {
                self.manual |= invoked.order == -1;
                self.invoked = Some(invoked);
            }
            Line::Usage { used, limit } => (self.used, self.limit) = (Some(used), Some(limit)),
            // Below the cgroup that ran out others may follow.
            Line::Limited(path) => self.limit_path = self.limit_path.take().or(Some(path)),
            Line::Member { path, shared } => {
                self.limit_path = self.limit_path.take().or(Some(path));
                self.shared = Some(self.shared.unwrap_or(0).saturating_add(shared));
            }
            Line::Shared(bytes) => self.shared = Some(bytes),
            Line::Summary(summary) => {
                self.constraint = Some(summary.constraint);
                self.limit_path = summary.limit;
                self.victim_path = Some(summary.task);
            }
            Line::LimitOf { limit, task } => {
                self.constraint = Some(Constraint::Cgroup);
                self.limit_path = Some(limit);
                self.victim_path = Some(task);
            }
            Line::Chosen(reach) => self.reach = Some(reach),
            Line::Killed(reach, killed) => {
                self.reach = reach.or(self.reach);
                if !self.killed.iter().any(|other| other.pid == killed.pid) {
                    self.killed.push(killed);
                }
            }
            Line::Group(path) => self.group = Some(path),
            Line::NothingKillable => self.nothing_killable = true,
            Line::Panic => self.panicked = true,
            Line::PanicOnOom(value) => (self.panicked, self.panic_on_oom) = (true, Some(value)),
            Line::Manual => self.manual = true,
        }
    }
}

/// Joins records to events.
#[derive(Debug, Default)]
pub struct EventAssembler {
    open: Option<Event>,
    last: Time,
}

impl EventAssembler {
    /// Takes the next record, and gives the event that is over with that.
    pub fn record(&mut self, record: &Record) -> Option<Event> {
        let line = line::read(&record.text)?;
        // Before the kill comes a list of all tasks, which takes its time on a slow console.
        let late = self.open.as_ref().is_some_and(Event::has_ended)
            && self.last.until(&record.time).is_some_and(|pause| pause > TOGETHER);
        let before = std::mem::replace(&mut self.last, record.time.clone());
        let announced = if late || !matches!(line, Line::Group(_)) { None } else { self.open.as_mut() };
        let next = announced.and_then(|event| event.part(before));
        let fits = !late && self.open.as_ref().is_some_and(|event| event.takes(&line));
        let done = if fits { None } else { self.finish() };
        let event = self.open.get_or_insert_with(|| {
            next.unwrap_or_else(|| Event { time: record.time.clone(), is_proven: true, ..Event::default() })
        });
        event.is_proven &= record.is_proven;
        event.add(line);
        done
    }

    /// The open event, when no record came for a while. Before the kill the kernel may only be slow to write.
    pub fn pause(&mut self) -> Option<Event> {
        if self.open.as_ref().is_some_and(Event::has_ended) { self.finish() } else { None }
    }

    /// The last event, when no more records come.
    pub fn finish(&mut self) -> Option<Event> {
        self.open.take().filter(Event::is_worth_telling)
    }
}

/// All events of those records.
pub fn all<'a>(records: impl IntoIterator<Item = &'a Record>) -> Vec<Event> {
    let mut joiner = EventAssembler::default();
    let mut events: Vec<Event> = records.into_iter().filter_map(|record| joiner.record(record)).collect();
    events.extend(joiner.finish());
    events
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
