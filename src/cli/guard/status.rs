//! `oomshim guard status`: the jobs, who would be killed first, and how far away that is.

mod screen;

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};

use super::super::format::OutputFormat;
use super::super::picture::letters;
use super::super::{Exit, print};
use crate::guard::place::DIRECTORY;
use crate::guard::record::Told;
use crate::guard::sample::{Order, Standing};
use crate::guard::status::{self, Status};
use crate::text::escape;
use crate::text::size::size;

/// The command line of `oomshim guard status`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Look again every so many seconds; in a terminal the last minutes are drawn
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "1")]
    watch: Option<f64>,
    /// Draw with ASCII letters only, as it does anyway where the locale is not UTF-8
    #[arg(long)]
    ascii: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

/// The longest pause between two looks.
const LONGEST: f64 = 3600.0;

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let ask = || status::ask(Path::new(DIRECTORY));
    let Some(seconds) = args.watch else {
        let status = ask()?;
        print(&match args.format {
            OutputFormat::Json => format!("{}\n", serde_json::to_string(&status)?),
            OutputFormat::Text => describe(&status),
        })?;
        return Ok(Exit::Success);
    };
    if !(0.1..=LONGEST).contains(&seconds) {
        bail!("--watch {seconds}: give a number of seconds from 0.1 to {LONGEST}");
    }
    let pause = Duration::try_from_secs_f64(seconds).context("read --watch")?;
    let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stdout());
    if args.format == OutputFormat::Text && is_terminal {
        screen::watch(ask, pause, letters(args.ascii))?;
        return Ok(Exit::Success);
    }
    loop {
        let status = ask()?;
        print(&match args.format {
            OutputFormat::Json => format!("{}\n", serde_json::to_string(&status)?),
            OutputFormat::Text => format!("{}\n", describe(&status)),
        })?;
        std::thread::sleep(pause);
    }
}

/// The whole answer in lines.
fn describe(status: &Status) -> String {
    head(status) + &table(status, usize::MAX)
}

/// The host, and how far away a kill is.
fn head(status: &Status) -> String {
    let mut out = String::new();
    let armed = if status.armed { ", looks every 100 ms" } else { "" };
    let _ = writeln!(out, "guard   {} (pid {}{armed}), {} kills", status.mode, status.pid, status.kills);
    let (available, total) = (size(status.memory_available), size(status.memory_total));
    let _ = writeln!(out, "memory  {available} of {total} available");
    let above = size(status.memory_available.saturating_sub(status.floor));
    let distance = match status.floor_in_ms {
        _ if status.memory_available < status.floor => "memory is below it now".to_owned(),
        Some(ms) => format!("{above} away, in {} at {}/s", seconds(ms), size(status.fall)),
        None => format!("{above} away, and memory does not fall"),
    };
    let _ = writeln!(out, "floor   {}: {distance}", size(status.floor));
    if status.swap_total > 0 {
        let _ = writeln!(out, "swap    {} of {} free", size(status.swap_free), size(status.swap_total));
    }
    match status.full_share {
        Some(share) => _ = writeln!(out, "stall   all tasks for {share} % of the last second"),
        None => out.push_str("stall   unknown: the kernel has no PSI; boot with psi=1\n"),
    }
    let _ = writeln!(out, "next    {}", next(status));
    out
}

fn seconds(milliseconds: u64) -> String {
    match milliseconds / 1000 {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

/// Who would be killed first, and whether that is allowed.
fn next(status: &Status) -> String {
    let Some(first) = status.jobs.first() else {
        return "nobody: there is no job".to_owned();
    };
    let cgroup = escape::text(&first.cgroup);
    let what = format!("{cgroup}, which would free {} and grows {}/s", size(first.frees), size(first.growth));
    match (first.standing, status.mode.as_str()) {
        (Standing::Killable, "kill") => what,
        (Standing::Killable, _) => format!("{what}; it would only be recorded, as the guard observes"),
        (Standing::Observed, _) => {
            format!("{what}; it would only be recorded: name its cgroup in `kill` of [guard] to have it killed")
        }
    }
}

/// The jobs, at most so many lines of them.
fn table(status: &Status, lines: usize) -> String {
    let mut out = String::new();
    if status.jobs.is_empty() {
        out.push_str("\nno jobs\n");
    } else {
        let _ = writeln!(out, "\n{:>8} {:>9} {:>8} {:>7} {:8} CGROUP", "MEMORY", "GROWTH/S", "BLAME", "AGE", "GUARD");
    }
    for job in status.jobs.iter().take(lines) {
        let (memory, growth, score, age) = (size(job.frees), size(job.growth), size(job.score), seconds(job.age_ms));
        let cgroup = escape::text(&job.cgroup);
        let _ = writeln!(out, "{memory:>8} {growth:>9} {score:>8} {age:>7} {:8} {cgroup}", turn(job));
    }
    let more = status.jobs.len().saturating_sub(lines);
    if more > 0 {
        let _ = writeln!(out, "… and {more} more");
    }
    for (path, why) in &status.refused {
        let _ = writeln!(out, "not a job: {}: {}", escape::text(path), escape::text(why));
    }
    for what in &status.cannot {
        let _ = writeln!(out, "note: {}", escape::text(what));
    }
    out
}

/// What the guard may do with a job.
fn turn(job: &Told) -> &'static str {
    match (job.standing, job.order) {
        (Standing::Killable, order) => order.word(),
        (Standing::Observed, Order::Never) => Order::Never.word(),
        (Standing::Observed, _) => "observe",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::sample::JobId;

    pub(super) fn status() -> Status {
        let job = |cgroup: &str, id, frees: u64, standing| Told {
            cgroup: cgroup.to_owned(),
            id: JobId(id),
            class: None,
            container: None,
            frees: frees << 20,
            growth: 48 << 20,
            score: frees << 20,
            order: Order::Normal,
            standing,
            age_ms: 125_000,
        };
        Status {
            oomshim_guard_status: 1,
            pid: 77,
            mode: "kill".to_owned(),
            armed: true,
            memory_total: 954 << 20,
            memory_available: 300 << 20,
            swap_total: 0,
            swap_free: 0,
            floor: 48 << 20,
            fall: 42 << 20,
            floor_in_ms: Some(6000),
            full_share: Some(3),
            jobs: vec![
                job("/jobs/grower\u{1b}", 1, 400, Standing::Killable),
                job("/jobs/x", 2, 100, Standing::Observed),
            ],
            refused: vec![("/init".to_owned(), "PID 1 is in it".to_owned())],
            cannot: Vec::new(),
            kills: 0,
            longest_lag_ms: 0,
        }
    }

    #[test]
    fn it_says_who_is_next_and_how_far_away_that_is() {
        let told = describe(&status());
        for part in [
            "guard   kill (pid 77, looks every 100 ms), 0 kills\n",
            "floor   48M: 252M away, in 6 s at 42M/s\n",
            "next    /jobs/grower\\u{1b}, which would free 400M and grows 48M/s\n",
            "    400M       48M     400M   2 min normal   /jobs/grower\\u{1b}\n",
            "observe  /jobs/x\n",
            "not a job: /init: PID 1 is in it\n",
        ] {
            assert!(told.contains(part), "{part} is not in\n{told}");
        }
    }

    #[test]
    fn who_is_only_observed_is_said_to_be() {
        let mut status = status();
        status.jobs.remove(0);
        assert!(next(&status).ends_with("name its cgroup in `kill` of [guard] to have it killed"));
        status.jobs.clear();
        assert_eq!(next(&status), "nobody: there is no job");
    }
}
