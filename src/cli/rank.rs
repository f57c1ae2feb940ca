//! `oomshim rank`: who dies next.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};

use super::format::{OutputFormat, columns};
use super::{Exit, colour};
use crate::rank::text::Commands;
use crate::rank::{self, Question, json, text};
use crate::registry;
use crate::system::host::Roots;
use crate::system::oom_score_adj::OomScoreAdj;

/// The command line of `oomshim rank`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The exit status is 1 where nothing may be killed, so that running out means a panic or a hang."
)]
pub struct Args {
    /// The cgroup that runs out, instead of the machine
    #[arg(long, value_name = "PATH")]
    cgroup: Option<PathBuf>,
    /// How many processes to show; 0 shows all
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    top: usize,
    /// Rank as if the process had that score; may be given more than once
    #[arg(long, value_name = "PID=ADJ")]
    what_if: Vec<String>,
    /// Rank as if all containers of that class had that score; may be given more than once
    #[arg(long, value_name = "CLASS=ADJ")]
    what_if_class: Vec<String>,
    /// Look again every so many seconds
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2")]
    watch: Option<f64>,
    /// Show whole command lines, which may hold secrets
    #[arg(long)]
    wide: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

/// Prints the ranking.
///
/// # Errors
/// Where there is no ranking, as for a cgroup that is not there.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let question = Question {
        cgroup: args.cgroup.clone(),
        count: if args.top == 0 { usize::MAX } else { args.top },
        what_if: args.what_if.iter().map(|pair| supposition(pair)).collect::<Result<_, _>>()?,
        what_if_class: args.what_if_class.iter().map(|pair| supposition(pair)).collect::<Result<_, _>>()?,
    };
    let pause = args.watch.map(Duration::try_from_secs_f64).transpose().context("read --watch")?;
    let print = |text: &str| match args.format {
        OutputFormat::Json => super::print(text),
        OutputFormat::Text => colour::print(text, colour::rank),
    };
    let commands = if args.wide { Commands::Whole } else { Commands::Cut };
    loop {
        let ranking = rank::rank(&Roots::default(), Path::new(registry::ROOT), &question)?;
        let text = match args.format {
            OutputFormat::Json => json::write(&ranking, commands),
            OutputFormat::Text => text::write(&ranking, columns(), commands),
        };
        let Some(pause) = pause else {
            print(&text)?;
            return Ok(if ranking.is_fatal() { Exit::Findings } else { Exit::Success });
        };
        // Home, then erase what is left of the last picture: erasing first would flicker.
        let home = if args.format == OutputFormat::Text && columns().is_some() { "\x1b[H\x1b[2J" } else { "" };
        print(&format!("{home}{text}"))?;
        std::thread::sleep(pause);
    }
}

/// `NAME=ADJ`
fn supposition<T>(pair: &str) -> anyhow::Result<(T, OomScoreAdj)>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let Some((name, score)) = pair.rsplit_once('=') else {
        bail!("{pair:?} is not of the form NAME=SCORE, as in 4711=500")
    };
    Ok((name.parse().with_context(|| format!("read {pair:?}"))?, score.parse()?))
}
