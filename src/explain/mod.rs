//! The decision about one bundle, told in full: every rule with why it did not match, every edit, every obstacle.

mod guard;

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;

use thiserror::Error;

use crate::effective;
use crate::fsutil::atomic_file::{AtomicFile, AtomicFileError};
use crate::policy::decide::{self, ClassRequest, Source};
use crate::policy::file::Loaded;
use crate::policy::rule::{Failed, Rule};
use crate::runtime::argv::CgroupManager;
use crate::spec::bundle;
use crate::spec::document::{Document, DocumentError};
use crate::spec::edit::{self, Edit, EditError};
use crate::spec::field;
use crate::spec::workload::Workload;
use crate::system::capabilities::ScorePrivilege;
use crate::system::host::{Host, Roots};
use crate::system::oom_score_adj::OomScoreAdj;
use crate::system::own_score::{OwnScore, OwnScoreError};

/// Why a bundle cannot be explained.
#[derive(Debug, Error)]
pub enum ExplainError {
    /// Its spec cannot be read.
    #[error(transparent)]
    File(#[from] AtomicFileError),
    /// Its spec is not JSON.
    #[error("config.json is not JSON: {0}")]
    Document(#[from] DocumentError),
    /// This process's own score cannot be read or tried.
    #[error(transparent)]
    OwnScore(#[from] OwnScoreError),
    /// The edits have no place in the spec.
    #[error(transparent)]
    Edit(#[from] EditError),
}

/// The decision about one bundle.
#[derive(Debug)]
pub struct Explanation {
    /// The class's name.
    pub class: String,
    /// Where it comes from, in a sentence.
    pub because: String,
    /// The policy's file, or `built-in`.
    pub policy: String,
    /// The rules up to the one that matched.
    pub rules: Vec<Judged>,
    /// The edits.
    pub edits: Vec<Shown>,
    /// What the class says and cannot be had.
    pub not_applied: Vec<Obstacle>,
    /// What `oomshim guard` does with it.
    pub guard: Vec<String>,
    /// What else is worth knowing.
    pub notes: Vec<String>,
}

/// A rule and what came of it.
#[derive(Debug)]
pub struct Judged {
    /// The rule's place and class.
    pub name: String,
    /// What came of it.
    pub outcome: RuleOutcome,
}

/// What came of a rule.
#[derive(Debug, PartialEq, Eq)]
pub enum RuleOutcome {
    /// Every condition holds.
    Holds,
    /// A condition does not hold.
    Fails {
        /// The condition, as `field = "glob"`.
        condition: String,
        /// The workload's values; none where it has no such field.
        values: Vec<String>,
    },
}

impl fmt::Display for RuleOutcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RuleOutcome::Holds => out.write_str("matches"),
            RuleOutcome::Fails { condition, values } if values.is_empty() => {
                write!(out, "no, {condition} and the container has none")
            }
            RuleOutcome::Fails { condition, values } => write!(out, "no, {condition} and it is {}", values.join(", ")),
        }
    }
}

/// An edit, for people.
#[derive(Debug)]
pub struct Shown {
    /// The field.
    pub field: String,
    /// The value as the spec will have it.
    pub value: String,
    /// `already there`, `added` or `was …`.
    pub change: String,
}

/// Something that is not applied.
#[derive(Debug)]
pub struct Obstacle {
    /// What.
    pub what: String,
    /// Why not.
    pub why: String,
}

/// Explains what the shim would do to that bundle when it is called by this process.
///
/// # Errors
/// [`ExplainError`]
pub fn explain(loaded: &Loaded, bundle: &Path, id: Option<&OsStr>, roots: &Roots) -> Result<Explanation, ExplainError> {
    let policy = &loaded.policy;
    let (_, bytes) = AtomicFile::read(&bundle::spec_path(bundle), bundle::LIMIT)?;
    let document = Document::parse(&bytes)?;
    let workload = Workload::of(&document).named(id, bundle::absolute_path(Some(bundle.as_os_str())));
    let decision = decide::classify(policy, &workload);
    let looked_at = match decision.because {
        Source::Rule(index) => &policy.rules[..=index],
        Source::Default | Source::Named => &policy.rules[..],
    };
    let mut explanation = Explanation {
        class: decision.name().to_owned(),
        because: match decision.because {
            Source::Rule(index) => format!("{} matches", name(index, &policy.rules[index])),
            Source::Default | Source::Named => "no rule matches, and this is the default".to_owned(),
        },
        policy: loaded.path.as_ref().map_or("built-in".to_owned(), |path| path.display().to_string()),
        rules: looked_at.iter().enumerate().map(|(index, rule)| judge(index, rule, &workload)).collect(),
        edits: Vec::new(),
        not_applied: Vec::new(),
        guard: guard::lines(policy, decision.class.as_ref()),
        notes: decision.request.iter().map(requested).collect(),
    };
    let mut own = OwnScore::read(&roots.proc)?;
    let Some(class) = &decision.class else {
        let plan = decide::plan_to_keep(policy, &decision, &workload, own.now());
        explanation.edits = plan.edits.iter().map(|edit| shown(edit, &document)).collect();
        return Ok(explanation);
    };
    let host = Host::read(roots);
    let score = effective::score_for(class, &workload, &mut own)?;
    let plan = decide::plan(class, &workload, &host, score, CgroupManager::Enabled);
    if let (Some(wanted), Some(got)) = (plan.clamped_from, plan.score()) {
        explanation.not_applied.push(Obstacle {
            what: "process.oomScoreAdj".to_owned(),
            why: format!("the class gives {wanted}, but this process may not go below {got} (no CAP_SYS_RESOURCE)"),
        });
    }
    let skipped = plan.skipped.iter().map(|it| Obstacle { what: it.what.to_owned(), why: it.why.to_string() });
    explanation.not_applied.extend(skipped);
    edit::splices(document.root(), &plan.edits)?;
    explanation.edits = plan.edits.iter().map(|edit| shown(edit, &document)).collect();
    if ScorePrivilege::own(&roots.proc) == ScorePrivilege::RaiseOnly && plan.score().is_some() {
        let note = "the score is not sticky: without CAP_SYS_RESOURCE the writer leaves the floor where it was, and the \
                    container can lower its score again (fs/proc/base.c)";
        explanation.notes.push(note.to_owned());
    }
    explanation.notes.extend(decide::room_above(class, own.now()).map(|room| no_room(own.now(), room)));
    if policy.strict && !plan.has_its_score() {
        explanation.notes.push("the policy is strict: this container would not be started".to_owned());
    }
    Ok(explanation)
}

/// What to do where a container cannot come as far above its engine as its class says.
fn no_room(engine: OomScoreAdj, room: u16) -> String {
    format!(
        "above_engine: this process has oom_score_adj {engine}, and nothing is above 1000, so the container can come only \
         {room} above it; give the engine a lower one (OOMScoreAdjust= in its unit; in a pod, requests that are equal to \
         the limits)"
    )
}

fn name(index: usize, rule: &Rule) -> String {
    let place = rule.line.map_or("built in".to_owned(), |line| format!("line {line}"));
    format!("rule {} ({place}, class {})", index + 1, rule.class.name())
}

fn judge(index: usize, rule: &Rule, workload: &Workload<'_>) -> Judged {
    let outcome =
        rule.fails_on(workload).map_or(RuleOutcome::Holds, |Failed { condition, values }| RuleOutcome::Fails {
            condition: format!("{} = {:?}", condition.field, condition.pattern.text()),
            values: values.iter().map(|value| format!("{:?}", String::from_utf8_lossy(value))).collect(),
        });
    Judged { name: name(index, rule), outcome }
}

fn requested(request: &ClassRequest) -> String {
    let wish = |name: &str| format!("the annotation {} asks for the class {name:?}", decide::CLASS_ANNOTATION);
    match request {
        ClassRequest::Granted => {
            format!("the annotation {} asks for this class, and it is not milder", decide::CLASS_ANNOTATION)
        }
        ClassRequest::Unknown(name) => format!("{}, which the policy does not have", wish(name)),
        ClassRequest::Milder(name) => {
            format!("{}, which is milder than the rules' and therefore not granted", wish(name))
        }
        ClassRequest::Kept(name) => format!("{}, but the rules leave this container alone", wish(name)),
    }
}

fn shown(edit: &Edit, document: &Document<'_>) -> Shown {
    let before = match edit {
        Edit::OomScoreAdj(_) => document.find(field::OOM_SCORE_ADJ),
        Edit::Memory(file, _) => {
            let maps = document.find(field::UNIFIED);
            maps.iter().flat_map(|map| map.entries(file.name())).collect()
        }
    };
    let value = edit.value();
    let change = match before.as_slice() {
        [] => "added".to_owned(),
        all if all.iter().all(|node| node.bytes() == value.as_bytes()) => "already there".to_owned(),
        all => {
            format!("was {}", all.iter().map(|node| node.raw()).collect::<Vec<_>>().join(" and "))
        }
    };
    Shown { field: edit.field(), value, change }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::file;

    fn explained(policy: &str, spec: &str) -> Explanation {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("config.json"), spec).unwrap();
        let loaded = Loaded { policy: file::parse(policy, Path::new("p.toml")).unwrap(), path: None };
        explain(&loaded, directory.path(), None, &Roots::default()).unwrap()
    }

