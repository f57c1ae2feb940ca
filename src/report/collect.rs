//! From a log's lines to its events, in one pass: in which order the log is, what is told in part only, who else killed.

use std::collections::VecDeque;

use super::assemble::{Assembled, EventAssembler, Incomplete};
use super::event::OomEvent;
use super::input::{Entry, Origin};
use super::kernel::{self, Line};
use super::killer::{self, OtherKill};
use super::time::Time;

/// So much more must speak for one order than for the other before the log is taken to have it.
const MAJORITY: i64 = 16;

/// How many entries are kept until the order is known, or for a log that is newest first.
const KEPT: usize = 1 << 19;

/// How many other kills are kept, in all.
const OTHERS: usize = 10_000;

/// What a log tells besides its events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rest {
    /// How many shortages are told in part only.
    pub incomplete: u64,
    /// The first of them.
    pub first_incomplete: Option<Incomplete>,
    /// How many lines speak of running out of memory in words that are not understood.
    pub not_understood: u64,
    /// The first of them.
    pub first_not_understood: Option<Incomplete>,
    /// How many page allocations failed, for which nothing is killed.
    pub failed_allocations: u64,
    /// The first of them.
    pub first_failed_allocation: Option<Incomplete>,
    /// How many lines of programs say that the kernel killed.
    pub witnesses: u64,
    /// The first of them.
    pub first_witness: Option<Incomplete>,
    /// What others killed, with the lines.
    pub others: Vec<(u64, Time, OtherKill)>,
    /// How many lines the log has.
    pub lines: u64,
    /// Whether the oldest lines of a log that is newest first had to be left out.
    pub is_truncated: bool,
}

impl Rest {
    /// Whether there is anything to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.incomplete + self.not_understood + self.failed_allocations + self.witnesses == 0
            && self.others.is_empty()
            && !self.is_truncated
    }
}

/// In which order a log's lines are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Order {
    /// Not known yet.
    #[default]
    Unknown,
    OldestFirst,
    NewestFirst,
}

/// Takes entries in the order of the log.
#[derive(Debug, Default)]
pub struct Collector {
    assembler: EventAssembler,
    order: Order,
    votes: i64,
    last: Time,
    /// The victim of the kill or summary before, for their order.
    last_victim: Option<(u32, bool)>,
    waiting: VecDeque<Entry>,
    rest: Rest,
}

impl Collector {
    /// One for lines that come as the kernel writes them.
    #[must_use]
    pub fn following() -> Collector {
        Collector { order: Order::OldestFirst, ..Collector::default() }
    }

    /// Takes the next entry, and puts the events behind `out` that are over with that.
    pub fn entry(&mut self, entry: Entry, out: &mut Vec<OomEvent>) {
        self.rest.lines = self.rest.lines.max(entry.line);
        let is_relevant = entry.origin == Origin::Kernel && !kernel::read_all(&entry.text).is_empty();
        if self.order != Order::OldestFirst {
            self.vote(&entry);
        }
        if !is_relevant {
            self.aside(&entry);
            return;
        }
        if self.order == Order::OldestFirst {
            return self.assemble(&entry, out);
        }
        self.waiting.push_back(entry);
        let is_full = self.waiting.len() > KEPT;
        match self.order {
            Order::Unknown if self.votes >= MAJORITY || is_full => {
                self.order = Order::OldestFirst;
                self.release(out);
            }
            Order::Unknown if self.votes <= -MAJORITY => self.order = Order::NewestFirst,
            _ if is_full => {
                self.waiting.pop_back();
                self.rest.is_truncated = true;
            }
            _ => {}
        }
    }

    /// What is open and has ended, when no line came for a while.
    pub fn pause(&mut self, out: &mut Vec<OomEvent>) {
        let mut assembled = Vec::new();
        self.assembler.pause(&mut assembled);
        self.take(assembled, out);
    }

