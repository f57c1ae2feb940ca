//! Which files to judge: those that are named, and those in named directories that may be one of ours.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

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
    /// The one of [`Inputs::directories`] that it was found in, and is passed over in if it is none of ours. `None` where a
    /// person named the file itself, or a bundle that it is the spec of: then that is an error.
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

/// Looks into the directories among those paths, and below them.
#[must_use]
pub fn collect(paths: &[PathBuf]) -> Inputs {
    let mut inputs = Inputs::default();
    for path in paths {
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => inputs.walk(path),
            Ok(_) => {
                let is_spec = path.file_name().is_some_and(|name| name == SPEC) && path.with_file_name(ROOT).is_dir();
                inputs.add(path.clone(), None, is_spec.then_some(FileKind::Spec));
            }
            Err(error) => inputs.problem(path, format!("cannot look at it: {}", OsError::from(error))),
        }
    }
    inputs
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

    fn walk(&mut self, top: &Path) {
        let problems = self.problems.len();
        let index = self.directories.len();
        self.directories.push(Directory { path: top.to_owned(), spoke: false });
        self.search(top, index);
        self.directories[index].spoke |= self.problems.len() > problems;
    }

    fn search(&mut self, top: &Path, index: usize) {
        let mut directories = vec![top.to_owned()];
        while let Some(directory) = directories.pop() {
            let entries = fs::read_dir(&directory).and_then(Iterator::collect::<Result<Vec<_>, _>>);
            let mut entries = match entries {
                Ok(entries) => entries,
                // It was there a moment ago: containers end while their directories are searched.
                Err(error) if error.kind() == io::ErrorKind::NotFound && directory != top => continue,
                Err(error) => {
                    self.problem(&directory, format!("cannot list it: {}", OsError::from(error)));
                    continue;
                }
            };
            entries.sort_by_key(fs::DirEntry::file_name);
            // What is inside of a container belongs to the container.
            let has = |name: &str| entries.iter().any(|entry| entry.file_name() == name);
            let (is_bundle, has_root) = (has(SPEC), has(ROOT));
            let mut deeper = Vec::new();
            for entry in entries {
                let Ok(kind) = entry.file_type() else { continue };
                let path = entry.path();
                if kind.is_dir() {
                    let name = entry.file_name();
                    if name != ".git" && !(is_bundle && name == ROOT) {
                        deeper.push(path);
                    }
                } else if kind.is_symlink() {
                    self.link(&path, index);
                } else if has_root && entry.file_name() == SPEC {
                    // Whatever it says, it is meant to be the spec of this bundle, as if it had been named.
                    self.directories[index].spoke = true;
                    self.add(path, None, Some(FileKind::Spec));
                } else if is_ours_by_name(&path) {
                    self.add(path, Some(index), None);
                }
            }
            directories.extend(deeper.into_iter().rev());
        }
    }

    /// A symbolic link to a file is as good as the file. One to a directory is not followed: what it shows is somewhere
    /// else, and one that leads to a directory above itself would never end.
    fn link(&mut self, path: &Path, index: usize) {
        let target = match fs::metadata(path) {
            Ok(target) => target,
            Err(error) if is_ours_by_name(path) => {
                return self.problem(path, format!("cannot look at it: {}", OsError::from(error)));
            }
            Err(_) => return,
        };
        if !target.is_dir() {
            if is_ours_by_name(path) {
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

/// Whether a file found in a directory may be one of ours.
fn is_ours_by_name(path: &Path) -> bool {
    kind::is_candidate(path)
}

/// Whether a person would wonder why a file of that name was passed over.
#[must_use]
pub fn is_expected(path: &Path) -> bool {
    kind::by_name(path).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn folders_are_searched_and_containers_are_not() {
        let top = tempfile::tempdir().unwrap();
        let at = |name: &str| top.path().join(name);
        for directory in ["b/rootfs/etc", "a", ".git", "other/rootfs"] {
            fs::create_dir_all(at(directory)).unwrap();
        }
        for file in [
            "b/config.json",
            "b/rootfs/etc/config.json",
            "a/x.toml",
            "a/readme",
            ".git/config.json",
            "other/rootfs/z.json",
        ] {
            fs::write(at(file), "{}").unwrap();
        }
        symlink(top.path(), at("a/loop")).unwrap();
        symlink(at("b"), at("a/elsewhere")).unwrap();
        symlink("x.toml", at("a/y.toml")).unwrap();
        symlink("nowhere", at("a/z.json")).unwrap();
        let inputs = collect(&[top.path().to_owned(), at("absent")]);
        let names: Vec<_> =
            inputs.candidates.iter().map(|found| found.path.strip_prefix(top.path()).unwrap().to_owned()).collect();
        assert_eq!(names, ["a/x.toml", "a/y.toml", "b/config.json", "other/rootfs/z.json"].map(PathBuf::from));
        assert_eq!(
            inputs.notes,
            [Problem {
                path: at("a/loop"),
                message: "a symbolic link to a directory that it is in; not followed".into()
            }]
        );
        let problems: Vec<_> = inputs.problems.iter().map(|problem| problem.path.clone()).collect();
        assert_eq!(problems, [at("a/z.json"), at("absent")]);
    }

    #[test]
    fn paths_that_overlap_are_judged_once() {
        let top = tempfile::tempdir().unwrap();
        let (bundle, file) = (top.path().join("b"), top.path().join("b/config.json"));
        fs::create_dir(&bundle).unwrap();
        fs::write(&file, "{}").unwrap();
        let orders = [[top.path(), bundle.as_path(), file.as_path()], [file.as_path(), bundle.as_path(), top.path()]];
        for paths in orders {
            let inputs = collect(&paths.map(Path::to_owned));
            assert_eq!(
                inputs.candidates,
                [Candidate { path: file.clone(), directory: None, place: None }],
                "{paths:?}"
            );
            assert!(
                inputs.directories.len() == 2 && inputs.directories.iter().all(|directory| directory.spoke),
                "{paths:?}"
            );
        }
    }
}
