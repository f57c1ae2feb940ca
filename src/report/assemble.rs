//! Lines that belong together: each shortage of memory is one event. What does not agree is never joined.

use super::event::OomEvent;
use super::input::{Entry, Origin};
use super::kernel::{self, Constraint, Killed, Line, Reach};
use super::time::Time;

/// Between the lines of one kill there is no longer pause than this, in microseconds.
const AFTER_KILL: u64 = 2_000_000;

/// The victims of a group are killed in one go.
const IN_GROUP: u64 = 1_000_000;

/// Before the kill comes a list of all tasks, which takes its time on a slow console; but each line of it is seen.
const BEFORE_KILL: u64 = 30_000_000;

/// How many tasks, zones and statistics of an event are kept.
const ROWS: usize = 64 * 1024;

/// What is known of a shortage that the log does not tell the end of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incomplete {
    /// The number of its first line in the log.
    pub line: u64,
    /// That line.
    pub text: Vec<u8>,
}

/// What came out of the lines so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assembled {
    /// An event.
    Event(Box<OomEvent>),
    /// Lines about an event that say nothing of what was done.
    Incomplete(Incomplete),
    /// A page allocation that failed, for which nothing is killed.
    FailedAllocation(Incomplete),
}

/// Joins lines to events.
#[derive(Debug, Default)]
pub struct EventAssembler {
    open: Option<OomEvent>,
    /// The first line of the open event that is about running out of memory.
    begun: Option<Incomplete>,
    last: Time,
}

impl EventAssembler {
    /// Takes the next entry, and puts behind `out` what is over with that. Gives whether the entry was understood.
    pub fn entry(&mut self, entry: &Entry, out: &mut Vec<Assembled>) -> bool {
        if entry.origin != Origin::Kernel {
            return false;
        }
        let lines = kernel::read_all(&entry.text);
        let is_understood = lines.iter().any(Line::is_about_oom);
        for line in lines {
            self.line(line, entry, out);
        }
        is_understood
    }

    fn line(&mut self, line: Line, entry: &Entry, out: &mut Vec<Assembled>) {
        // What only goes along with an event begins none.
        if self.open.is_none() && matches!(line, Line::InitDied | Line::Unreaped(_) | Line::Stats(_) | Line::Slab(..)) {
            return;
        }
        let pause = self.last.pause(&entry.time).unwrap_or(0);
        let before = std::mem::replace(&mut self.last, entry.time.clone());
        let is_late = self.open.as_ref().is_some_and(|event| pause > longest_pause(event, &line));
        let announced = if is_late || !matches!(line, Line::Group(_)) { None } else { self.open.as_mut() };
        let next = announced.and_then(|event| part(event, before));
        let fits = !is_late && next.is_none() && self.open.as_ref().is_some_and(|event| takes(event, &line));
        if !fits {
            self.finish(out);
        }
        if self.begun.is_none() && line.is_about_oom() {
            let text = entry.text[..entry.text.len().min(200)].to_vec();
            self.begun = Some(Incomplete { line: entry.line, text });
        }
        let event = self.open.get_or_insert_with(|| {
            next.unwrap_or_else(|| OomEvent {
                time: entry.time.clone(),
                line: entry.line,
                is_proven: true,
                ..OomEvent::default()
            })
        });
        event.is_proven &= entry.is_proven;
        add(event, line);
    }

    /// What is open and has ended, when no line came for a while. Before the kill the kernel may only be slow to write.
    pub fn pause(&mut self, out: &mut Vec<Assembled>) {
        if self.open.as_ref().is_some_and(OomEvent::has_ended) {
            self.finish(out);
        }
    }

    /// What is open, when no more lines come.
    pub fn finish(&mut self, out: &mut Vec<Assembled>) {
        let begun = self.begun.take();
        let Some(mut event) = self.open.take() else { return };
        if event.failed_order.is_some() {
            out.extend(begun.map(Assembled::FailedAllocation));
        } else if event.is_worth_telling() {
            complete(&mut event);
            out.push(Assembled::Event(Box::new(event)));
        } else {
            out.extend(begun.map(Assembled::Incomplete));
        }
    }
}

fn longest_pause(event: &OomEvent, line: &Line) -> u64 {
    match line {
        Line::Killed(_, killed) if event.group.is_some() && !event.killed.iter().any(|it| it.pid == killed.pid) => {
            IN_GROUP
        }
        // The reaper gives up after a while, and the machine dies when its init has.
        Line::Unreaped(_) | Line::InitDied | Line::Panic => 10 * AFTER_KILL,
        _ if event.has_ended() => AFTER_KILL,
        _ => BEFORE_KILL,
    }
}

