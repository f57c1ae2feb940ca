//! A report for people.

use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;

use super::decision::Decision;
use super::sentence::{NAMED, chosen, name, notes, path, process, share, usage_text, what, when, whose, why};
use super::{Report, advice, choice, filled, storm};
use crate::picture::terminal::{self, Letters};
use crate::text::escape;

/// How many of the largest processes are named.
const LARGEST: usize = 5;

/// The labels stand in a column of their own.
const LABEL: usize = 18;

/// How a report is to look.
#[derive(Debug, Clone, Copy, Default)]
pub struct Look {
    /// How many columns a line may have; `None` for no end.
    pub width: Option<usize>,
    /// The letters of pictures and their width; `None` for no pictures.
    pub picture: Option<(Letters, usize)>,
}

/// The report, with an empty line behind it.
#[must_use]
pub fn write(report: &Report, look: Look) -> String {
    let mut text = Text { text: String::new(), look };
    text.head(&format!("{}  {}", when(report), what(report)));
    text.killed(std::slice::from_ref(report));
    text.rest(report);
    text.text
}

/// Many kills for the same reason as one report.
#[must_use]
pub fn write_storm(reports: &[Report], look: Look) -> String {
    let Some(first) = reports.first() else { return String::new() };
    let mut text = Text { text: String::new(), look };
    let within = match storm::length(reports) {
        Some(micros) if micros < 10_000_000 => format!(" within {}.{:03} s", micros / 1_000_000, micros / 1000 % 1000),
        Some(micros) => format!(" within {} s", micros / 1_000_000),
        None => String::new(),
    };
    let count = reports.len();
    text.head(&format!("{}  {count} kills in a row{within}, {}: {}", when(first), names(reports), why(first)));
    text.killed(reports);
    text.rest(first);
    text.text
}

/// `python3 (2 times), sh`: the most frequent first.
fn names(reports: &[Report]) -> String {
    let mut counts: Vec<(&[u8], usize)> = Vec::new();
    for killed in reports.iter().flat_map(|it| &it.event.killed) {
        match counts.iter().position(|(name, _)| *name == killed.name) {
            Some(at) => counts[at].1 += 1,
            None if counts.len() < 1000 => counts.push((&killed.name, 1)),
            None => {}
        }
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let more = counts.len().saturating_sub(LARGEST);
    let shown: Vec<String> = counts
        .iter()
        .take(LARGEST)
        .map(|(it, count)| if *count == 1 { name(it) } else { format!("{} ({count} times)", name(it)) })
        .collect();
    let more = if more > 0 { format!(" and {more} other names") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

/// Groups of reports as text, a storm as one.
#[must_use]
pub fn write_all(reports: &[Report], look: Look) -> String {
    let groups = storm::group(reports).into_iter();
    groups.map(|group| if let [one] = group { write(one, look) } else { write_storm(group, look) }).collect()
}

/// A decision of the guard of which the kernel's log has nothing, with an empty line behind it.
#[must_use]
pub fn write_decision(decision: &Decision, look: Look) -> String {
    let mut text = Text { text: String::new(), look };
    text.head(&decision.sentence());
    text.decision(decision);
    text.text.push('\n');
    text.text
}

struct Text {
    text: String,
    look: Look,
}

impl Text {
    fn head(&mut self, sentence: &str) {
        match self.look.width {
            Some(width) => {
                let options = textwrap::Options::new(width).subsequent_indent("  ").break_words(false);
                self.text.push_str(&textwrap::fill(sentence, options));
                self.text.push('\n');
            }
            None => _ = writeln!(self.text, "{sentence}"),
        }
    }

    fn line(&mut self, label: &str, sentence: &str) {
        let first = format!("    {label:<width$}", width = LABEL - 4);
        match self.look.width {
            Some(width) if width > 2 * LABEL => {
                let indent = " ".repeat(LABEL);
                let options =
                    textwrap::Options::new(width).initial_indent(&first).subsequent_indent(&indent).break_words(false);
                self.text.push_str(&textwrap::fill(sentence, options));
                self.text.push('\n');
            }
            _ => _ = writeln!(self.text, "{first}{sentence}"),
        }
    }

    fn killed(&mut self, reports: &[Report]) {
        let all = || reports.iter().flat_map(|it| &it.event.killed);
        for killed in all().take(NAMED) {
            self.line("killed", &process(killed));
        }
        let more = all().count().saturating_sub(NAMED);
        if more > 0 {
            self.line("killed", &format!("… and {more} more"));
        }
    }

    fn rest(&mut self, report: &Report) {
        for note in notes(report) {
            self.line("note", &note);
        }
        if let Some(whose) = whose(report) {
            self.line("whose", &whose);
        }
        self.container(report);
        for sentence in filled::sentences(&report.event) {
            self.line("memory", &sentence);
        }
        if let Some(share) = share(report) {
            self.line("memory", &share);
        }
        for usage in choice::largest(&report.event, LARGEST) {
            self.line("largest", &usage_text(&usage));
        }
        if let Some(choice) = choice::of(&report.event) {
            self.line("chosen", &chosen(report, &choice));
        }
        if let Some(invoked) = &report.event.invoked {
            self.line("triggered by", &name(&invoked.name));
        }
        for evidence in &report.verdict.evidence {
            self.line("evidence", evidence);
        }
        self.line("confidence", &report.verdict.confidence.to_string());
        self.line("next", &advice::of(&report.event, report.verdict.cause));
        if let Some(decision) = &report.decision {
            self.decision(decision);
        }
        self.text.push('\n');
    }

    fn decision(&mut self, decision: &Decision) {
        for (label, sentence) in &decision.outcome {
            self.line(label, sentence);
        }
        if let (Some(picture), Some((letters, width))) = (&decision.picture, self.look.picture) {
            self.text.push('\n');
            self.text.push_str(&terminal::draw(picture, letters, width));
        }
    }

    fn container(&mut self, report: &Report) {
        let Some(container) = &report.container else { return };
        let words: Vec<&[u8]> = container.command.iter().map(|word| word.as_bytes()).collect();
        let id = escape::bytes(container.id.as_bytes());
        self.line("container", &format!("{id}, class {}", escape::text(&container.class)));
        self.line("command", &escape::bytes(&words.join(&b' ')));
        self.line("bundle", &path(&container.bundle));
    }
}
