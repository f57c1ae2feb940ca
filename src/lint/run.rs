//! Many files at once: read, judged, fixed where that is asked for, on every core.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;

use rayon::prelude::*;

use super::finding::{Outcome, Safety};
use super::fix::{self, Fixed};
use super::input::{Candidate, Directory, Inputs, Problem, is_expected};
use super::kind::{Certainty, FileKind, Recognized};
use super::{LintError, Options, cross_file};
use crate::fsutil::atomic_file::{AtomicFile, AtomicFileError, Problem as FileProblem};
use crate::system::os_error::OsError;

/// What to do with findings that can be fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repair {
    /// Nothing.
    Report,
    /// Show what would be changed.
    Show(Safety),
    /// Change the files.
    Write(Safety),
}

/// How a run goes.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How files are judged.
    pub options: Options,
    /// What they are, where it is not to be told from them.
    pub kind: Option<FileKind>,
    /// What to do with findings that can be fixed.
    pub repair: Repair,
}

/// A file that was changed, or would be.
#[derive(Debug, Clone)]
pub struct Change {
    /// The file.
    pub path: PathBuf,
    /// What was done: the rule and the fix's title.
    pub made: Vec<(&'static str, String)>,
    /// The text before and after.
    pub texts: (Vec<u8>, Vec<u8>),
}

/// A file that is not one of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The file.
    pub path: PathBuf,
    /// Why it was not judged.
    pub message: String,
    /// Whether a person named it, so that it is counted where people look.
    pub is_named: bool,
}

/// What it means that there was nothing to judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nothing {
    /// A path was mistyped.
    Problem,
    /// Whoever named the files did not know what they are: a pre-commit hook, xargs(1).
    Fine,
}

/// Everything that came of a run.
#[derive(Debug, Clone, Default)]
pub struct Results {
    /// What was found in each file that was judged, in the order of the files.
    pub outcomes: Vec<Outcome>,
    /// What could not be judged.
    pub problems: Vec<Problem>,
    /// What was left out on purpose.
    pub notes: Vec<Problem>,
    /// The named directories in which there was nothing to judge, until [`Results::finish`] is asked how bad that is.
    pub empty: Vec<Problem>,
    /// What is another program's.
    pub skipped: Vec<Skipped>,
    /// How many findings a baseline has taken away.
    pub baselined: usize,
    /// What was changed, or would be.
    pub changes: Vec<Change>,
}

/// What came of one file.
enum Done {
    Judged(Outcome, Option<Change>),
    Unwritten(Outcome, Problem),
    Failed(Problem),
    /// It is not ours, and why a person who named it is told so.
    Skipped(Skipped),
    /// It was gone, or is not to be looked at.
    Nothing,
}