/// Whether a line may still belong to an event.
fn takes(event: &OomEvent, line: &Line) -> bool {
    if event.failed_order.is_some() && line.is_about_oom() {
        return false;
    }
    match line {
        Line::Invoked(_) => event.manual && event.invoked.is_none() && !event.has_ended(),
        // A child of the chosen one may die in its place, so this too comes before the kill.
        Line::Chosen { reach, pid, .. } => {
            !event.has_ended()
                && event.chosen.is_none()
                && agrees(event, *reach)
                && event.summary.as_ref().is_none_or(|it| it.pid.is_none_or(|victim| victim == *pid))
        }
        Line::Manual | Line::FailedAllocation(_) => false,
        // The summary names the victim, so it comes before the kill or with another shortage.
        Line::Summary(_) | Line::NothingKillable => {
            !event.has_ended() && event.summary.is_none() && event.chosen.is_none()
        }
        Line::LimitOf { .. } => !event.has_ended() && event.victim_path.is_none(),
        Line::Usage(counter) => !event.has_ended() && event.counters.iter().all(|it| it.kind != counter.kind),
        Line::Limited(_)
        | Line::Member { .. }
        | Line::Stats(_)
        | Line::PanicOnOom(_)
        | Line::Release(_)
        | Line::CgroupFrame
        | Line::Pages(_)
        | Line::Zone(_)
        | Line::Buddies(_)
        | Line::Swap(..)
        | Line::Hugetlb(_)
        | Line::Slab(..)
        | Line::Task(_) => !event.has_ended(),
        Line::TaskTitles(_) => !event.has_ended() && event.tasks.is_empty(),
        Line::Killed(reach, killed) => agrees(event, *reach) && takes_victim(event, killed),
        Line::Exiting { pid, reach, .. } => agrees(event, *reach) && (event.group.is_some() || takes_pid(event, *pid)),
        Line::Group(_) => (!event.killed.is_empty() || !event.exiting.is_empty()) && event.group.is_none(),
        Line::Panic => event.killed.is_empty(),
        Line::InitDied => event.killed_init(),
        Line::Unreaped(pid) => event.killed.iter().any(|it| it.pid == *pid),
    }
}

/// Whether the message in front of a kill says what the event says.
fn agrees(event: &OomEvent, reach: Option<Reach>) -> bool {
    let Some(reach) = reach else { return true };
    if event.reach.is_some_and(|other| other != reach) {
        return false;
    }
    let is_cgroup = reach == Reach::Cgroup;
    match &event.summary {
        // A line that was cut says nothing; kernels without memory cgroups say neither.
        Some(summary) if summary.limit.is_some() => is_cgroup,
        Some(summary) if summary.constraint == Constraint::Cgroup => is_cgroup,
        Some(summary) if summary.task.is_some() || summary.pid.is_some() => !is_cgroup,
        _ if event.usage_is_told() => is_cgroup,
        _ if !event.pages.is_empty() || !event.zones.is_empty() => !is_cgroup || event.has_cgroup_frame,
        _ => true,
    }
}

fn takes_victim(event: &OomEvent, killed: &Killed) -> bool {
    if event.killed.iter().any(|other| other.pid == killed.pid) {
        return true;
    }
    // Many for a group that was announced; without one, one victim.
    event.group.is_some() || event.killed.is_empty() && takes_pid(event, killed.pid)
}

/// Whether the first victim may be that process: the summary names it. Before 5.1 a child may die in its place.
fn takes_pid(event: &OomEvent, pid: u32) -> bool {
    let is_named = |it: &kernel::Summary| it.pid.is_none_or(|victim| victim == pid);
    !event.nothing_killable
        && (event.exiting.is_empty() || event.group.is_some())
        && (event.summary.as_ref().is_none_or(is_named) || event.chosen.is_some())
}

/// Gives the last victim to an event of its own when another group is announced: a group is named behind its first
/// victim, which nothing told from those of the group before.
fn part(event: &mut OomEvent, time: Time) -> Option<OomEvent> {
    if event.group.is_none() || event.killed.len() < 2 {
        return None;
    }
    let killed = vec![event.killed.pop()?];
    Some(OomEvent {
        time,
        line: event.line,
        killed,
        reach: event.reach,
        is_proven: event.is_proven,
        ..OomEvent::default()
    })
}

