//! The command lines of `oomshim` and `oomshim-hook`, one module a subcommand. What they say to people is said here; what
//! they do is done elsewhere.

mod colour;
pub mod completions;
pub mod doctor;
pub mod format;
pub mod guard;
pub mod hook;
pub mod image;
pub mod install;
pub mod lint;
pub mod man;
mod picture;
pub mod policy;
pub mod probe;
pub mod protect;
pub mod rank;
pub mod report;
pub mod run;

use std::ffi::OsStr;
use std::io::Write;

use anstream::ColorChoice;
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

/// When a build host runs out of memory, the build step is killed, as a group and at once, and every daemon lives to report it.
#[derive(Debug, Parser)]
#[command(name = "oomshim", version, max_term_width = 100)]
pub struct Cli {
    /// When to use colours; `NO_COLOR` in the environment does what `never` does
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    pub color: Color,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal that shows them
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Protect a daemon: give this process a score and become the daemon, or change a running one's oom_score_adj
    Protect(protect::Args),
    /// Tell what will go wrong under memory pressure, in specs, policies, hooks and engine configurations
    Lint(lint::Args),
    /// Check, show and explain the policy
    Policy(policy::Args),
    /// Show whom the kernel would kill next, and with whom
    Rank(rank::Args),
    /// Run a job in its own cgroup, with its own /tmp, and tell when memory killed it
    Run(run::Args),
    /// Tell what was killed when memory ran out, and why
    Report(report::Args),
    /// Tell whether this machine is safe when memory runs out, and what to do about what is not
    Doctor(doctor::Args),
    /// Watch the jobs of this host, and kill the one that uses up the memory before the machine thrashes
    Guard(guard::Args),
    /// Set an engine up, so that oomshim starts its containers and build steps
    Install(install::InstallArgs),
    /// Take that back, byte for byte
    Uninstall(install::UninstallArgs),
    /// Make the image of a builder that has oomshim in it, without a registry and without a daemon
    Image(image::Args),
    /// Print this process's own oom_score_adj and memory.oom.group as JSON, for the container that `install` runs
    #[command(hide = true)]
    Probe(probe::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
    /// Write the man pages to a directory
    #[command(hide = true)]
    Man(man::Args),
}

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything is as it should be.
    Success,
    /// What was looked at is not as it should be.
    Findings,
    /// The command could not do its work, or was called wrongly.
    Failure,
    /// Another program ran, with that exit status.
    Command(u8),
}

impl Exit {
    /// The exit status: 0, 1, 2 or another program's.
    #[must_use]
    pub fn status(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::Findings => 1,
            Exit::Failure => 2,
            Exit::Command(status) => status,
        }
    }
}

/// Whether the subcommand of a command line that clap refused is `run`: the first word that is a subcommand's name.
fn names_run(args: &[&OsStr]) -> bool {
    let command = Cli::command();
    let named = args.iter().skip(1).find(|arg| command.find_subcommand(arg).is_some());
    named.is_some_and(|name| *name == "run")
}

/// Runs the command line and gives the exit status. Errors are printed here, once.
#[must_use]
pub fn main(args: &[&OsStr]) -> u8 {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = tell(&error);
            // Beside a command's own 2 it could not be told.
            let failure = if names_run(args) { run::FAILURE } else { Exit::Failure.status() };
            return if error.use_stderr() { failure } else { Exit::Success.status() };
        }
    };
    match cli.color {
        Color::Auto => ColorChoice::Auto,
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    }
    .write_global();
    let done = match &cli.command {
        Command::Protect(args) => protect::run(args),
        Command::Lint(args) => lint::run(args),
        Command::Policy(args) => policy::run(args),
        Command::Rank(args) => rank::run(args),
        Command::Report(args) => report::run(args),
        Command::Run(args) => run::run(args),
        Command::Doctor(args) => doctor::run(args),
        Command::Guard(args) => guard::run(args),
        Command::Install(args) => install::install(args),
        Command::Uninstall(args) => install::uninstall(args),
        Command::Image(args) => image::run(args),
        Command::Probe(args) => probe::run(args),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args),
    };
    match done {
        Ok(exit) => exit.status(),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "oomshim: {}", crate::text::escape::text(&format!("{error:#}")));
            match &cli.command {
                Command::Protect(args) => protect::status_of(args, &error),
                Command::Run(_) => run::status_of(&error),
                _ => Exit::Failure.status(),
            }
        }
    }
}

/// Prints what clap says: help as it is, an error without what a terminal would obey, for it quotes the arguments.
fn tell(error: &clap::Error) -> std::io::Result<()> {
    if !error.use_stderr() {
        return error.print();
    }
    let text = error.to_string();
    let lines = text.lines().map(|line| format!("{}\n", crate::text::escape::text(line)));
    std::io::stderr().write_all(lines.collect::<String>().as_bytes())
}

/// Prints to standard output; a reader that went away ends the program as it does any other in a pipe.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(std::io::stdout().flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
        hook::Cli::command().debug_assert();
    }
}
