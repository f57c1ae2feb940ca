//! `oomshim lint`: what will go wrong under memory pressure, before it does.

mod args;

use std::io::{BufWriter, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};

use super::{Exit, colour};
use crate::lint::baseline::Baseline;
use crate::lint::config::{self, Config};
use crate::lint::finding::{Confidence, Fixes, Safety, Severity};
use crate::lint::input::{self, Exclude, Gitignore, Search};
use crate::lint::output::{diff, github, gitlab, human, json, junit, list, oneline, sarif};
use crate::lint::run::{self, Nothing, Repair, Results, Settings};
use crate::lint::select::Selection;
use crate::lint::target_host::TargetHost;
use crate::lint::{LIMIT, Options, explain};
use crate::system::host::Roots;
use crate::text::escape;
pub use args::Args;
use args::Format;

/// Runs it.
///
/// # Errors
/// When the command line makes no sense or standard output cannot be written.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    if let Some(name) = &args.explain {
        return explain_rule(name);
    }
    if args.list_rules {
        super::print(&explain::list())?;
        return Ok(Exit::Success);
    }
    let config = config(args)?;
    let settings = settings(args, &config)?;
    let mut results = judge(args, &config, &settings)?;
    if let Some(path) = &args.write_baseline {
        return write_baseline(path, &results);
    }
    let baseline = config.baseline.as_ref().map(|path| config.directory.join(path));
    if let Some(path) = args.baseline.as_ref().or(baseline.as_ref()) {
        Baseline::read(path)?.subtract(&mut results);
    }
    for trouble in &results.problems {
        say(&trouble.path, &trouble.message);
    }
    for note in &results.notes {
        say(&note.path, &note.message);
    }
    let fail_on = setting("fail-on", args.fail_on, config.fail_on.as_deref(), Severity::ALL)?;
    let exit = exit(&results, fail_on.unwrap_or(Severity::Warning));
    if args.list {
        let mut out = BufWriter::new(std::io::stdout().lock());
        list::write(&results, &mut out)?;
        out.flush()?;
        return Ok(if exit == Exit::Findings { Exit::Success } else { exit });
    }
    write(args, &settings, &results, exit)?;
    Ok(exit)
}

fn explain_rule(name: &str) -> anyhow::Result<Exit> {
    let Some(meta) = explain::rule(name) else {
        Selection::new(&[name.to_owned()], &[])?;
        bail!("{name} is a group of rules; --list-rules shows what is in it");
    };
    super::print(&explain::text(meta))?;
    Ok(Exit::Success)
}

fn config(args: &Args) -> anyhow::Result<Config> {
    if args.no_config {
        return Ok(Config::default());
    }
    Ok(match &args.config {
        Some(path) => Config::read(path)?,
        None => Config::nearest(&std::env::current_dir().unwrap_or_default())?,
    })
}

