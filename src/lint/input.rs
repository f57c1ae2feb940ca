//! Which files to judge: those that are named, and those in named directories that may be one of ours.

use std::collections::HashMap;
use std::error::Error;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{fs, io};

use ignore::gitignore::{Gitignore as Gitignores, GitignoreBuilder};
use ignore::{DirEntry, WalkBuilder};
use nix::errno::Errno;
use thiserror::Error;

use super::config;
use super::kind::{self, FileKind};
use crate::system::os_error::OsError;

/// The spec of a bundle, and its root filesystem as runtimes and engines call it.
const SPEC: &str = "config.json";
const ROOT: &str = "rootfs";

/// A file to judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its path, as it was given or found.
    pub path: PathBuf,
    /// The one of [`Inputs::directories`] that it was found in, and is passed over in if it is none of ours. `None`
    /// where a person named the file itself, or a bundle that it is the spec of: then that is an error.
    pub directory: Option<usize>,
    /// What its place says that it is: a `config.json` beside a `rootfs` is the spec of a bundle.
    pub place: Option<FileKind>,
}

impl Candidate {
    /// A file that a person named.
    #[must_use]
    pub fn named(path: &Path) -> Self {
        Candidate { path: path.to_owned(), directory: None, place: None }
    }

    /// Whether a person named it, or its bundle.
    #[must_use]
    pub fn is_named(&self) -> bool {
        self.directory.is_none()
    }
}

/// A directory that a person named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// Its path, as it was given.
    pub path: PathBuf,
    /// Whether it has something to say even if no candidate is left of it: a problem, or a file that was named twice.
    pub spoke: bool,
}

/// Something that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file or directory.
    pub path: PathBuf,
    /// What is in the way.
    pub message: String,
}

/// What there is to judge.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// The files, each directory's in the order of their names, and none twice.
    pub candidates: Vec<Candidate>,
    /// The directories among the paths.
    pub directories: Vec<Directory>,
    /// What could not be looked at.
    pub problems: Vec<Problem>,
    /// What was left out on purpose, and a person may wonder about.
    pub notes: Vec<Problem>,
    /// Where each candidate is, by its path.
    seen: HashMap<PathBuf, usize>,
}

/// How directories are searched.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// Whether .gitignore files count.
    pub gitignore: Gitignore,
    /// What is left out, whether it was found or named.
    pub exclude: Exclude,
}

/// Whether .gitignore files count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Gitignore {
    /// In a repository they do.
    #[default]
    Respected,
    /// They do not.
    Disregarded,
}

/// Globs as in .gitignore of what is left out.
#[derive(Debug, Clone)]
pub struct Exclude(Gitignores);

impl Default for Exclude {
    fn default() -> Self {
        Exclude(Gitignores::empty())
    }
}

/// A glob that is none.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("--exclude: {0}")]
pub struct BadGlob(String);

impl Exclude {
    /// Those globs, relative to that directory.
    ///
    /// # Errors
    /// [`BadGlob`]
    pub fn new(directory: &Path, globs: &[String]) -> Result<Self, BadGlob> {
        let mut builder = GitignoreBuilder::new(directory);
        for glob in globs {
            builder.add_line(None, glob).map_err(|error| BadGlob(error.to_string()))?;
        }
        builder.build().map(Exclude).map_err(|error| BadGlob(error.to_string()))
    }

    fn covers(&self, path: &Path, is_directory: bool) -> bool {
        !self.0.is_empty() && self.0.matched(path, is_directory).is_ignore()
    }

    /// Also where a directory above is left out.
    fn covers_named(&self, path: &Path) -> bool {
        let is_inside = |path: &Path| path.is_relative() || path.starts_with(self.0.path());
        !self.0.is_empty() && is_inside(path) && self.0.matched_path_or_any_parents(path, path.is_dir()).is_ignore()
    }
}

/// Looks into the directories among those paths, and below them.
#[must_use]
pub fn collect(paths: &[PathBuf], search: &Search) -> Inputs {
    let mut inputs = Inputs::default();
    for path in paths.iter().filter(|path| !search.exclude.covers_named(path)) {
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => inputs.walk(path, search),
            Ok(_) => {
                let place = place(path);
                inputs.add(path.clone(), None, place);
            }
            Err(error) => inputs.problem(path, format!("cannot look at it: {}", OsError::from(error))),
        }
    }
    inputs
}

/// What the place of a file says that it is.
fn place(path: &Path) -> Option<FileKind> {
    let is_spec = path.file_name().is_some_and(|name| name == SPEC) && path.with_file_name(ROOT).is_dir();
    is_spec.then_some(FileKind::Spec)
}

