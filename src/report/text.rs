//! A report for people.

use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::Report;
use super::cause::{self, Cause};
use super::line::Killed;
use super::record;
use super::time::Time;
use crate::text::escape;
use crate::text::size::size;

/// How many of the processes of a group are named.
const NAMED: usize = 10;

/// The report, with an empty line behind it.
#[must_use]
pub fn write(report: &Report) -> String {
    let mut text = String::new();
    _ = writeln!(text, "{}  {}", when(report), what(report));
    for killed in report.event.killed.iter().take(NAMED) {
        _ = writeln!(text, "    killed    {}", process(killed));
    }
    let more = report.event.killed.len().saturating_sub(NAMED);
    if more > 0 {
        _ = writeln!(text, "    killed    … and {more} more");
    }
    if let Some(container) = &report.container {
        let words: Vec<&[u8]> = container.command.iter().map(|word| word.as_bytes()).collect();
        _ = writeln!(
            text,
            "    container {}, class {}",
            escape::bytes(container.id.as_bytes()),
            escape::text(&container.class)
        );
        _ = writeln!(text, "    command   {}", escape::bytes(&words.join(&b' ')));
        _ = writeln!(text, "    bundle    {}", path(&container.bundle));
    }
    if let Some(invoked) = &report.event.invoked {
        _ = writeln!(text, "    asked by  {}", escape::bytes(&invoked.name));
    }
    for evidence in &report.verdict.evidence {
        _ = writeln!(text, "    evidence  {evidence}");
    }
    _ = writeln!(text, "    sure      {}", report.verdict.confidence);
    _ = writeln!(text, "    next      {}\n", cause::advice(&report.event, &report.verdict.cause));
    text
}

fn when(report: &Report) -> String {
    match (&report.when, &report.event.time) {
        (Some(when), _) => humantime::format_rfc3339_seconds(*when).to_string(),
        (None, Time::SinceBoot(micros)) => format!("{}.{:06} s after boot", micros / 1_000_000, micros % 1_000_000),
        (None, Time::Words(words)) => escape::text(words).into_owned(),
        (None, _) => "at an unknown time".to_owned(),
    }
}

/// What happened, in a sentence.
fn what(report: &Report) -> String {
    let event = &report.event;
    let Some(first) = event.killed.first() else {
        let then = match (event.panic_on_oom, event.panicked) {
            (Some(value), _) => format!("the kernel panicked, as vm.panic_on_oom={value} has it"),
            (None, true) => "nothing could be killed and the kernel panicked".to_owned(),
            (None, false) if report.verdict.cause == Cause::CgroupLimit => {
                "nothing in it may be killed, so it hangs".to_owned()
            }
            (None, false) => "nothing could be killed".to_owned(),
        };
        return format!("{}: {then}", why(report));
    };
    let others = match event.killed.len() - 1 {
        0 => String::new(),
        1 => " and 1 other".to_owned(),
        count => format!(" and {count} others"),
    };
    let whole = event.group.as_deref().map(|group| format!(", all of cgroup {}", path(group))).unwrap_or_default();
    let subcommand = if event.killed.len() == 1 { "was" } else { "were" };
    format!("{} ({}){others} {subcommand} killed{whole}: {}", name(&first.name), first.pid, why(report))
}

fn why(report: &Report) -> String {
    let event = &report.event;
    let limit = event.limit.map(|limit| format!(" of {}", size(limit))).unwrap_or_default();
    match report.verdict.cause {
        Cause::OwnLimit => format!("its cgroup reached its own limit{limit}"),
        Cause::SharedLimit => {
            let at = event.limit_path.as_deref().map(|at| format!(" of cgroup {}", path(at))).unwrap_or_default();
            format!("the limit{limit}{at}, which it shares with others, was reached")
        }
        Cause::CgroupLimit => {
            let at =
                event.limit_path.as_deref().map_or_else(|| "a cgroup".to_owned(), |at| format!("cgroup {}", path(at)));
            format!("{at} reached its limit{limit}")
        }
        Cause::WholeMachine => "the whole machine ran out of memory".to_owned(),
        Cause::Nodes => "the memory nodes that it may use were full".to_owned(),
        Cause::Manual => "somebody asked the kernel to (sysrq-f)".to_owned(),
        Cause::Unknown => "the log does not tell whose limit was reached".to_owned(),
    }
}

fn process(killed: &Killed) -> String {
    let mut text = format!(
        "{} ({}): {} anonymous, {} of files, {} shared",
        killed.pid,
        name(&killed.name),
        size(killed.anonymous),
        size(killed.file),
        size(killed.shared)
    );
    if let Some(score) = killed.score {
        _ = write!(text, "; oom_score_adj {score}");
    }
    if let Some(user) = killed.user {
        _ = write!(text, ", user {user}");
    }
    text
}

fn name(name: &[u8]) -> String {
    escape::text(&record::lossy(name)).into_owned()
}

fn path(path: &Path) -> String {
    escape::bytes(path.as_os_str().as_bytes())
}