    /// The last events, and what else the log tells.
    pub fn finish(mut self, out: &mut Vec<OomEvent>) -> Rest {
        if self.order == Order::NewestFirst || self.order == Order::Unknown && self.votes < 0 {
            self.waiting.make_contiguous().reverse();
        }
        self.release(out);
        let mut assembled = Vec::new();
        self.assembler.finish(&mut assembled);
        self.take(assembled, out);
        self.rest
    }

    fn release(&mut self, out: &mut Vec<OomEvent>) {
        for entry in std::mem::take(&mut self.waiting) {
            self.assemble(&entry, out);
        }
    }

    fn assemble(&mut self, entry: &Entry, out: &mut Vec<OomEvent>) {
        let mut assembled = Vec::new();
        self.assembler.entry(entry, &mut assembled);
        self.take(assembled, out);
    }

    fn take(&mut self, assembled: Vec<Assembled>, out: &mut Vec<OomEvent>) {
        for it in assembled {
            match it {
                Assembled::Event(event) => out.push(*event),
                Assembled::Incomplete(it) => {
                    self.rest.incomplete += 1;
                    first(&mut self.rest.first_incomplete, it);
                }
                Assembled::FailedAllocation(it) => {
                    self.rest.failed_allocations += 1;
                    first(&mut self.rest.first_failed_allocation, it);
                }
            }
        }
    }

    /// What is no line of a shortage, but worth telling.
    fn aside(&mut self, entry: &Entry) {
        let shown = || Incomplete { line: entry.line, text: entry.text[..entry.text.len().min(200)].to_vec() };
        if let Some(other) = killer::read(entry) {
            if self.rest.others.len() < OTHERS {
                self.rest.others.push((entry.line, entry.time.clone(), other));
            }
        } else if killer::is_witness(entry) {
            self.rest.witnesses += 1;
            first(&mut self.rest.first_witness, shown());
        } else if entry.origin == Origin::Kernel && is_not_understood(&entry.text) {
            self.rest.not_understood += 1;
            first(&mut self.rest.first_not_understood, shown());
        }
    }

    /// Which order speaks out of this entry and the one before.
    fn vote(&mut self, entry: &Entry) {
        if let Some(difference) = self.last.difference(&entry.time) {
            self.votes += difference.signum();
        }
        if !entry.time.is_unknown() {
            self.last = entry.time.clone();
        }
        if entry.origin != Origin::Kernel {
            return;
        }
        // A summary stands before its kill.
        let (victim, is_kill) = match kernel::read(&entry.text) {
            Some(Line::Summary(summary)) => (summary.pid, false),
            Some(Line::Killed(_, killed)) => (Some(killed.pid), true),
            _ => return,
        };
        let Some(victim) = victim else { return };
        if let Some((other, was_kill)) = self.last_victim.replace((victim, is_kill))
            && other == victim
            && was_kill != is_kill
        {
            self.votes += if is_kill { 4 } else { -4 };
        }
    }
}

/// Keeps the one that is first in the log, whichever came first.
fn first(kept: &mut Option<Incomplete>, it: Incomplete) {
    if kept.as_ref().is_none_or(|kept| it.line < kept.line) {
        *kept = Some(it);
    }
}

/// Frames of a call trace name the same functions, and the reaper says only that the memory came back.
fn is_not_understood(text: &[u8]) -> bool {
    use super::scan::contains;
    kernel::mentions(text) && !contains(text, b"+0x") && !text.starts_with(b"oom_reaper: ")
}

/// All events of entries that are in memory, and what else they tell.
#[must_use]
pub fn all(entries: impl IntoIterator<Item = Entry>) -> (Vec<OomEvent>, Rest) {
    let mut collector = Collector::default();
    let mut events = Vec::new();
    for entry in entries {
        collector.entry(entry, &mut events);
    }
    let rest = collector.finish(&mut events);
    (events, rest)
}

#[cfg(test)]
#[path = "collect_tests.rs"]
mod tests;