fn add(event: &mut OomEvent, line: Line) {
    match line {
        Line::Invoked(invoked) => {
            event.manual |= invoked.order == -1;
            event.invoked = Some(invoked);
        }
        Line::FailedAllocation(order) => event.failed_order = Some(order),
        Line::Release(release) => event.release = Some(release),
        Line::CgroupFrame => event.has_cgroup_frame = true,
        Line::Usage(counter) => event.counters.push(counter),
        // Below the cgroup that ran out others may follow.
        Line::Limited(path) => event.limit_path = event.limit_path.take().or(Some(path)),
        Line::Member { path, stats } => {
            // The end of a longer line may have been lost; these lines name the cgroup that ran out first.
            let is_damaged = match (&event.limit_path, &event.victim_path) {
                (Some(limit), Some(victim)) => !victim.starts_with(limit),
                _ => true,
            };
            if event.stats.is_empty() && is_damaged {
                event.limit_path = Some(path);
            }
            keep(&mut event.stats, stats);
        }
        Line::Stats(stats) => keep(&mut event.stats, stats),
        Line::Summary(summary) => {
            event.limit_path = summary.limit.clone().or(event.limit_path.take());
            event.victim_path.clone_from(&summary.task);
            event.summary = Some(summary);
        }
        Line::LimitOf { limit, task } => (event.limit_path, event.victim_path) = (Some(limit), Some(task)),
        Line::Chosen { reach, pid, name, score } => {
            event.reach = reach.or(event.reach);
            event.chosen = Some((pid, name, score));
        }
        Line::Killed(reach, killed) => {
            event.reach = reach.or(event.reach);
            match event.killed.iter_mut().find(|other| other.pid == killed.pid) {
                Some(other) if other.sizes.is_none() => *other = killed,
                Some(_) => {}
                None => event.killed.push(killed),
            }
        }
        Line::Exiting { pid, name, reach } => {
            event.reach = reach.or(event.reach);
            event.exiting.push((pid, name));
        }
        Line::Group(path) => event.group = Some(path),
        Line::Unreaped(pid) => event.unreaped.push(pid),
        Line::NothingKillable => event.nothing_killable = true,
        Line::Panic | Line::InitDied => event.panicked = true,
        Line::PanicOnOom(value) => (event.panicked, event.panic_on_oom) = (true, Some(value)),
        Line::Manual => event.manual = true,
        Line::Pages(pages) => keep(&mut event.pages, pages),
        Line::Zone(zone) => keep(&mut event.zones, [zone]),
        Line::Buddies(buddies) => keep(&mut event.buddies, [buddies]),
        Line::Swap("free", bytes) => event.swap.0 = Some(bytes),
        Line::Swap(_, bytes) => event.swap.1 = Some(bytes),
        Line::Hugetlb(bytes) => event.hugetlb = event.hugetlb.saturating_add(bytes),
        Line::Slab(name, bytes) => keep(&mut event.slabs, [(name, bytes)]),
        Line::TaskTitles(layout) => event.layout = Some(layout),
        Line::Task(task) => keep(&mut event.tasks, [task]),
    }
}

fn keep<T>(list: &mut Vec<T>, more: impl IntoIterator<Item = T>) {
    let room = ROWS.saturating_sub(list.len());
    list.extend(more.into_iter().take(room));
}

/// Fills in what other lines of the event tell: a victim's name from the list of tasks, and a victim that only the
/// summary names.
fn complete(event: &mut OomEvent) {
    let name_of = |pid: u32| event.tasks.iter().find(|task| task.pid == pid).map(|task| task.name.clone());
    let names: Vec<_> = event.killed.iter().map(|it| if it.name.is_empty() { name_of(it.pid) } else { None }).collect();
    for (killed, name) in event.killed.iter_mut().zip(names) {
        if let Some(name) = name {
            killed.name = name;
        }
    }
    event.is_cut = event.lacks_kill();
    if !event.is_cut {
        return;
    }
    let by_summary = event.summary.as_ref().and_then(|it| Some((it.pid?, it.name.clone(), it.user)));
    let by_choice = event.chosen.as_ref().map(|(pid, name, _)| (*pid, name.clone(), None));
    if let Some((pid, name, user)) = by_summary.or(by_choice) {
        event.killed.push(Killed { pid, name, user, ..Killed::default() });
    }
}

#[cfg(test)]
#[path = "assemble_tests.rs"]
mod tests;
