//! `oomshim guard status`: the jobs, who would be killed first, and how far away that is.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;

use super::super::format::OutputFormat;
use super::super::{Exit, print};
use crate::guard::place::DIRECTORY;
use crate::guard::status::{self, Status};
use crate::text::escape;
use crate::text::size::size;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Look again every so many seconds
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "1")]
    watch: Option<f64>,
    /// How to print
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let pause = args.watch.map(Duration::try_from_secs_f64).transpose().context("read --watch")?;
    loop {
        let status = status::ask(Path::new(DIRECTORY))?;
        let text = match args.format {
            OutputFormat::Json => format!("{}\n", serde_json::to_string(&status)?),
            OutputFormat::Text => describe(&status),
        };
        let Some(pause) = pause else {
            print(&text)?;
            return Ok(Exit::Success);
        };
        let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stdout());
        let home = if args.format == OutputFormat::Text && is_terminal { "\x1b[H\x1b[2J" } else { "" };
        print(&format!("{home}{text}"))?;
        std::thread::sleep(pause);
    }
}

/// How wide the bar of memory is.
const WIDTH: u64 = 60;

fn describe(status: &Status) -> String {
    let mut out = String::new();
    let used = status.memory_total.saturating_sub(status.memory_available);
    let part = |bytes: u64| (bytes.saturating_mul(WIDTH)).checked_div(status.memory_total).unwrap_or(0).min(WIDTH);
    let (full, limit) = (part(used), part(status.memory_total.saturating_sub(status.floor)));
    let bar: String = (0..WIDTH)
        .map(|place| match place {
            _ if place == limit => '|',
            _ if place < full => '#',
            _ => '.',
        })
        .collect();
    let armed = if status.armed { ", looks every 100 ms" } else { "" };
    let _ = writeln!(out, "guard {} (pid {}{armed}), {} kills", status.mode, status.pid, status.kills);
    let _ =
        writeln!(out, "memory [{bar}] {} of {} available", size(status.memory_available), size(status.memory_total));
    let distance = match status.floor_in_ms {
        _ if status.memory_available < status.floor => "below the floor now".to_owned(),
        Some(ms) => format!("reached in {} s at {}/s", ms / 1000, size(status.fall)),
        None => "memory does not fall".to_owned(),
    };
    let _ = writeln!(out, "floor  {}: {distance}", size(status.floor));
    if status.swap_total > 0 {
        let _ = writeln!(out, "swap   {} of {} free", size(status.swap_free), size(status.swap_total));
    }
    if let Some(share) = status.full_share {
        let _ = writeln!(out, "stall  all tasks for {share} % of the last second");
    }
    if status.jobs.is_empty() {
        let _ = writeln!(out, "\nno jobs");
    } else {
        let _ = writeln!(out, "\n{:>8} {:>9} {:>8} {:>7} {:8} CGROUP", "MEMORY", "GROWTH/S", "BLAME", "AGE", "GUARD");
    }
    for job in &status.jobs {
        let may = match job.standing {
            crate::guard::sample::Standing::Killable => job.order.word(),
            crate::guard::sample::Standing::Observed => "observe",
        };
        let age = format!("{}s", job.age_ms / 1000);
        let (memory, growth, score) = (size(job.frees), size(job.growth), size(job.score));
        let _ = writeln!(out, "{memory:>8} {growth:>9} {score:>8} {age:>7} {may:8} {}", escape::text(&job.cgroup));
    }
    for (path, why) in &status.refused {
        let _ = writeln!(out, "not a job: {}: {}", escape::text(path), escape::text(why));
    }
    for what in &status.cannot {
        let _ = writeln!(out, "note: {}", escape::text(what));
    }
    out
}
