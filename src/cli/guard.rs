//! `oomshim guard`: the daemon, what it knows, and what it would have done with a recorded series.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::json;

use super::Exit;
use super::format::OutputFormat;
use crate::guard::daemon::{Daemon, Rehearsal, Setup};
use crate::guard::place::DIRECTORY;
use crate::guard::replay::{Act, Deed, End, replay};
use crate::guard::series::{LIMIT, Series};
use crate::guard::settings::Settings;
use crate::guard::status::{self, Status};
use crate::log;
use crate::policy::Policy;
use crate::policy::file;
use crate::registry;
use crate::text::escape;
use crate::text::size::size;

/// The command line of `oomshim guard`.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "It kills the jobs that oomshim started, and those that `kill` in [guard] of the policy names; all others \
                  it only observes. SIGHUP reads the policy again. Start it by its unit, oomshim-guard.service, which \
                  protects it."
)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Kill nobody: only record what would have been done
    #[arg(long)]
    dry_run: bool,
    /// The policy, instead of /etc/oomshim/policy.toml
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Append every sample to a file that `oomshim guard replay` reads
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show the jobs, who would be killed first, and how far away that is
    Status(StatusArgs),
    /// Tell what the guard would have done with a recorded series, and when
    Replay(ReplayArgs),
}

#[derive(Debug, clap::Args)]
struct StatusArgs {
    /// Look again every so many seconds
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "1")]
    watch: Option<f64>,
    /// How to print
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "The exit status is 1 where the guard would have killed or been helpless, 0 where it would have \
                        done nothing."
)]
struct ReplayArgs {
    /// What `oomshim guard --record` wrote, or a table
    file: PathBuf,
    /// The policy, instead of the built-in figures
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

/// Runs the guard, or asks about it.
///
/// # Errors
/// Where it cannot start, where none runs, or where a series cannot be read.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    match &args.command {
        Some(Command::Status(args)) => show(args),
        Some(Command::Replay(args)) => again(args),
        None => guard(args),
    }
}

/// The policy of that file, or the usual one.
fn policy(path: Option<&Path>) -> Result<Policy, String> {
    let named = path.map(|path| path.as_os_str().to_owned()).or_else(|| std::env::var_os(file::VARIABLE));
    file::load(named.as_deref()).map(|loaded| loaded.policy).map_err(|error| error.to_string())
}

fn guard(args: &Args) -> anyhow::Result<Exit> {
    let loaded = policy(args.policy.as_deref()).map_err(anyhow::Error::msg)?;
    log::start(&loaded.log);
    let open = |path: &PathBuf| {
        let mut options = OpenOptions::new();
        options.create(true).append(true).mode(0o600);
        options.open(path).with_context(|| format!("open {}", path.display()))
    };
    let recorder = args.record.as_ref().map(open).transpose()?;
    let setup = Setup {
        policy: loaded,
        reload: policy,
        policy_file: args.policy.clone(),
        rehearsal: if args.dry_run { Rehearsal::Dry } else { Rehearsal::Real },
        recorder,
        directory: DIRECTORY.into(),
        proc: "/proc".into(),
        registry: registry::ROOT.into(),
    };
    let mut daemon = Daemon::start(setup)?;
    for what in daemon.cannot() {
        eprint(&format!("oomshim guard: {}\n", escape::text(what)));
    }
    daemon.run()?;
    Ok(Exit::Success)
}

fn eprint(text: &str) {
    use std::io::Write as _;
    let _ = std::io::stderr().write_all(text.as_bytes());
}

fn show(args: &StatusArgs) -> anyhow::Result<Exit> {
    let pause = args.watch.map(Duration::try_from_secs_f64).transpose().context("read --watch")?;
    loop {
        let status = status::ask(Path::new(DIRECTORY))?;
        let text = match args.format {
            OutputFormat::Json => format!("{}\n", serde_json::to_string(&status)?),
            OutputFormat::Text => describe(&status),
        };
        let Some(pause) = pause else {
            super::print(&text)?;
            return Ok(Exit::Success);
        };
        let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stdout());
        let home = if args.format == OutputFormat::Text && is_terminal { "\x1b[H\x1b[2J" } else { "" };
        super::print(&format!("{home}{text}"))?;
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

fn again(args: &ReplayArgs) -> anyhow::Result<Exit> {
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
            out
        }
    };
    super::print(&text)?;
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
