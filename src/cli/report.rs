//! `oomshim report`: what was killed, and why.

use std::path::{Path, PathBuf};

use anyhow::bail;
use jiff::{SignedDuration, Timestamp, Zoned};

use super::Exit;
use super::format::{OutputFormat, columns};
use crate::guard::place;
use crate::guard::record::{self, Deed};
use crate::registry;
use crate::report::collect::Collector;
use crate::report::event::OomEvent;
use crate::report::source::{self, Kmsg, Next};
use crate::report::{Context, GuardKill, Report, json, rest, text};

/// The command line of `oomshim report`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Only the kernel's own lines count: an exit status of 137 is no evidence of running out of memory."
)]
pub struct Args {
    /// A saved log instead of the running kernel's: dmesg, journalctl or syslog in any form, gzip too; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "follow")]
    from: Option<PathBuf>,
    /// Only what hit this container
    #[arg(long, value_name = "ID")]
    container: Option<String>,
    /// Only what happened since then: a time such as 2026-11-22T07:00:00Z, or how long ago, such as 2h
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Timestamp>,
    /// Then wait for more
    #[arg(short, long)]
    follow: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

fn since(text: &str) -> anyhow::Result<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    // Without a zone it is this machine's time.
    if let Ok(local) = text.parse::<jiff::civil::DateTime>() {
        return Ok(local.to_zoned(jiff::tz::TimeZone::system())?.timestamp());
    }
    if let Ok(ago) = text.parse::<SignedDuration>() {
        return Ok(Timestamp::now().checked_sub(ago.abs())?);
    }
    if let Ok(ago) = text.parse::<jiff::Span>() {
        return Ok(Zoned::now().checked_sub(ago.abs())?.timestamp());
    }
    bail!("neither a time such as 2026-11-22T07:00:00Z nor a duration such as 2h or 30min")
}

const KMSG: &str = "/dev/kmsg";

/// How long the kernel may pause between the lines of one shortage.
const PAUSE: i64 = 500;

/// Prints the events.
///
/// # Errors
/// Where the log cannot be read.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    if args.follow {
        return follow(args);
    }
    let mut context = context();
    let mut collector;
    let mut events = Vec::new();
    match &args.from {
        None => {
            collector = Collector::following();
            source::running(Path::new(KMSG), |entry| collector.entry(entry, &mut events))?;
        }
        Some(path) => {
            // A saved log may be of another boot, or of another machine.
            context.boot = None;
            context.guard.clear();
            collector = Collector::default();
            source::saved(path, |entry| collector.entry(entry, &mut events))?;
        }
    }
    let other = collector.finish(&mut events);
    let reports: Vec<Report> =
        events.into_iter().map(|event| context.report(event)).filter(|it| args.wants(it)).collect();
    let has_asked = args.container.is_some() || args.since.is_some();
    let text = match args.format {
        OutputFormat::Json => reports.iter().map(json::write).collect::<String>() + &json::write_rest(&other),
        OutputFormat::Text => {
            let mut shown = text::write_all(&reports, columns());
            shown.push_str(&rest::write(&other, !reports.is_empty()));
            if reports.is_empty() && (other.is_empty() || has_asked) {
                let asked = if has_asked { " that you asked for" } else { "" };
                shown.push_str(&format!(
                    "The log has no record of a process{asked} that was killed when memory ran out.\n"
                ));
            }
            shown
        }
    };
    super::print(&text)?;
    Ok(Exit::Success)
}

/// This machine, now: its containers, and what the guard ended.
fn context() -> Context {
    let records = record::all(Path::new(place::DIRECTORY)).into_iter().filter(|it| it.deed == Deed::Killed);
    let kills = records.filter_map(|it| {
        Some(GuardKill { since_boot: it.monotonic_us, cgroup: it.victim?.cgroup.into(), message: it.message })
    });
    Context { guard: kills.collect(), ..Context::of_machine(Path::new(registry::ROOT)) }
}

fn follow(args: &Args) -> anyhow::Result<Exit> {
    let mut kmsg = Kmsg::open(Path::new(KMSG))?;
    let mut collector = Collector::following();
    let mut events: Vec<OomEvent> = Vec::new();
    loop {
        match kmsg.read()? {
            Next::Entry(entry) => collector.entry(entry, &mut events),
            Next::Lost => {}
            Next::Nothing if kmsg.wait(PAUSE)? => {}
            Next::Nothing => {
                collector.pause(&mut events);
                args.tell(&mut events)?;
                kmsg.wait(i64::from(i32::MAX))?;
            }
        }
        args.tell(&mut events)?;
    }
}

impl Args {
    /// Prints events as they come.
    fn tell(&self, events: &mut Vec<OomEvent>) -> anyhow::Result<()> {
        for event in events.drain(..) {
            // Containers come and go, so each event is seen against those of its moment.
            let report = context().report(event);
            if self.wants(&report) {
                super::print(&match self.format {
                    OutputFormat::Json => json::write(&report),
                    OutputFormat::Text => text::write(&report, columns()),
                })?;
            }
        }
        Ok(())
    }

    /// Whether the report was asked for. One whose time cannot be told is.
    fn wants(&self, report: &Report) -> bool {
        let second = SignedDuration::from_secs(1);
        let recent = self.since.is_none_or(|since| report.when.is_none_or(|when| when + second > since));
        recent && self.container.as_deref().is_none_or(|id| report.is_about(id))
    }
}
