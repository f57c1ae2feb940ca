//! What a rule is: a name, the words for people, and a check.

use super::finding::{Confidence, Severity, words};
use super::kind::FileKind;
use super::report::Report;
use super::subject::Subject;

/// What a rule is about; the sections of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Who is killed first.
    Score,
    /// What is killed, and whether anything is.
    Killing,
    /// Memory that is not freed by the kill.
    Memory,
    /// Whether the file says what its reader can read.
    Shape,
    /// Whether daemons and engines are set up to use it.
    Deployment,
}

words!(Group { Score => "oom-score-adj", Killing => "killing", Memory => "memory", Shape => "shape", Deployment => "deployment" });

use std::fmt;

/// Whether a rule can fix what it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fixable {
    /// It cannot.
    No,
    /// With `--unsafe-fixes`.
    Unsafe,
    /// With `--fix`; some of its fixes may need `--unsafe-fixes`.
    Safe,
}

words!(Fixable { No => "no", Unsafe => "with --unsafe-fixes", Safe => "with --fix" });

/// Prose as a doc comment has it, in lines of any length, as one line.
macro_rules! prose {
    ($(#[doc = $line:literal])+) => { const { concat!($($line),+).trim_ascii() } };
}
pub(super) use prose;

/// What a rule is, apart from its code. `docs/rules.md` and `--explain` are made of it.
#[derive(Debug)]
pub struct Meta {
    /// Its kebab-case name: also its file's, its struct's, its fixtures' directory's and its section's.
    pub name: &'static str,
    /// What it finds, in some words.
    pub summary: &'static str,
    /// What it is about.
    pub group: Group,
    /// How bad it is, as a rule.
    pub severity: Severity,
    /// How sure it is, as a rule.
    pub confidence: Confidence,
    /// Whether it can fix what it finds.
    pub fixable: Fixable,
    /// The files that it looks at.
    pub kinds: &'static [FileKind],
    /// Why it matters, in one sentence.
    pub why: &'static str,
    /// What exactly is found and what is not, with the reasons of the kernel, the runtimes or the engines.
    pub what: &'static str,
    /// What to do.
    pub fix: &'static str,
}

impl Meta {
    /// Where people read about it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}#{}", super::DOCUMENTATION, self.name)
    }
}

/// A rule.
pub trait Rule: Sync {
    /// What it is.
    fn meta(&self) -> &'static Meta;

    /// Looks at a file of one of its kinds and reports.
    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>);

    /// Whether it looks at files that could not be parsed. All others may rely on a tree.
    fn reads_broken_files(&self) -> bool {
        false
    }
}

/// What the file of a rule needs.
pub(super) mod prelude {
    pub(in crate::lint) use super::{Fixable, Group, Meta, Rule, prose};
    pub(in crate::lint) use crate::json::{Kind, Node};
    pub(in crate::lint) use crate::lint::finding::{Confidence, Safety, Severity};
    pub(in crate::lint) use crate::lint::kind::FileKind;
    pub(in crate::lint) use crate::lint::report::{Report, quote};
    pub(in crate::lint) use crate::lint::subject::Subject;
}
