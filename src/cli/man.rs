//! `oomshim man`: the man pages, generated from the command lines themselves.

use std::path::PathBuf;

use anyhow::Context;
use clap::CommandFactory;

use super::{Cli, Exit, hook};

/// The command line of `oomshim man`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder, which must exist
    folder: PathBuf,
}

/// Writes the pages of `oomshim`, its subcommands and `oomshim-hook`.
///
/// # Errors
/// Where a page cannot be written.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    for command in [Cli::command(), hook::Cli::command()] {
        clap_mangen::generate_to(command, &args.folder)
            .with_context(|| format!("write to {}", args.folder.display()))?;
    }
    Ok(Exit::Success)
}