    #[test]
    fn every_rule_says_why_it_did_not_match() {
        let policy =
            "[[rule]]\nclass=\"daemon\"\nmatch.cgroup=\"/d/*\"\n[[rule]]\nclass=\"keep\"\nmatch.hostname=\"h\"\n";
        let told = explained(policy, r#"{"hostname":"h","process":{},"linux":{"cgroupsPath":"/x"}}"#);
        let lines: Vec<String> = told.rules.iter().map(|rule| format!("{}: {}", rule.name, rule.outcome)).collect();
        assert_eq!(
            lines,
            [
                "rule 1 (line 1, class daemon): no, cgroup = \"/d/*\" and it is \"/x\"",
                "rule 2 (line 4, class keep): matches"
            ]
        );
        assert_eq!((told.class.as_str(), told.because.as_str()), ("keep", "rule 2 (line 4, class keep) matches"));
        assert!(told.edits.is_empty());
    }

    #[test]
    fn what_keep_does_below_an_immune_engine_is_told() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("self")).unwrap();
        std::fs::write(directory.path().join("self/oom_score_adj"), "-1000\n").unwrap();
        std::fs::write(directory.path().join("config.json"), r#"{"hostname":"h","process":{}}"#).unwrap();
        let policy = file::parse("[[rule]]\nclass=\"keep\"\nmatch.hostname=\"h\"\n", Path::new("p")).unwrap();
        let roots = Roots { proc: directory.path().to_owned(), ..Roots::default() };
        let told = explain(&Loaded { policy, path: None }, directory.path(), None, &roots).unwrap();
        assert_eq!((told.class.as_str(), told.edits[0].value.as_str()), ("keep", "0"));
    }