/// What the command line says, else what the project's settings say.
fn setting<T: Copy>(
    key: &str,
    said: Option<T>,
    configured: Option<&str>,
    all: &[(T, &'static str)],
) -> anyhow::Result<Option<T>> {
    let (None, Some(word)) = (said, configured) else { return Ok(said) };
    let found = all.iter().find(|(_, known)| *known == word).map(|(value, _)| *value);
    let words = all.iter().map(|(_, word)| *word).collect::<Vec<_>>().join(", ");
    found.map(Some).with_context(|| format!("{}: {key} is one of {words}", config::NAME))
}

fn write_baseline(path: &Path, results: &Results) -> anyhow::Result<Exit> {
    for trouble in &results.problems {
        say(&trouble.path, &trouble.message);
    }
    let baseline = Baseline::of(results);
    baseline.write(path)?;
    super::print(&format!(
        "{} findings are in the baseline {}\n",
        baseline.len(),
        escape::text(&path.to_string_lossy())
    ))?;
    Ok(if results.problems.is_empty() { Exit::Success } else { Exit::Failure })
}

fn settings(args: &Args, config: &Config) -> anyhow::Result<Settings> {
    if args.diff && args.format != Format::Human {
        bail!("--diff writes a diff and nothing else, so it has no other --format");
    }
    let safety = if args.unsafe_fixes { Safety::Unsafe } else { Safety::Safe };
    let repair = match (args.diff, args.fix || args.unsafe_fixes) {
        (true, _) => Repair::Show(safety),
        (false, true) => Repair::Write(safety),
        (false, false) => Repair::Report,
    };
    let select = if args.select.is_empty() { &config.select } else { &args.select };
    let ignore = [config.ignore.as_slice(), &args.ignore].concat();
    let selection = Selection::new(select, &ignore)?;
    let min_confidence =
        setting("min-confidence", args.min_confidence, config.min_confidence.as_deref(), Confidence::ALL)?;
    let options = Options {
        selection,
        machine: args.host.then(|| TargetHost::read(&Roots::default(), PathBuf::from("/"))),
        fixes: if matches!(args.format, Format::Json | Format::Sarif) { Fixes::Changes } else { Fixes::Titles },
        min_confidence,
        on_disk: true,
    };
    Ok(Settings { options, kind: args.kind, repair })
}

fn search(args: &Args, config: &Config) -> anyhow::Result<Search> {
    let here = std::env::current_dir().unwrap_or_default();
    let directory = if config.directory.as_os_str().is_empty() { &here } else { &config.directory };
    let globs = [config.exclude.as_slice(), &args.exclude].concat();
    let gitignore = if args.no_gitignore { Gitignore::Disregarded } else { Gitignore::Respected };
    Ok(Search { gitignore, exclude: Exclude::new(directory, &globs)? })
}

fn judge(args: &Args, config: &Config, settings: &Settings) -> anyhow::Result<Results> {
    let (stdin, files): (Vec<_>, Vec<_>) = args.paths.iter().cloned().partition(|path| path == Path::new("-"));
    let inputs = input::collect(&files, &search(args, config)?);
    let total = inputs.candidates.len();
    let mut bar = None;
    let mut results = run::run(inputs, settings, &mut |passed, done| show(&mut bar, passed, done, total));
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    if !stdin.is_empty() {
        if matches!(settings.repair, Repair::Write(_)) {
            bail!("standard input cannot be fixed in place; --diff shows what would be changed");
        }
        let mut bytes = Vec::new();
        std::io::stdin().take(LIMIT as u64 + 1).read_to_end(&mut bytes).context("cannot read standard input")?;
        let mut settings = settings.clone();
        settings.options.on_disk = false;
        results.append(run::text(args.stdin_filename.as_deref().unwrap_or(Path::new("<stdin>")), &bytes, &settings));
    }
    results.finish(if args.allow_none { Nothing::Fine } else { Nothing::Problem });
    Ok(results)
}

/// A progress bar for those who wait: on a terminal, and not within the first second.
fn show(bar: &mut Option<ProgressBar>, passed: Duration, done: usize, total: usize) {
    if passed < Duration::from_secs(1) || !std::io::stderr().is_terminal() {
        return;
    }
    let bar = bar.get_or_insert_with(|| {
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} files, {eta} left");
        ProgressBar::new(total as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    });
    bar.set_position(done as u64);
}

fn exit(results: &Results, fail_on: Severity) -> Exit {
    let findings = results.outcomes.iter().flat_map(|outcome| &outcome.findings);
    let counts = findings.filter(|finding| finding.severity >= fail_on).count();
    match (results.problems.is_empty(), counts) {
        (false, _) => Exit::Failure,
        (true, 0) => Exit::Success,
        (true, _) => Exit::Findings,
    }
}

fn write(args: &Args, settings: &Settings, results: &Results, exit: Exit) -> anyhow::Result<()> {
    let stdout = std::io::stdout();
    let terminal = stdout.is_terminal();
    let colour = colour::choice();
    let mut out = BufWriter::new(stdout.lock());
    if let Repair::Show(_) = settings.repair {
        for change in &results.changes {
            diff::write(change, terminal, &mut out)?;
        }
        return Ok(out.flush()?);
    }
    let unjudged = if args.host { human::Unjudged::Told } else { human::Unjudged::Silent };
    match args.format {
        Format::Human => {
            for change in &results.changes {
                let name = escape::bytes(change.path.as_os_str().as_encoded_bytes());
                for (rule, title) in &change.made {
                    writeln!(out, "{name}: fixed {rule}: {title}")?;
                }
            }
            human::write(results, human::Look { colour, unjudged }, &mut out)?;
        }
        Format::Json => json::write(results, &mut out)?,
        Format::Sarif => sarif::write(results, exit.status(), &mut out)?,
        Format::Github => github::write(results, &mut out)?,
        Format::Gitlab => gitlab::write(results, &mut out)?,
        Format::Junit => junit::write(results, &mut out)?,
        Format::Oneline => oneline::write(results, &mut out)?,
    }
    Ok(out.flush()?)
}

/// One line about a file, for people.
fn say(path: &Path, message: &str) {
    let name = escape::bytes(path.as_os_str().as_encoded_bytes());
    let _ = writeln!(std::io::stderr(), "oomshim: {name}: {}", escape::text(message));
}
