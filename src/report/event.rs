//! Records that belong together: one shortage, with all that was killed for it.

use std::path::PathBuf;

use super::line::{self, Constraint, Invoked, Killed, Line, Reach};
use super::record::{Record, Time};

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

    fn add(&mut self, line: Line) {
        match line {
            Line::Invoked(invoked) => {
                self.manual |= invoked.order == -1;
                self.invoked = Some(invoked);
            }
            Line::Usage { used, limit } => (self.used, self.limit) = (Some(used), Some(limit)),
            // Below the cgroup that ran out others may follow.
            Line::Limited(path) => self.limit_path = self.limit_path.take().or(Some(path)),
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
pub struct Joiner {
    open: Option<Event>,
    last: Time,
}

impl Joiner {
    /// Takes the next record, and gives the event that is over with that.
    pub fn record(&mut self, record: &Record) -> Option<Event> {
        let line = line::read(&record.text)?;
        // Before the kill comes a list of all tasks, which takes its time on a slow console.
        let late = self.open.as_ref().is_some_and(Event::has_ended)
            && self.last.until(&record.time).is_some_and(|pause| pause > TOGETHER);
        self.last = record.time.clone();
        let fits = !late && self.open.as_ref().is_some_and(|event| event.takes(&line));
        let done = if fits { None } else { self.finish() };
        let event =
            self.open.get_or_insert_with(|| Event { time: record.time.clone(), is_proven: true, ..Event::default() });
        event.is_proven &= record.is_proven;
        event.add(line);
        done
    }

    /// The last event, when no more records come.
    pub fn finish(&mut self) -> Option<Event> {
        self.open.take().filter(Event::is_worth_telling)
    }
}

/// All events of those records.
pub fn all<'a>(records: impl IntoIterator<Item = &'a Record>) -> Vec<Event> {
    let mut joiner = Joiner::default();
    let mut events: Vec<Event> = records.into_iter().filter_map(|record| joiner.record(record)).collect();
    events.extend(joiner.finish());
    events
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::record;

    fn events(log: &str) -> Vec<Event> {
        all(&record::all(log.as_bytes()))
    }

    fn kill(pid: u32, reach: &str) -> String {
        format!(
            "{reach}Killed process {pid} (x) total-vm:8kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:500\n"
        )
    }

    const MEMCG: &str = "Memory cgroup out of memory: ";

    fn pids(event: &Event) -> Vec<u32> {
        event.killed.iter().map(|killed| killed.pid).collect()
    }

    #[test]
    fn a_group_kill_is_one_event_and_its_first_victim_counts_once() {
        let group = "Tasks in /job are going to be killed due to memory.oom.group set\n";
        let summary = "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/job,task_memcg=/job/a,task=x,pid=7,uid=0\n";
        let header = "x invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=500\n";
        let log = [
            header,
            "memory: usage 8kB, limit 8kB, failcnt 1\n",
            "shmem 4096\n",
            summary,
            &kill(7, MEMCG),
            group,
            &kill(7, MEMCG),
            &kill(8, MEMCG),
            "oom_reaper: reaped process 8 (x)\n",
            &kill(9, MEMCG),
        ]
        .concat();
        let [event] = <[Event; 1]>::try_from(events(&log)).unwrap();
        assert_eq!(
            (pids(&event), event.group, event.limit, event.shared),
            (vec![7, 8, 9], Some("/job".into()), Some(8192), Some(4096))
        );
        assert_eq!((event.limit_path, event.victim_path), (Some("/job".into()), Some("/job/a".into())));
    }

    #[test]
    fn kills_without_their_header_are_events_of_their_own() {
        let log = [kill(7, MEMCG), kill(8, MEMCG), kill(9, "Out of memory: ")].concat();
        assert_eq!(events(&log).iter().map(pids).collect::<Vec<_>>(), [[7], [8], [9]]);
    }

    #[test]
    fn what_comes_later_belongs_to_another_shortage() {
        let group = "Tasks in /job are going to be killed due to memory.oom.group set\n";
        let at = |seconds: u32, text: &str| format!("[{seconds:5}.000000] {text}");
        let log = [at(1, &kill(7, MEMCG)), at(1, group), at(1, &kill(8, MEMCG)), at(60, &kill(9, MEMCG))].concat();
        assert_eq!(events(&log).iter().map(pids).collect::<Vec<_>>(), [vec![7, 8], vec![9]]);
    }

    #[test]
    fn a_kernel_before_5_0_says_it_in_other_words() {
        let log = "Task in /a/b killed as a result of limit of /a\nmemory: usage 8kB, limit 8kB, failcnt 1\n\
                   Memory cgroup out of memory: Kill process 7 (x) score 9 or sacrifice child\n\
                   Killed process 8 (y) total-vm:8kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB\n";
        let [event] = <[Event; 1]>::try_from(events(log)).unwrap();
        assert_eq!((pids(&event), event.reach, event.limit_path), (vec![8], Some(Reach::Cgroup), Some("/a".into())));
    }

    #[test]
    fn a_panic_ends_what_nothing_could_be_killed_for() {
        let log = "x invoked oom-killer: gfp_mask=0x1, order=0, oom_score_adj=-1000\nOut of memory and no killable processes...\n\
                   Kernel panic - not syncing: System is deadlocked on memory\n";
        let [event] = <[Event; 1]>::try_from(events(log)).unwrap();
        assert!(event.nothing_killable && event.panicked && event.killed.is_empty());
        assert_eq!(
            events("x invoked oom-killer: gfp_mask=0x1, order=0, oom_score_adj=0\n"),
            [],
            "a victim was dying already"
        );
    }
}
