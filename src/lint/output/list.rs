//! What each file was judged as, and why others were not judged.

use std::io::{self, Write};

use super::name;
use crate::lint::kind::Certainty;
use crate::lint::run::Results;

/// Writes a line for each file.
///
/// # Errors
/// Those of the writer.
pub fn write(results: &Results, out: &mut impl Write) -> io::Result<()> {
    for outcome in &results.outcomes {
        let doubt = match outcome.certainty {
            Certainty::Content => "",
            Certainty::Name => " by its name (never changed)",
        };
        writeln!(out, "{}: {}{doubt}", name(&outcome.name), outcome.kind)?;
    }
    for skipped in &results.skipped {
        writeln!(out, "{}: skipped: {}", name(&skipped.path), skipped.message)?;
    }
    Ok(())
}
