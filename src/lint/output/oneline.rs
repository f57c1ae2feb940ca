//! One line for each finding, as compilers write them: editors, grep(1) and reviewers' bots read it.

use std::io::{self, Write};

use super::name;
use crate::lint::run::Results;

/// Writes `FILE:LINE:COLUMN: SEVERITY: MESSAGE [RULE]` for each finding.
///
/// # Errors
/// Those of the writer.
pub fn write(results: &Results, out: &mut impl Write) -> io::Result<()> {
    for outcome in &results.outcomes {
        let name = name(&outcome.name);
        for finding in &outcome.findings {
            let (start, rule) = (finding.place.start, finding.rule.name);
            writeln!(
                out,
                "{name}:{}:{}: {}: {} [{rule}]",
                start.line, start.column, finding.severity, finding.message
            )?;
        }
    }
    Ok(())
}
