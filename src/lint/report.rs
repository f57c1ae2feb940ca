//! Where rules report to, and the one place where a finding is made.

use std::collections::HashMap;
use std::fmt::Write;
use std::ops::Range;

use super::cross_file::CrossFile;
use super::finding::{Confidence, Finding, Fix, Fixes, Related, Safety, Severity, Unjudged};
use super::location::Lines;
use super::rule::Meta;
use super::subject::Subject;
use crate::json::Node;
use crate::spec::edit::Splice;
use crate::text::checksum::checksum;
use crate::text::escape;

/// The most findings of one rule in one file that are listed. A file with more has one problem, not a thousand.
pub const LISTED: usize = 50;

/// Takes the findings of one file.
#[derive(Debug)]
pub struct Report<'s> {
    subject: &'s Subject<'s>,
    fixes: Fixes,
    rule: Option<&'static Meta>,
    lines: Option<Lines<'s>>,
    counts: HashMap<&'static str, usize>,
    seen: HashMap<u64, u64>,
    pub(super) findings: Vec<Finding>,
    pub(super) claims: Vec<CrossFile>,
    pub(super) unjudged: Vec<Unjudged>,
    pub(super) unlisted: usize,
}

/// A place that a rule can name.
pub trait Locatable {
    /// Its bytes.
    fn bytes(&self) -> Range<usize>;
}

impl Locatable for Node<'_> {
    fn bytes(&self) -> Range<usize> {
        self.span()
    }
}

impl Locatable for Range<usize> {
    fn bytes(&self) -> Range<usize> {
        self.clone()
    }
}

impl<'s> Report<'s> {
    pub(super) fn new(subject: &'s Subject<'s>, fixes: Fixes) -> Self {
        Report {
            subject,
            fixes,
            rule: None,
            lines: None,
            counts: HashMap::new(),
            seen: HashMap::new(),
            findings: Vec::new(),
            claims: Vec::new(),
            unjudged: Vec::new(),
            unlisted: 0,
        }
    }

    pub(super) fn begin(&mut self, rule: &'static Meta) {
        self.rule = Some(rule);
    }

    /// Begins a finding: what is wrong, at that place. [`Draft::emit`] ends it.
    pub fn at(&mut self, spot: &impl Locatable, message: impl Into<String>) -> Draft<'_, 's> {
        let made = Made { bytes: spot.bytes(), message: message.into(), ..Made::default() };
        Draft { report: self, made }
    }

    /// Begins a finding about what keeps a daemon from starting.
    pub fn refused(&mut self, spot: &impl Locatable, daemon: &str, message: &str) -> Draft<'_, 's> {
        self.at(spot, format!("{message}: {daemon} does not start")).label("refused")
    }

    /// Says that the rule could not judge this file, and what it would have to know.
    pub fn cannot_judge(&mut self, reason: impl Into<String>) {
        if let Some(rule) = self.rule {
            self.unjudged.push(Unjudged { rule: rule.name, reason: escape::text(&reason.into()).into_owned() });
        }
    }

    fn push(&mut self, made: Made) {
        let finding = self.finding(made);
        self.findings.extend(finding);
    }

    fn finding(&mut self, made: Made) -> Option<Finding> {
        let rule = self.rule?;
        let count = self.counts.entry(rule.name).or_default();
        *count += 1;
        if *count > LISTED {
            self.unlisted += 1;
            return None;
        }
        let text = self.subject.text;
        let lines = self.lines.get_or_insert_with(|| Lines::of(text));
        let place = lines.place(made.bytes);
        let related = made.related.into_iter();
        let related =
            related.map(|(bytes, label)| Related { file: None, place: lines.place(bytes), label: line(&label) });
        let excerpt = lines.excerpt(&place);
        let fix = made.fix.map(|fix| Fix {
            title: line(&fix.title),
            places: fix.splices.iter().map(|splice| lines.place(splice.range.clone())).collect(),
            ..fix
        });
        let pointer = self.subject.tree.pointer(place.bytes.start);
        let base = fingerprint(rule.name, &pointer, &text[place.bytes.clone()]);
        // Two findings of a rule at one place of the tree are told apart by their order.
        let count = self.seen.entry(base).or_default();
        *count += 1;
        Some(Finding {
            rule,
            severity: made.severity.unwrap_or(rule.severity),
            confidence: made.confidence.unwrap_or(rule.confidence),
            message: line(&made.message),
            label: line(&made.label),
            help: line(if made.help.is_empty() { rule.fix } else { &made.help }),
            fingerprint: base.wrapping_add(*count - 1),
            place,
            excerpt,
            pointer: short_pointer(pointer),
            related: related.collect(),
            fix,
        })
    }
}

/// A finding being made.
#[must_use = "a finding is reported by emit()"]
pub struct Draft<'r, 's> {
    report: &'r mut Report<'s>,
    made: Made,
}

