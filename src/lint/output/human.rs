//! For people: each finding with its line as rustc shows it, why it matters and what to do, and a sum at the end.
//!
//! What is drawn is an [`Excerpt`](crate::lint::location::Excerpt) of the line: engines write whole specs into one
//! line. The position above it is the file's.

use std::io::{self, Write};
use std::path::Path;

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};
use anstyle::{AnsiColor, Effects, Style};
use rayon::prelude::*;

use super::{Counts, name, plural};
use crate::lint::finding::{Finding, Outcome, Related, Safety, Severity};
use crate::lint::run::Results;
use crate::text::escape;

/// How it is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Whether colours are shown.
    pub colour: Colour,
    /// What of the rules that could not judge is said.
    pub unjudged: Unjudged,
}

/// Whether there is a terminal that shows colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Letters only.
    Plain,
    /// With the escape sequences of colours.
    Ansi,
}

/// Whether a machine was asked, and so what could not be judged is worth a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unjudged {
    /// It is not.
    Silent,
    /// It is.
    Told,
}

/// How many files are drawn at once, on all cores.
const BATCH: usize = 256;

/// Writes everything that was found.
///
/// # Errors
/// Those of the writer.
pub fn write(results: &Results, look: Look, out: &mut impl Write) -> io::Result<()> {
    let renderer = renderer(look.colour);
    for batch in results.outcomes.chunks(BATCH) {
        let drawn: Vec<String> = batch.par_iter().map(|outcome| file(outcome, look, &renderer)).collect();
        for text in drawn {
            out.write_all(text.as_bytes())?;
        }
    }
    sum(results, out)
}

fn renderer(colour: Colour) -> Renderer {
    let bold = |colour: AnsiColor| Style::new().fg_color(Some(colour.into())).effects(Effects::BOLD);
    match colour {
        Colour::Plain => Renderer::plain(),
        Colour::Ansi => Renderer::styled()
            .error(bold(AnsiColor::Red))
            .warning(bold(AnsiColor::Yellow))
            .note(bold(AnsiColor::Cyan))
            .line_num(bold(AnsiColor::Blue)),
    }
    // The excerpt is as wide as it is to be.
    .term_width(400)
}

fn file(outcome: &Outcome, look: Look, renderer: &Renderer) -> String {
    let mut text = String::new();
    for finding in &outcome.findings {
        text.push_str(&one(&outcome.name, finding, renderer));
        text.push_str("\n\n");
    }
    if outcome.unlisted > 0 {
        text.push_str(&format!("{}: {} more of the same rules\n\n", name(&outcome.name), outcome.unlisted));
    }
    let told = outcome.unjudged.iter().filter(|_| look.unjudged == Unjudged::Told);
    for unjudged in told {
        let reason = &unjudged.reason;
        text.push_str(&format!("{}: cannot judge {}: {reason}\n\n", name(&outcome.name), unjudged.rule));
    }
    text
}

fn one(path: &Path, finding: &Finding, renderer: &Renderer) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let start = finding.place.start;
    let (text, marked) = (&finding.excerpt.text, &finding.excerpt.marked);
    let parts = [&text[..marked.start], &text[marked.clone()], &text[marked.end..]];
    let [before, inside, behind] = parts.map(|part| escape::text(&part.replace('\t', "    ")).into_owned());
    let span = before.len()..before.len() + inside.len();
    let label = (!finding.label.is_empty()).then_some(finding.label.as_str());
    let snippet = Snippet::source(format!("{before}{inside}{behind}"))
        .line_start(start.line)
        .fold(false)
        .annotation(AnnotationKind::Primary.span(span).label(label));
    let origin = Origin::path(name(path)).line(start.line).char_column(start.column);
    let mut group = level.primary_title(&finding.message).id(finding.rule.name).element(origin).element(snippet);
    for Related { file, place, label } in &finding.related {
        let (line, column) = (place.start.line, place.start.column);
        let at = match file {
            Some(file) => format!("{label}: {}:{line}:{column}", name(file)),
            None => format!("{label}: line {line} column {column}"),
        };
        group = group.element(Level::NOTE.message(at));
    }
    group = group.element(Level::NOTE.message(finding.rule.why)).element(Level::HELP.message(&finding.help));
    if let Some(fix) = &finding.fix {
        let option = match fix.safety {
            Safety::Safe => "--fix",
            Safety::Unsafe => "--unsafe-fixes",
        };
        group = group.element(Level::HELP.message(format!("{option}: {}", fix.title)));
    }
    // An origin of its own has the file's column, and not the excerpt's; the snippet then draws a second one without a
    // name, on the fourth line.
    let drawn = renderer.render(&[group]);
    drawn.split_inclusive('\n').enumerate().filter(|(line, _)| *line != 3).map(|(_, line)| line).collect()
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
    if counts.baselined > 0 {
        write!(out, " ({} in the baseline)", counts.baselined)?;
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
