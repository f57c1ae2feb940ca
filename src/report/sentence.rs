//! What a report says to people, a sentence at a time.

use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::cause::Cause;
use super::choice::{Choice, Usage};
use super::kernel::Killed;
use super::owner::{self, Owner};
use super::time::Time;
use super::{Report, input};
use crate::text::escape;
use crate::text::size::size;

/// How many processes are named where there may be many.
pub(super) const NAMED: usize = 10;

pub(super) fn when(report: &Report) -> String {
    match &report.when {
        Some(when) => format!("{when:.0}"),
        None => clock(&report.event.time),
    }
}

/// A time as the log has it.
pub(super) fn clock(time: &Time) -> String {
    use super::time::Wall;
    match (&time.wall, time.since_boot) {
        (Some(Wall::Local { words, .. } | Wall::Words(words)), _) => escape::text(words).into_owned(),
        (Some(Wall::Epoch(micros)), _) => i64::try_from(*micros)
            .ok()
            .and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok())
            .map_or_else(|| "at an unknown time".to_owned(), |when| format!("{when:.0}")),
        (None, Some(micros)) => format!("{}.{:06} s after boot", micros / 1_000_000, micros % 1_000_000),
        (None, None) => "at an unknown time".to_owned(),
    }
}

/// What happened, in a sentence.
pub(super) fn what(report: &Report) -> String {
    let event = &report.event;
    let why = why(report);
    let Some(first) = event.killed.first() else {
        if let Some((pid, exiting)) = event.exiting.first() {
            return format!("{} ({pid}) was exiting already, and nothing was killed: {why}", name(exiting));
        }
        if event.is_cut {
            return format!("a process was killed: {why}");
        }
        let then = match (event.panic_on_oom, event.panicked) {
            (Some(value), _) => format!("the kernel panicked, because vm.panic_on_oom is {value}"),
            (None, true) => "nothing could be killed and the kernel panicked".to_owned(),
            (None, false) if report.verdict.cause == Cause::CgroupLimit => {
                "nothing in it could be killed, so what needs memory fails or hangs".to_owned()
            }
            (None, false) => "nothing could be killed".to_owned(),
        };
        return format!("{why}: {then}");
    };
    let others = match event.killed.len() - 1 {
        0 => String::new(),
        1 => " and 1 other".to_owned(),
        count => format!(" and {count} others"),
    };
    let or_child = if event.is_cut && event.summary.is_none() { " or a child of it" } else { "" };
    let group = event.group.as_deref().map(|group| format!(", all of cgroup {}", path(group))).unwrap_or_default();
    let verb = if event.killed.len() == 1 { "was" } else { "were" };
    format!("{} ({}){or_child}{others} {verb} killed{group}: {why}", name(&first.name), first.pid)
}

pub(super) fn why(report: &Report) -> String {
    let event = &report.event;
    let limit = event.limit().map(|limit| format!(" of {}", size(limit))).unwrap_or_default();
    let at = || event.limit_path.as_deref().map(|at| format!(" of cgroup {}", path(at))).unwrap_or_default();
    match report.verdict.cause {
        Cause::OwnLimit => format!("its cgroup reached its own limit{limit}"),
        Cause::PodLimit => format!("its pod's limit{limit} was reached"),
        Cause::SharedLimit => format!("the limit{limit}{}, which it shares with others, was reached", at()),
        Cause::CgroupLimit => {
            let at =
                event.limit_path.as_deref().map_or_else(|| "a cgroup".to_owned(), |at| format!("cgroup {}", path(at)));
            format!("{at} reached its limit{limit}")
        }
        Cause::WholeMachine => "the whole machine ran out of memory".to_owned(),
        Cause::Nodes => match event.summary.as_ref().and_then(|it| it.nodes.as_deref()).filter(|it| !it.is_empty()) {
            Some(nodes) => format!("the memory nodes {nodes} that were allowed were full"),
            None => "the memory nodes that were allowed were full".to_owned(),
        },
        Cause::Guard => "oomshim guard ended its job before the machine ran out of memory".to_owned(),
        Cause::Manual => "somebody asked the kernel to kill (sysrq-f)".to_owned(),
        Cause::UnknownLimit => format!("a cgroup reached its limit{limit}, and the log does not tell which"),
        Cause::Unknown => "the log does not tell what ran out".to_owned(),
    }
}

