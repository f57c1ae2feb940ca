//! `oomshim report`: what was killed, and why.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::bail;

use super::Exit;
use super::format::OutputFormat;
use crate::registry;
use crate::report::event::{EventAssembler, all};
use crate::report::source::{self, Kmsg, Next};
use crate::report::{Context, Report, json, text};

/// The command line of `oomshim report`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Only the kernel's own records count: an exit status of 137 is no evidence of running out of memory."
)]
pub struct Args {
    /// A saved log instead of the running kernel's: dmesg's output, the journal's, or /dev/kmsg's; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "follow")]
    from: Option<PathBuf>,
    /// Only what hit this container
    #[arg(long, value_name = "ID")]
    container: Option<String>,
    /// Only what happened since then: a time such as 2026-11-22T07:00:00Z, or how long ago, such as 2h
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<SystemTime>,
    /// Then wait for more
    #[arg(short, long)]
    follow: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

fn since(text: &str) -> anyhow::Result<SystemTime> {
    if let Ok(time) = humantime::parse_rfc3339_weak(text) {
        return Ok(time);
    }
    match humantime::parse_duration(text).ok().and_then(|ago| SystemTime::now().checked_sub(ago)) {
        Some(time) => Ok(time),
        None => bail!("neither a time such as 2026-11-22T07:00:00Z nor a duration such as 2h or 30min"),
    }
}

const KMSG: &str = "/dev/kmsg";

/// How long the kernel may pause between the records of one shortage.
const PAUSE: i64 = 500;

/// Prints the events.
///
/// # Errors
/// Where the log cannot be read.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    if args.follow {
        return follow(args);
    }
    let mut context = Context::of_machine(Path::new(registry::ROOT));
    let records = match &args.from {
        None => source::running(Path::new(KMSG))?,
        Some(path) => {
            // A saved log may be of another boot, or of another machine.
            context.boot = None;
            source::saved(path)?
        }
    };
    let events = all(&records);
    let reports: Vec<Report> =
        events.into_iter().map(|event| context.report(event)).filter(|it| args.wants(it)).collect();
    for report in &reports {
        args.print(report)?;
    }
    if reports.is_empty() && args.format == OutputFormat::Text {
        let asked = if args.container.is_some() || args.since.is_some() { " that you asked for" } else { "" };
        super::print(&format!("The log has no record of a process{asked} that was killed for want of memory.\n"))?;
    }
    Ok(Exit::Success)
}

fn follow(args: &Args) -> anyhow::Result<Exit> {
    let mut kmsg = Kmsg::open(Path::new(KMSG))?;
    let mut joiner = EventAssembler::default();
    let tell = |event| {
        // Containers come and go, so each event is seen against those of its moment.
        let report = Context::of_machine(Path::new(registry::ROOT)).report(event);
        if args.wants(&report) { args.print(&report) } else { Ok(()) }
    };
    loop {
        match kmsg.read()? {
            Next::Record(record) => joiner.record(&record).map_or(Ok(()), tell)?,
            Next::Lost => {}
            Next::Nothing if kmsg.wait(PAUSE)? => {}
            Next::Nothing => {
                joiner.pause().map_or(Ok(()), tell)?;
                kmsg.wait(i64::from(i32::MAX))?;
            }
        }
    }
}

impl Args {
    /// Whether the report was asked for. One whose time cannot be told is.
    fn wants(&self, report: &Report) -> bool {
        let recent =
            self.since.is_none_or(|since| report.when.is_none_or(|when| when + Duration::from_secs(1) > since));
        recent && self.container.as_deref().is_none_or(|id| report.is_about(id))
    }

    fn print(&self, report: &Report) -> anyhow::Result<()> {
        super::print(&match self.format {
            OutputFormat::Json => json::write(report),
            OutputFormat::Text => text::write(report),
        })
    }
}
