//! `oomshim report`: what was killed, and why.

use std::path::{Path, PathBuf};

use anyhow::bail;
use jiff::{SignedDuration, Timestamp, Zoned};

use super::format::{OutputFormat, columns};
use super::picture::PictureArgs;
use super::{Exit, colour};
use crate::guard::place;
use crate::registry;
use crate::report::collect::Collector;
use crate::report::decision::{self, Decision};
use crate::report::event::OomEvent;
use crate::report::source::{self, Kmsg, Next};
use crate::report::text::{self, Look};
use crate::report::{Context, Report, json, rest};

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
    #[command(flatten)]
    picture: PictureArgs,
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
    let alone = context
        .guard
        .into_iter()
        .filter(|it| args.wants_decision(it))
        .filter(|decision| !reports.iter().any(|report| report.decision.as_ref() == Some(decision)));
    let alone: Vec<Decision> = alone.collect();
    args.write_figure(&reports, &alone)?;
    let has_asked = args.container.is_some() || args.since.is_some();
    let text = match args.format {
        OutputFormat::Json => {
            merge(&reports, &alone, |reports| reports.iter().map(json::write).collect(), Decision::json)
                + &json::write_rest(&other)
        }
        OutputFormat::Text => {
            let look = args.look();
            let mut shown = merge(
                &reports,
                &alone,
                |reports| text::write_all(reports, look),
                |decision| text::write_decision(decision, look),
            );
            let has_told = !reports.is_empty() || !alone.is_empty();
            shown.push_str(&rest::write(&other, has_told));
            if !has_told && (other.is_empty() || has_asked) {
                let asked = if has_asked { " that you asked for" } else { "" };
                shown.push_str(&format!(
                    "The log has no record of a process{asked} that was killed when memory ran out.\n"
                ));
            }
            shown
        }
    };
    match args.format {
        OutputFormat::Json => super::print(&text)?,
        OutputFormat::Text => colour::print(&text, colour::report)?,
    }
    Ok(Exit::Success)
}

/// Both in the order of their time.
fn merge(
    mut reports: &[Report],
    alone: &[Decision],
    events: impl Fn(&[Report]) -> String,
    decision: impl Fn(&Decision) -> String,
) -> String {
    let mut shown = String::new();
    for next in alone {
        let is_before = |report: &Report| report.event.time.since_boot.is_none_or(|at| at <= next.since_boot);
        let (before, behind) = reports.split_at(reports.iter().take_while(|it| is_before(it)).count());
        shown.push_str(&events(before));
        shown.push_str(&decision(next));
        reports = behind;
    }
    shown + &events(reports)
}

/// This machine, now: its containers, and what the guard did.
fn context() -> Context {
    let guard = decision::all(Path::new(place::DIRECTORY));
    Context { guard, ..Context::of_machine(Path::new(registry::ROOT)) }
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
                match self.format {
                    OutputFormat::Json => super::print(&json::write(&report))?,
                    OutputFormat::Text => colour::print(&text::write(&report, self.look()), colour::report)?,
                }
            }
        }
        Ok(())
    }

    fn look(&self) -> Look {
        Look { width: columns(), picture: self.picture.look() }
    }

    /// The figure of the newest decision that was asked for.
    fn write_figure(&self, reports: &[Report], alone: &[Decision]) -> anyhow::Result<()> {
        if self.picture.svg.is_none() {
            return Ok(());
        }
        let decisions = reports.iter().filter_map(|report| report.decision.as_ref()).chain(alone);
        let newest = decisions.filter(|it| it.picture.is_some()).max_by_key(|it| it.since_boot);
        let Some(picture) = newest.and_then(|it| it.picture.as_ref()) else {
            bail!(
                "no figure: there is no record of a decision of oomshim guard{}; `oomshim guard status` tells whether it \
                 runs, `oomshim guard replay --svg` draws recorded series",
                if self.container.is_some() || self.since.is_some() { " that you asked for" } else { "" }
            );
        };
        self.picture.write(picture)
    }

    fn is_recent(&self, when: Option<Timestamp>) -> bool {
        let second = SignedDuration::from_secs(1);
        self.since.is_none_or(|since| when.is_none_or(|when| when + second > since))
    }

    fn wants_decision(&self, decision: &Decision) -> bool {
        self.is_recent(decision.when) && self.container.as_deref().is_none_or(|id| decision.is_about(id))
    }

    /// Whether the report was asked for. One whose time cannot be told is.
    fn wants(&self, report: &Report) -> bool {
        self.is_recent(report.when) && self.container.as_deref().is_none_or(|id| report.is_about(id))
    }
}
