//! For people: each finding with its line as rustc shows it, why it matters and what to do, and a sum at the end.
//!
//! The frame is drawn here and not by a library because the line is cut ([`Excerpt`](crate::lint::location::Excerpt)):
//! engines write whole specs into one line, and the column must still be the file's.

use std::io::{self, Write};
use std::path::Path;

use unicode_width::UnicodeWidthStr;

use super::{Counts, plural};
use crate::lint::finding::{Finding, Outcome, Related, Safety, Severity};
use crate::lint::run::Results;
use crate::text::escape;

/// How it is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Whether there is a terminal that shows colours.
    pub colour: bool,
    /// Whether a machine was asked, and so what could not be judged is worth a line.
    pub with_unjudged: bool,
}

/// Writes everything that was found.
///
/// # Errors
/// Those of the writer.
pub fn write(results: &Results, look: Look, out: &mut impl Write) -> io::Result<()> {
    for outcome in &results.outcomes {
        for finding in &outcome.findings {
            one(&Paint(look.colour), &outcome.name, finding, out)?;
        }
        if outcome.unlisted > 0 {
            writeln!(out, "{}: {} more of the same rules\n", name(&outcome.name), outcome.unlisted)?;
        }
        if look.with_unjudged {
            unjudged(outcome, out)?;
        }
    }
    sum(results, out)
}

/// Colours, or none.
struct Paint(bool);

impl Paint {
    fn with(&self, code: &str, text: &str) -> String {
        if self.0 && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn frame(&self, text: &str) -> String {
        self.with("1;34", text)
    }

    fn bold(&self, text: &str) -> String {
        self.with("1", text)
    }
}

fn one(paint: &Paint, file: &Path, finding: &Finding, out: &mut impl Write) -> io::Result<()> {
    let colour = match finding.severity {
        Severity::Error => "1;31",
        Severity::Warning => "1;33",
        Severity::Note => "1;36",
    };
    let start = finding.place.start;
    let number = start.line.to_string();
    let margin = " ".repeat(number.len());
    let bar = paint.frame("|");
    let title = paint.with(colour, &format!("{}[{}]", finding.severity, finding.rule.name));
    writeln!(out, "{title}{}", paint.bold(&format!(": {}", finding.message)))?;
    writeln!(out, "{margin}{} {}:{}:{}", paint.frame("-->"), name(file), start.line, start.column)?;
    writeln!(out, "{margin} {bar}")?;
    let (text, marked) = (&finding.excerpt.text, &finding.excerpt.marked);
    let parts = [&text[..marked.start], &text[marked.clone()], &text[marked.end..]];
    let [before, inside, behind] = parts.map(|part| escape::text(&part.replace('\t', "    ")).into_owned());
    writeln!(out, "{} {bar} {before}{inside}{behind}", paint.frame(&number))?;
    let arrows = "^".repeat(inside.width().max(1));
    let label = if finding.label.is_empty() { String::new() } else { format!(" {}", finding.label) };
    let blank = " ".repeat(before.width());
    writeln!(out, "{margin} {bar} {blank}{}", paint.with(colour, &format!("{arrows}{label}")))?;
    writeln!(out, "{margin} {bar}")?;
    for Related { file, place, label } in &finding.related {
        let (line, column) = (place.start.line, place.start.column);
        let at = match file {
            Some(file) => format!("{label}: {}:{line}:{column}", name(file)),
            None => format!("{label}: line {line} column {column}"),
        };
        footer(paint, &margin, "see", &at, out)?;
    }
    footer(paint, &margin, "why", finding.rule.why, out)?;
    footer(paint, &margin, "do", &finding.help, out)?;
    if let Some(fix) = &finding.fix {
        let option = match fix.safety {
            Safety::Safe => "--fix",
            Safety::Unsafe => "--unsafe-fixes",
        };
        footer(paint, &margin, "fix", &format!("{} ({option})", fix.title), out)?;
    }
    writeln!(out)
}

fn footer(paint: &Paint, margin: &str, name: &str, text: &str, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{margin} {} {}: {text}", paint.frame("="), paint.bold(name))
}

/// A file's name, which may be hostile.
fn name(path: &Path) -> String {
    escape::bytes(path.as_os_str().as_encoded_bytes())
}

fn unjudged(outcome: &Outcome, out: &mut impl Write) -> io::Result<()> {
    for unjudged in &outcome.unjudged {
        writeln!(out, "{}: cannot judge {}: {}\n", name(&outcome.name), unjudged.rule, unjudged.reason)?;
    }
    Ok(())
}

fn sum(results: &Results, out: &mut impl Write) -> io::Result<()> {
    let counts = Counts::of(results);
    let fixable = |safety: Safety| {
        let all = results.outcomes.iter().flat_map(|outcome| &outcome.findings);
        all.filter(|finding| finding.fix.as_ref().is_some_and(|fix| fix.safety == safety)).count()
    };
    let parts = [(counts.errors, "error"), (counts.warnings, "warning"), (counts.notes, "note")];
    let found: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| plural(*count, word)).collect();
    let found = if found.is_empty() { "nothing found".to_owned() } else { found.join(", ") };
    write!(out, "{found} in {}", plural(counts.files, "file"))?;
    if counts.ignored > 0 {
        write!(out, " ({} ignored)", counts.ignored)?;
    }
    if counts.skipped > 0 {
        write!(out, ", {} skipped that are of no kind judged here", counts.skipped)?;
    }
    match (fixable(Safety::Safe), fixable(Safety::Unsafe)) {
        (0, 0) => writeln!(out),
        (safe, 0) => writeln!(out, "; --fix fixes {safe}"),
        (0, bold) => writeln!(out, "; --unsafe-fixes fixes {bold}"),
        (safe, bold) => writeln!(out, "; --fix fixes {safe}, --unsafe-fixes {bold} more"),
    }
}