/// What else happened, or is missing.
pub(super) fn notes(report: &Report) -> Vec<String> {
    let event = &report.event;
    let mut notes = Vec::new();
    if event.killed_init() && event.panicked {
        notes.push("PID 1 was among the victims and the machine panicked".to_owned());
    } else if event.killed_init() {
        notes.push("PID 1 was among the victims, which the kernel panics for".to_owned());
    }
    if event.is_cut {
        notes.push(match (event.killed.is_empty(), event.summary.is_some()) {
            (true, _) => "the log ends before it says who was killed".to_owned(),
            (false, true) => "the line of the kill is not in the log; the kernel's summary names the victim".to_owned(),
            (false, false) => {
                "the log ends before it says who was killed: the one that was chosen, or a child of it".to_owned()
            }
        });
    }
    if let Some((chosen, chosen_name, _)) = &event.chosen
        && let Some(killed) = event.killed.first()
        && killed.pid != *chosen
    {
        notes.push(format!(
            "{} ({chosen}) was chosen; kernels before 5.1 kill a child of it with memory of its own instead",
            name(chosen_name)
        ));
    }
    if !event.killed.is_empty() && !event.exiting.is_empty() {
        let verb = if event.exiting.len() == 1 { "was" } else { "were" };
        notes.push(format!("{} more {verb} exiting already", number(event.exiting.len())));
    }
    if !event.unreaped.is_empty() {
        let pids: Vec<String> = event.unreaped.iter().take(NAMED).map(u32::to_string).collect();
        notes.push(format!("its memory could not be taken back (unable to reap): {}", pids.join(", ")));
    }
    notes
}

/// Small numbers as words.
fn number(count: usize) -> String {
    const WORDS: [&str; 13] =
        ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    WORDS.get(count).map_or_else(|| count.to_string(), |word| (*word).to_owned())
}

/// Whose the first victim was, by its cgroup or else by its name.
pub(super) fn whose(report: &Report) -> Option<String> {
    let event = &report.event;
    let path = event.victim_path.as_deref().or(event.group.as_deref());
    let Some((owner, root)) = path.and_then(owner::of) else {
        let first = event.killed.first()?;
        return path.is_none().then(|| owner::by_name(&first.name).map(str::to_owned)).flatten();
    };
    // What it is, not where it belongs to; those are many.
    if matches!(owner, Owner::Many(_)) {
        return None;
    }
    let pod = root.ancestors().skip(1).find_map(|outer| match owner::here(outer) {
        Some(pod @ Owner::Pod(_)) => Some(format!(" of {pod}")),
        _ => None,
    });
    Some(format!("{owner}{}", pod.unwrap_or_default()))
}

/// How much of a limit that it shares the first victim had.
pub(super) fn share(report: &Report) -> Option<String> {
    if !matches!(report.verdict.cause, Cause::PodLimit | Cause::SharedLimit) {
        return None;
    }
    let (first, limit) = (report.event.killed.first()?, report.event.limit()?);
    let resident = first.sizes?.resident();
    let percent = u128::from(resident) * 100 / u128::from(limit.max(1));
    Some(format!("{} ({}) had {} of the {} ({percent} %)", name(&first.name), first.pid, size(resident), size(limit)))
}

pub(super) fn usage_text(usage: &Usage) -> String {
    let mut text = format!("{} ({}): {} resident", usage.pid, name(&usage.name), size(usage.resident));
    if usage.swap > 0 {
        _ = write!(text, ", {} in swap", size(usage.swap));
    }
    if let Some(score) = usage.score {
        _ = write!(text, "; oom_score_adj {score}");
    }
    text
}

/// Why the victim was chosen.
pub(super) fn chosen(report: &Report, choice: &Choice) -> String {
    let Choice { victim, next, of } = choice;
    let who = format!("{} ({})", name(&victim.name), victim.pid);
    let badness = |usage: &Usage, of: u64| {
        let sum = usage.badness(of);
        let sum = if sum < 0 {
            format!("-{}", size(sum.unsigned_abs().try_into().unwrap_or(u64::MAX)))
        } else {
            size(sum.try_into().unwrap_or(u64::MAX))
        };
        let score = usage.score.unwrap_or(0);
        format!("{sum} ({} used, oom_score_adj {score})", size(usage.total()))
    };
    let (Some(of), Some(next)) = (of, next) else {
        let used = size(victim.total());
        return match next {
            None => format!("{who} is the only one in the log that could be killed: {used} used"),
            Some(next) => format!(
                "{who} used {used} at oom_score_adj {}; the next, {} ({}), used {} at {}",
                victim.score.unwrap_or(0),
                name(&next.name),
                next.pid,
                size(next.total()),
                next.score.unwrap_or(0)
            ),
        };
    };
    let is_first = victim.badness(*of) >= next.badness(*of);
    let mut text = format!(
        "{who} had a badness of {}; the next, {} ({}), {}",
        badness(victim, *of),
        name(&next.name),
        next.pid,
        badness(next, *of)
    );
    if !is_first && report.verdict.cause.is_limit() {
        text.push_str("; that one may be in another cgroup or on its way out");
    }
    text
}

pub(super) fn process(killed: &Killed) -> String {
    let mut text = format!("{} ({})", killed.pid, name(&killed.name));
    if let Some(sizes) = &killed.sizes {
        _ = write!(
            text,
            ": {} anonymous, {} of files, {} shared",
            size(sizes.anonymous),
            size(sizes.file),
            size(sizes.shared)
        );
    }
    if let Some(score) = killed.score {
        _ = write!(text, "; oom_score_adj {score}");
    }
    if let Some(user) = killed.user {
        _ = write!(text, ", user {user}");
    }
    text
}

pub(super) fn name(name: &[u8]) -> String {
    escape::text(&input::lossy(name)).into_owned()
}

pub(super) fn path(path: &Path) -> String {
    escape::bytes(path.as_os_str().as_bytes())
}
