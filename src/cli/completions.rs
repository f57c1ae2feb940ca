//! `oomshim completions`: the scripts that complete command lines in a shell.

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Cli, Exit};

/// The command line of `oomshim completions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell
    shell: Shell,
}

/// Prints the script.
///
/// # Errors
/// Where standard output cannot be written.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "oomshim", &mut script);
    super::print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Success)
}
