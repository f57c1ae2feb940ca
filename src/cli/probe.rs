//! `oomshim probe`: what this process knows about itself, for a container that consists of oomshim alone.

use anyhow::Context;

use super::Exit;
use crate::install::proof::Probe;

/// The command line of `oomshim probe`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Prints one line of JSON.
///
/// # Errors
/// Where `/proc` cannot be read.
pub fn run(_: &Args) -> anyhow::Result<Exit> {
    let probe = Probe::own().context("read /proc/self")?;
    super::print(&format!("{}\n", serde_json::to_string(&probe)?))?;
    Ok(Exit::Success)
}
