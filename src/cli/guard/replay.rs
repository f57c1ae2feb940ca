//! `oomshim guard replay`: what the guard would have done with a recorded series, and when.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::json;

use super::super::format::OutputFormat;
use super::super::picture::PictureArgs;
use super::super::{Exit, print};
use super::policy;
use crate::guard::figure;
use crate::guard::replay::{Act, Deed, End, replay};
use crate::guard::series::{LIMIT, Series};
use crate::guard::settings::Settings;
use crate::text::escape;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "The exit status is 1 where the guard would have killed or been helpless, 0 where it would have \
                        done nothing."
)]
pub(super) struct Args {
    /// What `oomshim guard --record` wrote, or a table
    file: PathBuf,
    /// The policy, instead of the built-in figures
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
    #[command(flatten)]
    picture: PictureArgs,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let shown = args.file.display();
    let file = OpenOptions::new().read(true).open(&args.file).with_context(|| format!("open {shown}"))?;
    let mut text = String::new();
    file.take(LIMIT + 1).read_to_string(&mut text).with_context(|| format!("read {shown}"))?;
    if text.len() as u64 > LIMIT {
        bail!("{shown} is larger than {} MiB", LIMIT >> 20);
    }
    let series = Series::parse(&text).with_context(|| format!("{shown}"))?;
    let total = series.samples.first().map_or(0, |sample| sample.host.memory_total);
    let settings = match &args.policy {
        Some(path) => Settings::of_policy(&policy(Some(path)).map_err(anyhow::Error::msg)?.guard, total),
        None => Settings::of_host(total),
    };
    let (acts, end) = replay(&series, settings);
    let picture = figure::of_series(&series, &acts, settings.floor);
    if let Some(picture) = &picture {
        args.picture.write(picture)?;
    }
    let name = |id| series.name(id);
    let text = match args.format {
        OutputFormat::Json => format!("{}\n", json(&series, &acts, end)),
        OutputFormat::Text => {
            let mut out = String::new();
            for act in &acts {
                let lead =
                    lead(&series, act).map(|lead| format!("; {lead:.2} s before the kernel")).unwrap_or_default();
                let _ = writeln!(out, "{}{lead}", escape::text(&act.describe(&name)));
            }
            if acts.is_empty() {
                let (first, last) = (series.samples.first(), series.samples.last());
                let span = last.zip(first).map_or(Duration::ZERO, |(last, first)| last.at.saturating_sub(first.at));
                let _ = writeln!(out, "nothing in {:.2} s", span.as_secs_f64());
            }
            if let End::VictimLivesOn(id) = end {
                let job = escape::text(&name(id)).into_owned();
                let _ = writeln!(
                    out,
                    "{job} lives on in the recording: what follows is no longer what would have happened"
                );
            }
            if let Some(picture) = &picture {
                out.push_str(&args.picture.draw(picture));
            }
            out
        }
    };
    print(&text)?;
    Ok(if acts.is_empty() { Exit::Success } else { Exit::Findings })
}

/// How long before the kernel's kill that was, in seconds.
fn lead(series: &Series, act: &Act) -> Option<f64> {
    series.kernel_kill.map(|kill| kill.as_secs_f64() - act.verdict.at.as_secs_f64())
}

fn json(series: &Series, acts: &[Act], end: End) -> serde_json::Value {
    let act = |act: &Act| {
        let deed = match act.deed {
            Deed::Kill => "kill",
            Deed::Observe => "observe",
            Deed::Helpless(why) => why.word(),
        };
        json!({
            "at_us": u64::try_from(act.verdict.at.as_micros()).unwrap_or(u64::MAX),
            "deed": deed,
            "cause": act.verdict.cause.word(),
            "victim": act.verdict.victim.map(|it| series.name(it.id)),
            "frees": act.verdict.victim.map(|it| it.frees),
            "growth": act.verdict.victim.map(|it| it.growth),
            "memory_available": act.verdict.host.memory_available,
            "floor": act.verdict.outlook.floor,
            "full_share": act.verdict.outlook.full_share,
            "message": act.describe(&|id| series.name(id)),
        })
    };
    json!({
        "acts": acts.iter().map(act).collect::<Vec<_>>(),
        "kernel_kill_us": series.kernel_kill.map(|at| u64::try_from(at.as_micros()).unwrap_or(u64::MAX)),
        "complete": end == End::Series,
    })
}
