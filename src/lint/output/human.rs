//! For people: each finding with its line, why it matters and what to do, and a sum at the end.

use std::io::{self, Write};
use std::path::Path;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::{Counts, plural};
use crate::escape;
use crate::lint::finding::{Finding, Outcome, Safety, Severity};
use crate::lint::run::Results;

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
    let renderer = if look.colour { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.term_width(160);
    for outcome in &results.outcomes {
        for finding in &outcome.findings {
            writeln!(out, "{}\n", one(&renderer, &outcome.name, finding))?;
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

fn one(renderer: &Renderer, file: &Path, finding: &Finding) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let place = &finding.place;
    let mark = AnnotationKind::Primary.span(finding.excerpt.marked.clone()).label(&finding.label);
    let origin = Origin::path(name(file)).line(place.start.line).char_column(place.start.column);
    let snippet = Snippet::source(&finding.excerpt.text).line_start(place.start.line).annotation(mark);
    let title = level.primary_title(finding.message.as_str()).id(finding.rule.name);
    let mut group = Group::with_title(title).element(origin).element(snippet);
    for (place, label) in &finding.related {
        let at = format!("{label}: line {} column {}", place.start.line, place.start.column);
        group = group.element(Level::NOTE.with_name("see").message(at));
    }
    group = group.element(Level::NOTE.with_name("why").message(finding.rule.why));
    group = group.element(Level::HELP.with_name("do").message(finding.help.as_str()));
    if let Some(fix) = &finding.fix {
        let option = match fix.safety {
            Safety::Safe => "--fix",
            Safety::Unsafe => "--unsafe-fixes",
        };
        group = group.element(Level::HELP.with_name("fix").message(format!("{option}: {}", fix.title)));
    }
    renderer.render(&[group]).clone()
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
    let found: Vec<String> = parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| plural(*count, word)).collect();
    let found = if found.is_empty() { "nothing found".to_owned() } else { found.join(", ") };
    write!(out, "{found} in {}", plural(counts.files, "file"))?;
    if counts.ignored > 0 {
        write!(out, " ({} ignored)", counts.ignored)?;
    }
    match (fixable(Safety::Safe), fixable(Safety::Unsafe)) {
        (0, 0) => writeln!(out),
        (safe, 0) => writeln!(out, "; --fix fixes {safe}"),
        (0, bold) => writeln!(out, "; --unsafe-fixes fixes {bold}"),
        (safe, bold) => writeln!(out, "; --fix fixes {safe}, --unsafe-fixes {bold} more"),
    }
}