    #[test]
    fn a_lack_of_room_above_the_engine_is_told() {
        let told = |engine: &str| {
            let directory = tempfile::tempdir().unwrap();
            std::fs::create_dir(directory.path().join("self")).unwrap();
            std::fs::write(directory.path().join("self/oom_score_adj"), engine).unwrap();
            std::fs::write(directory.path().join("config.json"), r#"{"process":{}}"#).unwrap();
            let policy = "[class.build-step]\noom_score_adj=500\nabove_engine=100\n";
            let policy = file::parse(policy, Path::new("p")).unwrap();
            let roots = Roots { proc: directory.path().to_owned(), ..Roots::default() };
            explain(&Loaded { policy, path: None }, directory.path(), None, &roots).unwrap().notes
        };
        let notes = told("938\n");
        assert!(notes.iter().any(|note| note.contains("can come only 62 above it")), "{notes:?}");
        assert!(!told("900\n").iter().any(|note| note.contains("above_engine")));
    }

    #[test]
    fn edits_tell_what_was_there() {
        let told = explained("", r#"{"process":{"oomScoreAdj":3,"OOMScoreAdj":500}}"#);
        assert_eq!((told.edits[0].value.as_str(), told.edits[0].change.as_str()), ("500", "was 3 and 500"));
        let told = explained("", r#"{"process":{"oomScoreAdj":500}}"#);
        assert_eq!(told.edits[0].change, "already there");
        assert!(told.rules.iter().all(|rule| rule.outcome.to_string().ends_with("and the container has none")));
    }
}