impl Inputs {
    fn problem(&mut self, path: &Path, message: String) {
        self.problems.push(Problem { path: path.to_owned(), message });
    }

    /// A path that is there already, because paths overlap, is judged once.
    fn add(&mut self, path: PathBuf, directory: Option<usize>, place: Option<FileKind>) {
        let Some(&earlier) = self.seen.get(&path) else {
            self.seen.insert(path.clone(), self.candidates.len());
            return self.candidates.push(Candidate { path, directory, place });
        };
        let earlier = &mut self.candidates[earlier];
        for directory in [directory, earlier.directory].into_iter().flatten() {
            self.directories[directory].spoke = true;
        }
        if directory.is_none() {
            earlier.directory = None;
        }
    }

    fn walk(&mut self, top: &Path, search: &Search) {
        let problems = self.problems.len();
        let index = self.directories.len();
        self.directories.push(Directory { path: top.to_owned(), spoke: false });
        let exclude = search.exclude.clone();
        let gitignore = search.gitignore == Gitignore::Respected;
        let mut walk = WalkBuilder::new(top);
        walk.standard_filters(false).git_ignore(gitignore).git_exclude(gitignore).parents(gitignore);
        walk.sort_by_file_name(OsStr::cmp)
            .filter_entry(move |entry| entry.depth() == 0 || is_searched(entry, &exclude));
        for entry in walk.build() {
            match entry {
                Ok(entry) => self.found(&entry, index),
                Err(error) => self.unlisted(top, &error),
            }
        }
        self.directories[index].spoke |= self.problems.len() > problems;
    }

    fn found(&mut self, entry: &DirEntry, index: usize) {
        let path = entry.path();
        let Some(kind) = entry.file_type().filter(|kind| !kind.is_dir()) else { return };
        if kind.is_symlink() {
            return self.link(path, index);
        }
        match place(path) {
            Some(place) => {
                // Whatever it says, it is meant to be the spec of this bundle, as if it had been named.
                self.directories[index].spoke = true;
                self.add(path.to_owned(), None, Some(place));
            }
            None if kind::is_candidate(path) && entry.file_name() != config::NAME => {
                self.add(path.to_owned(), Some(index), None);
            }
            None => {}
        }
    }

    fn unlisted(&mut self, top: &Path, error: &ignore::Error) {
        let Some(path) = error_path(error).filter(|_| error.is_io()) else { return };
        let Some(reason) = error.io_error() else { return };
        // It was there a moment ago: containers end while their directories are searched.
        if reason.kind() != io::ErrorKind::NotFound || path == top {
            let reason = OsError(errno(reason).map_or(Errno::EIO, Errno::from_raw));
            self.problem(path, format!("cannot list it: {reason}"));
        }
    }

    /// A symbolic link to a file is as good as the file. One to a directory is not followed: what it shows is somewhere
    /// else, and one that leads to a directory above itself would never end.
    fn link(&mut self, path: &Path, index: usize) {
        let target = match fs::metadata(path) {
            Ok(target) => target,
            Err(error) if kind::is_candidate(path) => {
                return self.problem(path, format!("cannot look at it: {}", OsError::from(error)));
            }
            Err(_) => return,
        };
        if !target.is_dir() {
            if kind::is_candidate(path) {
                self.add(path.to_owned(), Some(index), None);
            }
            return;
        }
        let parent = path.parent().and_then(|parent| fs::canonicalize(parent).ok());
        let loops = fs::canonicalize(path).ok().zip(parent).is_some_and(|(target, parent)| parent.starts_with(target));
        if loops {
            let message = "a symbolic link to a directory that it is in; not followed".to_owned();
            self.notes.push(Problem { path: path.to_owned(), message });
        }
    }
}

/// Whether a search goes on into a directory, or takes a file. What is inside of a container belongs to the container.
fn is_searched(entry: &DirEntry, exclude: &Exclude) -> bool {
    let is_directory = entry.file_type().is_some_and(|kind| kind.is_dir());
    let path = entry.path();
    let is_left_out = is_directory
        && (entry.file_name() == ".git" || (entry.file_name() == ROOT && path.with_file_name(SPEC).exists()));
    !is_left_out && !exclude.covers(path, is_directory)
}

/// The system's own answer, which walkers wrap.
fn errno(error: &io::Error) -> Option<i32> {
    let mut source: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = source {
        if let Some(number) = error.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error) {
            return Some(number);
        }
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        source = inner.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source());
    }
    None
}

fn error_path(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => error_path(err),
        _ => None,
    }
}

/// Whether a person would wonder why a file of that name was passed over.
#[must_use]
pub fn is_expected(path: &Path) -> bool {
    kind::by_name(path).is_some()
}

#[cfg(test)]
#[path = "input_tests.rs"]
mod tests;