/// Judges all files, each for itself; [`Results::finish`] is for when all are there. `progress` is told now and then
/// how many are done.
pub fn run(inputs: Inputs, settings: &Settings, progress: &mut dyn FnMut(Duration, usize)) -> Results {
    let files = inputs.candidates;
    let finished = AtomicUsize::new(0);
    let begun = Instant::now();
    let caller = thread::current();
    let judge = |file: &Candidate| {
        let done = one(file, settings);
        if finished.fetch_add(1, Ordering::Relaxed) + 1 == files.len() {
            caller.unpark();
        }
        done
    };
    let all: Vec<Done> = thread::scope(|scope| {
        // The caller has a progress bar to draw.
        let judged = scope.spawn(|| files.par_iter().map(judge).collect::<Vec<_>>());
        while finished.load(Ordering::Relaxed) < files.len() && !judged.is_finished() {
            thread::park_timeout(Duration::from_millis(100));
            progress(begun.elapsed(), finished.load(Ordering::Relaxed));
        }
        judged.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    let mut results = Results { problems: inputs.problems, notes: inputs.notes, ..Results::default() };
    let mut directories = inputs.directories;
    for (file, done) in files.iter().zip(all) {
        if let (Some(directory), false) = (file.directory, matches!(done, Done::Skipped(_) | Done::Nothing)) {
            directories[directory].spoke = true;
        }
        results.add(done);
    }
    let silent = directories.into_iter().filter(|directory| !directory.spoke);
    results.empty = silent.map(|Directory { path, .. }| Problem { path, message: EMPTY.to_owned() }).collect();
    results
}

/// The most files of other programs that are named where there is no other.
const TOLD: usize = 10;

/// What a person is told who named a directory that holds nothing of ours.
const EMPTY: &str = "nothing in it can be judged: no spec, policy, hooks.d file or configuration of an engine";

/// Judges one text that is no file, standard input say.
#[must_use]
pub fn text(name: &Path, bytes: &[u8], settings: &Settings) -> Results {
    let mut results = Results::default();
    results.add(judge(bytes, &Candidate::named(name), settings));
    results
}

impl Results {
    fn add(&mut self, done: Done) {
        match done {
            Done::Judged(outcome, change) => {
                self.outcomes.push(outcome);
                self.changes.extend(change);
            }
            Done::Unwritten(outcome, problem) => {
                self.outcomes.push(outcome);
                self.problems.push(problem);
            }
            Done::Failed(problem) => self.problems.push(problem),
            Done::Skipped(problem) => self.skipped.push(problem),
            Done::Nothing => {}
        }
    }

    /// Ends a run, once, when everything is there: holds the files against each other, and where nothing was judged at
    /// all, that is a problem and not only worth a note. A mistyped path must not look like a clean one.
    pub fn finish(&mut self, nothing_is: Nothing) {
        cross_file::judge(&mut self.outcomes);
        let nothing = self.outcomes.is_empty() && self.problems.is_empty() && nothing_is == Nothing::Problem;
        if nothing && self.empty.is_empty() {
            let told = self.skipped.iter().filter(|skipped| skipped.is_named).take(TOLD);
            let told =
                told.map(|Skipped { path, message, .. }| Problem { path: path.clone(), message: message.clone() });
            self.problems.extend(told);
        }
        let told = if nothing { &mut self.problems } else { &mut self.notes };
        told.append(&mut self.empty);
    }

    /// Puts what came of others behind what came of these.
    pub fn append(&mut self, mut other: Results) {
        self.outcomes.append(&mut other.outcomes);
        self.problems.append(&mut other.problems);
        self.notes.append(&mut other.notes);
        self.empty.append(&mut other.empty);
        self.skipped.append(&mut other.skipped);
        self.changes.append(&mut other.changes);
    }
}

fn one(file: &Candidate, settings: &Settings) -> Done {
    // A link stays a link when the file behind it is replaced.
    let real = match settings.repair {
        Repair::Write(_) => std::fs::canonicalize(&file.path).unwrap_or_else(|_| file.path.clone()),
        _ => file.path.clone(),
    };
    let problem = |error: &AtomicFileError| Problem { path: file.path.clone(), message: error.without_path() };
    if !file.is_named() && settings.kind.is_some_and(|kind| !kind.may_be_called(&file.path)) {
        return Done::Nothing;
    }
    let (spec, bytes) = match AtomicFile::read(&real, super::LIMIT as u64) {
        Ok(opened) => opened,
        Err(error) if matches!(error.problem, FileProblem::TooLarge(_)) && !is_expected(&file.path) => {
            return skipped(problem(&error), file.is_named());
        }
        Err(error) if !file.is_named() && may_be_passed_over(&error, &file.path) => return Done::Nothing,
        Err(error) => return Done::Failed(problem(&error)),
    };
    let done = judge(&bytes, file, settings);
    if let (Done::Judged(_, Some(change)), Repair::Write(_)) = (&done, settings.repair)
        && let Err(error) = spec.replace(&change.texts.1)
    {
        // What was to be fixed is still there.
        return match super::bytes(&file.path, &bytes, settings.kind, &settings.options) {
            Ok(outcome) => Done::Unwritten(outcome, problem(&error)),
            Err(_) => Done::Failed(problem(&error)),
        };
    }
    done
}

/// Whether nobody wonders that a file, found in a directory, was not read. One that may not be read could be one of
/// ours; one that is gone by now was a container that ended while its directory was searched.
fn may_be_passed_over(error: &AtomicFileError, path: &Path) -> bool {
    match error.problem {
        FileProblem::Os(OsError(errno)) => errno == Errno::ENOENT,
        _ => !is_expected(path),
    }
}

/// Judges a file as what a person says that it is, else as what it says, else as what its place says.
fn judge(bytes: &[u8], file: &Candidate, settings: &Settings) -> Done {
    let (name, place) = (&file.path, file.place);
    let error = match repaired(name, bytes, settings.kind, settings) {
        Ok((outcome, change)) => return Done::Judged(outcome, change),
        Err(error) => error,
    };
    if let (LintError::UnknownKind, Some(kind)) = (&error, place) {
        let told = Recognized { kind, certainty: Certainty::Name };
        if let Ok(outcome) = super::bytes_as(name, bytes, Some(told), &settings.options) {
            return Done::Judged(outcome, None);
        }
    }
    let is_meant = settings.kind.is_some() || place.is_some() || is_expected(name);
    let is_foreign = matches!(error, LintError::UnknownKind | LintError::Template);
    let problem = Problem { path: name.to_owned(), message: error.to_string() };
    if is_meant && !is_foreign { Done::Failed(problem) } else { skipped(problem, file.is_named()) }
}

fn skipped(Problem { path, message }: Problem, is_named: bool) -> Done {
    Done::Skipped(Skipped { path, message, is_named })
}

fn repaired(
    name: &Path,
    bytes: &[u8],
    kind: Option<FileKind>,
    settings: &Settings,
) -> Result<(Outcome, Option<Change>), LintError> {
    let options = &settings.options;
    match settings.repair {
        Repair::Report => super::bytes(name, bytes, kind, options).map(|outcome| (outcome, None)),
        Repair::Write(safety) => {
            fix::fix(name, bytes, kind, options, safety).map(|fixed| with_change(name, bytes, fixed))
        }
        // Nothing is written, so what is found is what the file says now.
        Repair::Show(safety) => {
            let outcome = super::bytes(name, bytes, kind, options)?;
            let fixed = fix::fix(name, bytes, kind, options, safety)?;
            Ok((outcome, with_change(name, bytes, fixed).1))
        }
    }
}

fn with_change(name: &Path, before: &[u8], fixed: Fixed) -> (Outcome, Option<Change>) {
    let Fixed { bytes, made, outcome } = fixed;
    let change = Change { path: name.to_owned(), made, texts: (before.to_vec(), bytes) };
    let changed = change.texts.0 != change.texts.1;
    (outcome, changed.then_some(change))
}
