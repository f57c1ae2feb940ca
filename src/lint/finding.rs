//! A finding: what is wrong, where, how bad it is and how sure that is.

use std::fmt;
use std::path::PathBuf;

use super::cross_file::CrossFile;
use super::location::{Excerpt, Place};
use super::rule::Meta;
use crate::spec::edit::Splice;

/// How bad it is if it is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; nothing fails because of it.
    Note,
    /// Under memory pressure the wrong thing happens.
    Warning,
    /// The container does not start, or the machine hangs or panics.
    Error,
}

/// How sure it is that it is so, given that only the file is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// It depends on things that the file does not tell.
    Low,
    /// It is so on the usual machine.
    Medium,
    /// It is so.
    High,
}

/// Whether a fix can be made without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Safety {
    /// It makes the file mean what it was meant to, on every machine.
    Safe,
    /// It may change what somebody wanted, or fits only some machines.
    Unsafe,
}

/// What findings carry of their fixes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fixes {
    /// Nothing: the file is not certainly one of ours.
    None,
    /// Their titles.
    #[default]
    Titles,
    /// The changes too, which cost time.
    Changes,
}

macro_rules! words {
    ($type:ty { $($variant:ident => $word:literal),+ }) => {
        impl $type {
            /// Every value with its word, lowest first.
            pub const ALL: &'static [($type, &'static str)] = &[$((<$type>::$variant, $word)),+];

            /// The word for it, in options and in every output.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(<$type>::$variant => $word),+ }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(self.word())
            }
        }

        impl std::str::FromStr for $type {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let words: Vec<&str> = Self::ALL.iter().map(|(_, word)| *word).collect();
                let found = Self::ALL.iter().find(|(_, word)| *word == text);
                found.map(|(value, _)| *value).ok_or_else(|| format!("it is one of {}", words.join(", ")))
            }
        }
    };
}
pub(super) use words;

words!(Severity { Note => "note", Warning => "warning", Error => "error" });
words!(Confidence { Low => "low", Medium => "medium", High => "high" });
words!(Safety { Safe => "safe", Unsafe => "unsafe" });

/// What is wrong at one place of one file. Only [`Report`](super::report::Report) makes one, so that every output may
/// rely on what it holds.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule that found it.
    pub rule: &'static Meta,
    /// How bad it is.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// What is wrong, in one line without control characters.
    pub message: String,
    /// What the marked place is, in a few words; may be empty.
    pub label: String,
    /// What to do.
    pub help: String,
    /// Where it is.
    pub place: Place,
    /// The text around it, for people.
    pub excerpt: Excerpt,
    /// Where it is in the file's values, a JSON pointer.
    pub pointer: String,
    /// Other places that belong to it.
    pub related: Vec<Related>,
    /// How it can be fixed by itself.
    pub fix: Option<Fix>,
    /// The same for the same finding as long as the rule, the place in the tree and the text there are.
    pub fingerprint: u64,
}

/// Another place that belongs to a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// The file, where it is not the finding's own.
    pub file: Option<PathBuf>,
    /// The place in that file.
    pub place: Place,
    /// What it is, in a few words.
    pub label: String,
}

/// A change that takes the finding away.
#[derive(Debug, Clone)]
pub struct Fix {
    /// What it does, as an order: `set oomScoreAdj to 500`.
    pub title: String,
    /// Whether it can be made without asking.
    pub safety: Safety,
    /// The change; empty where nobody asked for it.
    pub splices: Vec<Splice>,
    /// The places of what the splices take away, one for each.
    pub places: Vec<Place>,
}

/// A rule that could neither say yes nor no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unjudged {
    /// The rule.
    pub rule: &'static str,
    /// What it would have to know.
    pub reason: String,
}

/// Everything that was found in one file.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The file's name as it was given.
    pub name: PathBuf,
    /// What kind of file it is.
    pub kind: super::kind::FileKind,
    /// What that rests on.
    pub certainty: super::kind::Certainty,
    /// What is wrong, in the order of the text.
    pub findings: Vec<Finding>,
    /// What is wrong and was to be ignored, by the file's own word.
    pub ignored: Vec<Finding>,
    /// What is wrong if another file claims the same, until [`cross_file::judge`](super::cross_file::judge) tells.
    pub claims: Vec<CrossFile>,
    /// What could not be judged.
    pub unjudged: Vec<Unjudged>,
    /// How many more of a rule's findings there are than are listed.
    pub unlisted: usize,
}
