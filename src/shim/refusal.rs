//! A refusal: what the engine's user and the administrator's log are told when nothing is started.

use std::ffi::OsStr;

use tracing::error;

use super::{ShimError, Start};
use crate::effective::shown;
use crate::log::message;
use crate::runtime::argv::{self, CommandLine, Global};
use crate::runtime::failure;
use crate::runtime::flavor::Subcommand;
use crate::system::os_error::OsError;

/// Why nothing is started, and who wants to know.
#[derive(Debug)]
pub struct Refusal<'a> {
    /// What is wrong and what to do.
    pub message: String,
    /// The subcommand, where it is known.
    pub subcommand: Option<Subcommand>,
    /// The options that say where the engine looks for errors.
    pub global: Global<'a>,
}

impl Refusal<'_> {
    /// Tells the engine's user, and gives the exit status. `stderr` is where that descriptor was open from the start.
    #[must_use]
    pub fn report(&self, stderr: failure::StandardError) -> u8 {
        failure::report(&self.message, &self.global, stderr);
        failure::exit_status(self.subcommand)
    }
}

pub(super) fn refusal<'a>(line: &CommandLine<'a>, error: &ShimError) -> Refusal<'a> {
    with_message(line, error.to_string())
}

/// What to say when the runtime was found and could not be started.
#[must_use]
pub fn could_not_start<'a>(args: &[&'a OsStr], start: &Start, reason: OsError) -> Refusal<'a> {
    let line = argv::parse(start.flavor, args.get(1..).unwrap_or_default());
    let runtime = start.runtime.display();
    with_message(
        &line,
        format!("cannot start the runtime {runtime}: {reason}; set `path` under [runtime] in the policy"),
    )
}

fn with_message<'a>(line: &CommandLine<'a>, message: String) -> Refusal<'a> {
    let (subcommand, id, global) = match line {
        CommandLine::Container(it) => (Some(it.subcommand), Some(it.id), it.global),
        CommandLine::Unrecognized { subcommand, global, .. } => (*subcommand, None, *global),
        CommandLine::Other => (None, None, Global::default()),
    };
    error!(message_id = message::REFUSED.id, id = id.map(shown), "refused: {message}");
    Refusal { message, subcommand, global }
}
