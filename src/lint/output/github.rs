//! Workflow commands of GitHub Actions, which become annotations in a pull request.

use std::io::{self, Write};

use crate::lint::finding::{Finding, Severity};
use crate::lint::run::Results;
use crate::text::escape;

/// Writes one command for each finding.
///
/// # Errors
/// Those of the writer.
pub fn write(results: &Results, out: &mut impl Write) -> io::Result<()> {
    for outcome in &results.outcomes {
        for finding in &outcome.findings {
            one(&outcome.name.to_string_lossy(), finding, out)?;
        }
    }
    for problem in &results.problems {
        writeln!(
            out,
            "::error file={},title=oomshim::{}",
            property(&problem.path.to_string_lossy()),
            data(&problem.message)
        )?;
    }
    Ok(())
}

fn one(file: &str, finding: &Finding, out: &mut impl Write) -> io::Result<()> {
    let command = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let (start, end) = (finding.place.start, finding.place.end);
    write!(out, "::{command} file={},line={},endLine={}", property(file), start.line, end.line)?;
    // Columns of two lines make no sense to GitHub, which drops the annotation then.
    if start.line == end.line {
        write!(out, ",col={},endColumn={}", start.column, end.column)?;
    }
    let text = format!("{}\n{}\n{}\n{}", finding.message, finding.rule.why, finding.help, finding.rule.url());
    writeln!(out, ",title={}::{}", property(&format!("oomshim {}", finding.rule.name)), data(&text))
}

/// Text behind the `::` (actions/toolkit `escapeData`): what is not escaped here could end the command and begin one.
/// What a terminal would obey is nothing to GitHub, but its log is read on terminals.
fn data(text: &str) -> String {
    let encoded = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    escape::text(&encoded).into_owned()
}

/// A property's value (actions/toolkit `escapeProperty`).
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_or_a_message_ends_the_command() {
        assert_eq!(property("a,b:c\n::error::x%"), "a%2Cb%3Ac%0A%3A%3Aerror%3A%3Ax%25");
        assert_eq!(data("100%\r\n::set-output name=x::y"), "100%25%0D%0A::set-output name=x::y");
        assert_eq!(property("\u{1b}[2J\u{9b}\u{202e}"), "\\u{1b}[2J\\u{9b}\\u{202e}");
    }
}