#[derive(Debug, Default)]
struct Made {
    bytes: Range<usize>,
    message: String,
    label: String,
    help: String,
    severity: Option<Severity>,
    confidence: Option<Confidence>,
    related: Vec<(Range<usize>, String)>,
    fix: Option<Fix>,
}

impl Draft<'_, '_> {
    /// What the marked place is, in a few words.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.made.label = label.into();
        self
    }

    /// What to do here; without it, what the rule says in general.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.made.help = help.into();
        self
    }

    /// Another severity than the rule's.
    pub fn severity(mut self, severity: Severity) -> Self {
        self.made.severity = Some(severity);
        self
    }

    /// Another confidence than the rule's.
    pub fn confidence(mut self, confidence: Confidence) -> Self {
        self.made.confidence = Some(confidence);
        self
    }

    /// Another place that belongs to it.
    pub fn related(mut self, spot: &impl Locatable, label: impl Into<String>) -> Self {
        self.made.related.push((spot.bytes(), label.into()));
        self
    }

    /// A change that takes the finding away. It is made only where somebody wants it; an empty one is no fix.
    pub fn fix(mut self, safety: Safety, title: impl Into<String>, splices: impl FnOnce() -> Vec<Splice>) -> Self {
        let splices = match self.report.fixes {
            Fixes::None => return self,
            Fixes::Titles => Vec::new(),
            Fixes::Changes => apart(splices()),
        };
        if self.report.fixes == Fixes::Titles || !splices.is_empty() {
            self.made.fix = Some(Fix { title: title.into(), safety, splices, places: Vec::new() });
        }
        self
    }

    /// Whether enough findings of the rule are listed already, so that details of this one are for nobody.
    #[must_use]
    pub fn is_unlisted(&self) -> bool {
        let count = self.report.rule.and_then(|rule| self.report.counts.get(rule.name));
        count.is_some_and(|count| *count >= LISTED)
    }

    /// Reports it.
    pub fn emit(self) {
        self.report.push(self.made);
    }

    /// Reports it only for the case that a file of another owner claims the same thing. The message is then followed
    /// by the names of those files. See [`cross_file`](super::cross_file).
    pub fn emit_if_claimed_twice(self, thing: &str, owner: u64) {
        let report = self.report;
        let finding = report.finding(self.made).map(Box::new);
        report.claims.extend(finding.map(|finding| CrossFile { thing: thing.into(), owner, finding, ignored: false }));
    }
}

/// The changes in the order of the text, and none within another: two neighbours that go both take the comma between
/// them. Changes that contradict each other are no fix.
fn apart(mut splices: Vec<Splice>) -> Vec<Splice> {
    splices.sort_by_key(|splice| splice.range.start);
    let mut apart: Vec<Splice> = Vec::with_capacity(splices.len());
    for splice in splices {
        match apart.last_mut() {
            Some(last) if splice.range.start < last.range.end => {
                if !(last.text.is_empty() && splice.text.is_empty()) {
                    return Vec::new();
                }
                last.range.end = last.range.end.max(splice.range.end);
            }
            _ => apart.push(splice),
        }
    }
    apart
}

/// Untrusted text for a message: short, quoted, and without anything that a terminal would obey.
#[must_use]
pub fn quote(text: &str) -> String {
    const MOST: usize = 60;
    let short: String = text.chars().take(MOST).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("`{}{more}`", escape::text(&short))
}

/// One line without control characters, whatever a rule put into it.
fn line(text: &str) -> String {
    escape::text(text.trim()).into_owned()
}

/// A stable number of a text.
pub(super) fn hash(text: &str) -> u64 {
    checksum(text.as_bytes())
}

/// The start of a pointer, for people: keys may be as long as the file.
fn short_pointer(pointer: String) -> String {
    const MOST: usize = 400;
    if pointer.len() <= MOST { pointer } else { format!("{}…", &pointer[..pointer.floor_char_boundary(MOST)]) }
}

/// A number that is the same as long as rule, pointer and text are. An item's position in its list
/// does not count: a mount or a rule that is put before it changes nothing about it.
fn fingerprint(rule: &str, pointer: &str, text: &str) -> u64 {
    let is_position = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit());
    let parts = pointer.split('/').map(|part| if is_position(&part) { "" } else { part });
    let pointer = parts.collect::<Vec<_>>().join("/");
    let mut input = String::new();
    let short: String = text.chars().take(200).collect();
    let words = short.split_whitespace().collect::<Vec<_>>().join(" ");
    let _ = write!(input, "{rule}\0{pointer}\0{words}");
    checksum(input.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_a_fix_do_not_overlap() {
        let cut = |range: Range<usize>| Splice { range, text: String::new() };
        let set = |range: Range<usize>| Splice { range, text: "x".to_owned() };
        assert_eq!(apart(vec![cut(4..8), cut(0..5), cut(9..9)]), [cut(0..8), cut(9..9)]);
        assert_eq!(apart(vec![set(0..5), set(5..8)]), [set(0..5), set(5..8)]);
        assert!(apart(vec![cut(0..5), set(4..8)]).is_empty());
    }
}
