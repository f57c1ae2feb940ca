//! What an installation changed, written down before the change: `DIRECTORY/ENGINE/journal.json`, and beside it each file's
//! bytes before and after, as they were. `uninstall` goes by it, and so can a person with cp(1).

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::plan::{FileChange, Plan};
use crate::engines::Engine;
use crate::fsutil::atomic_file::{AtomicFile, AtomicFileError};
use crate::system::os_error::OsError;

/// Where journals are.
pub const DIRECTORY: &str = "/var/lib/oomshim/install";

/// The largest file that is put back, in bytes: none larger was read.
const LIMIT: u64 = 1024 * 1024;

/// Why an installation could not be made or taken back.
#[derive(Debug, Error)]
pub enum JournalError {
    /// A file could not be read or written.
    #[error("cannot {operation} {}: {reason}", .path.display())]
    File {
        /// What was tried.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// The kernel's answer.
        reason: OsError,
    },
    /// A file could not be replaced.
    #[error(transparent)]
    Replace(#[from] AtomicFileError),
    /// The engine has a journal already.
    #[error("{} is of an installation that was not finished, or whose files were changed since: run `oomshim uninstall` first", .0.display())]
    Exists(PathBuf),
    /// There is no journal.
    #[error("{} does not exist: nothing was installed for this engine by `oomshim install`", .0.display())]
    Missing(PathBuf),
    /// The journal is not one.
    #[error("{} is malformed: {reason}", .path.display())]
    Malformed {
        /// The journal.
        path: PathBuf,
        /// What the parser says.
        reason: String,
    },
    /// A file was changed by somebody else since, so that oomshim's part cannot be told apart.
    #[error(
        "{} was changed since, and oomshim's part is not as it was written; what it was before and after is in {} and {}",
        .path.display(), .before.display(), .after.display()
    )]
    Changed {
        /// The file.
        path: PathBuf,
        /// Its bytes before the installation; missing where it did not exist.
        before: PathBuf,
        /// Its bytes after the installation.
        after: PathBuf,
    },
}

/// The journal of one engine.
#[derive(Debug, Serialize, Deserialize)]
pub struct Journal {
    version: u32,
    engine: String,
    links: Vec<PathBuf>,
    files: Vec<Entry>,
    /// Whether an uninstall left only what containers need.
    #[serde(default)]
    is_remainder: bool,
    #[serde(skip)]
    directory: PathBuf,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    path: PathBuf,
    existed: bool,
    /// The directories that were made for it, the highest first.
    directories: Vec<PathBuf>,
}

/// What became of a file at `uninstall`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undone {
    /// It has the bytes of before again.
    Restored,
    /// It did not exist before, and was removed.
    Removed,
    /// Others changed it since; oomshim's part was taken out.
    TakenOut,
    /// It is as it was before already.
    AsBefore,
}

fn error<'a>(operation: &'static str, path: &'a Path) -> impl Fn(io::Error) -> JournalError + 'a {
    move |error| JournalError::File { operation, path: path.to_owned(), reason: error.into() }
}

impl Journal {
    /// Where the journal of an engine is, below the directory of all journals.
    #[must_use]
    pub fn path(all: &Path, engine: Engine) -> PathBuf {
        all.join(engine.name()).join("journal.json")
    }

    /// Writes down what the plan will change. Nothing is changed yet.
    ///
    /// # Errors
    /// [`JournalError`], also where there is a journal already.
    pub fn write(all: &Path, plan: &Plan) -> Result<Journal, JournalError> {
        let path = Journal::path(all, plan.engine);
        if path.exists() {
            return Err(JournalError::Exists(path));
        }
        let directory = all.join(plan.engine.name());
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(error("make", &directory))?;
        for (number, change) in plan.files.iter().enumerate() {
            if let Some(before) = &change.before {
                write_new(&directory.join(format!("{number}.before")), before)?;
            }
            write_new(&directory.join(format!("{number}.after")), &change.after)?;
        }
        let files = plan.files.iter().map(|change| Entry {
            path: change.path.clone(),
            existed: change.before.is_some(),
            directories: missing_directories(&change.path),
        });
        let links = plan.links.iter().map(|(link, _)| link.clone()).collect();
        let engine = plan.engine.name().to_owned();
        let journal = Journal { version: 1, engine, links, files: files.collect(), is_remainder: false, directory };
        journal.save()?;
        Ok(journal)
    }

    fn save(&self) -> Result<(), JournalError> {
        let path = self.directory.join("journal.json");
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| JournalError::Malformed { path: path.clone(), reason: error.to_string() })?;
        if !path.exists() {
            return write_new(&path, &text);
        }
        let (file, _) = AtomicFile::read(&path, LIMIT)?;
        Ok(file.replace_durably(&text)?)
    }

    /// Whether an uninstall left only what containers need.
    #[must_use]
    pub fn is_remainder(&self) -> bool {
        self.is_remainder
    }

    /// Leaves that text in the one file that the installation made, and everything else for a later [`Journal::undo`].
    ///
    /// # Errors
    /// [`JournalError`], also where the file is not as the installation wrote it.
    pub fn leave(mut self, text: &str) -> Result<PathBuf, JournalError> {
        let (before, after) = (self.directory.join("0.before"), self.directory.join("0.after"));
        let Some(Entry { path, existed: false, .. }) = self.files.first() else {
            let path = self.files.first().map(|entry| entry.path.clone()).unwrap_or_default();
            return Err(JournalError::Changed { path, before, after });
        };
        let path = path.clone();
        let (file, now) = AtomicFile::read(&path, LIMIT)?;
        if now != fs::read(&after).map_err(error("read", &after))? {
            return Err(JournalError::Changed { path, before, after });
        }
        file.replace_durably(text.as_bytes())?;
        let (saved, _) = AtomicFile::read(&after, LIMIT)?;
        saved.replace_durably(text.as_bytes())?;
        self.is_remainder = true;
        self.save()?;
        Ok(path)
    }

    /// Reads the journal of an engine.
    ///
    /// # Errors
    /// [`JournalError`]
    pub fn read(all: &Path, engine: Engine) -> Result<Journal, JournalError> {
        let path = Journal::path(all, engine);
        let text = fs::read(&path).map_err(|read| match read.kind() {
            io::ErrorKind::NotFound => JournalError::Missing(path.clone()),
            _ => error("read", &path)(read),
        })?;
        let malformed =
            |error: serde_json::Error| JournalError::Malformed { path: path.clone(), reason: error.to_string() };
        let journal: Journal = serde_json::from_slice(&text).map_err(malformed)?;
        if journal.version != 1 {
            let reason = format!("version {} is of another oomshim", journal.version);
            return Err(JournalError::Malformed { path, reason });
        }
        Ok(Journal { directory: all.join(engine.name()), ..journal })
    }

    /// Does what the plan says.
    ///
    /// # Errors
    /// [`JournalError`]; [`Journal::undo`] then takes back what was done.
    pub fn apply(&self, plan: &Plan) -> Result<(), JournalError> {
        for (link, target) in &plan.links {
            symlink(target, link).map_err(error("make the link", link))?;
        }
        plan.files.iter().try_for_each(write_file)
    }

    /// Takes everything back, the last change first, and removes the journal.
    ///
    /// # Errors
    /// [`JournalError`]; the journal then stays, and what was taken back is taken back.
    pub fn undo(&self) -> Result<Vec<(PathBuf, Undone)>, JournalError> {
        let mut all = Vec::new();
        for (number, entry) in self.files.iter().enumerate().rev() {
            all.push((entry.path.clone(), self.undo_file(number, entry)?));
            for directory in entry.directories.iter().rev() {
                // Only one that is empty goes, which is what is wanted.
                let _ = fs::remove_dir(directory);
            }
        }
        for link in &self.links {
            if link.is_symlink() {
                fs::remove_file(link).map_err(error("remove", link))?;
            }
        }
        fs::remove_dir_all(&self.directory).map_err(error("remove", &self.directory))?;
        Ok(all)
    }

    fn undo_file(&self, number: usize, entry: &Entry) -> Result<Undone, JournalError> {
        let saved = |name: &str| self.directory.join(format!("{number}.{name}"));
        let read = |path: PathBuf| fs::read(&path).map_err(error("read", &path));
        let before = if entry.existed { Some(read(saved("before"))?) } else { None };
        let after = read(saved("after"))?;
        let now = match AtomicFile::read(&entry.path, LIMIT) {
            Ok((file, bytes)) => Some((file, bytes)),
            Err(_) if !entry.path.exists() => None,
            Err(error) => return Err(error.into()),
        };
        let changed =
            || JournalError::Changed { path: entry.path.clone(), before: saved("before"), after: saved("after") };
        match (now, before) {
            (None, None) => Ok(Undone::AsBefore),
            // Somebody removed it: to bring it back would be no undo.
            (None, Some(_)) => Err(changed()),
            (Some((_, now)), Some(before)) if now == before => Ok(Undone::AsBefore),
            (Some((file, now)), Some(before)) if now == after => {
                file.replace_durably(&before)?;
                Ok(Undone::Restored)
            }
            (Some((_, now)), None) if now == after => {
                fs::remove_file(&entry.path).map_err(error("remove", &entry.path))?;
                Ok(Undone::Removed)
            }
            (Some((file, now)), before) => {
                let rest = take_out(&now, &before.unwrap_or_default(), &after).ok_or_else(changed)?;
                file.replace_durably(&rest)?;
                Ok(Undone::TakenOut)
            }
        }
    }
}

/// The bytes with what `after` has in place of a part of `before` put back, if it is in there exactly once.
fn take_out(now: &[u8], before: &[u8], after: &[u8]) -> Option<Vec<u8>> {
    let same = |pair: &(&u8, &u8)| pair.0 == pair.1;
    let start = before.iter().zip(after).take_while(same).count();
    let end = before[start..].iter().rev().zip(after[start..].iter().rev()).take_while(same).count();
    let (old, new) = (&before[start..before.len() - end], &after[start..after.len() - end]);
    let places: Vec<usize> = (0..=now.len().checked_sub(new.len())?).filter(|&at| now[at..].starts_with(new)).collect();
    match (new.is_empty(), places.as_slice()) {
        (false, &[at]) => Some([&now[..at], old, &now[at + new.len()..]].concat()),
        _ => None,
    }
}

/// The directories above a path that do not exist, the highest first.
fn missing_directories(path: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> =
        path.ancestors().skip(1).take_while(|path| !path.exists()).map(Path::to_owned).collect();
    all.reverse();
    all
}

fn write_file(change: &FileChange) -> Result<(), JournalError> {
    let path = &change.path;
    if change.before.is_some() {
        let (file, now) = AtomicFile::read(path, LIMIT)?;
        if Some(&now) != change.before.as_ref() {
            let reason = OsError(nix::errno::Errno::EBUSY);
            return Err(JournalError::File {
                operation: "change, because somebody else just did,",
                path: path.clone(),
                reason,
            });
        }
        return Ok(file.replace_durably(&change.after)?);
    }
    let parent = path.parent().unwrap_or(Path::new("/"));
    fs::DirBuilder::new().recursive(true).mode(0o755).create(parent).map_err(error("make", parent))?;
    write_mode(path, &change.after, 0o644)
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), JournalError> {
    // Left by a process that was killed before its journal was complete, and so before it changed anything.
    let _ = fs::remove_file(path);
    write_mode(path, bytes, 0o600)
}

/// A new file, on the disk when this returns. It gets its name when it is complete.
fn write_mode(path: &Path, bytes: &[u8], mode: u32) -> Result<(), JournalError> {
    let parent = path.parent().unwrap_or(Path::new("/"));
    let temporary = parent.join(format!(".oomshim-install-{}", std::process::id()));
    let write = || -> io::Result<()> {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        // A file that came there meanwhile is somebody else's.
        fs::hard_link(&temporary, path)?;
        fs::remove_file(&temporary)?;
        fs::File::open(parent)?.sync_all()
    };
    write().map_err(|failed| {
        let _ = fs::remove_file(&temporary);
        error("write", path)(failed)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(path: &Path, before: Option<&str>, after: &str) -> FileChange {
        let before = before.map(|text| text.as_bytes().to_vec());
        FileChange { path: path.to_owned(), before, after: after.as_bytes().to_vec() }
    }

    fn plan(files: Vec<FileChange>) -> Plan {
        Plan { engine: Engine::Podman, links: Vec::new(), files, effect: String::new() }
    }

    /// Installs, changes the files, and undoes; gives what undo says and the files after it.
    fn round(
        before: Option<&str>,
        after: &str,
        meanwhile: Option<&str>,
    ) -> (Result<Vec<Undone>, String>, Option<String>) {
        let root = tempfile::tempdir().unwrap();
        let (all, path) = (root.path().join("journals"), root.path().join("etc/x.d/50.conf"));
        if let Some(before) = before {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, before).unwrap();
        }
        let plan = plan(vec![change(&path, before, after)]);
        Journal::write(&all, &plan).unwrap().apply(&plan).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), after);
        assert!(matches!(Journal::write(&all, &plan), Err(JournalError::Exists(_))));
        if let Some(text) = meanwhile {
            fs::write(&path, text).unwrap();
        }
        let undone = Journal::read(&all, Engine::Podman).unwrap().undo();
        let kept = Journal::path(&all, Engine::Podman).exists();
        assert_eq!(kept, undone.is_err(), "the journal stays where something could not be undone");
        let undone = undone.map(|all| all.into_iter().map(|(_, undone)| undone).collect());
        if before.is_none() && undone.is_ok() && meanwhile.is_none() {
            assert!(!root.path().join("etc").exists(), "directories of ours go as well");
        }
        (undone.map_err(|error| error.to_string()), fs::read_to_string(&path).ok())
    }

    #[test]
    fn undo_restores_exactly_or_not_at_all() {
        assert_eq!(round(Some("a\n"), "a\nb\n", None), (Ok(vec![Undone::Restored]), Some("a\n".into())));
        assert_eq!(round(None, "b\n", None), (Ok(vec![Undone::Removed]), None));
        assert_eq!(round(Some("a\n"), "a\nb\n", Some("a\n")), (Ok(vec![Undone::AsBefore]), Some("a\n".into())));
        let taken = round(Some("a\n"), "a\nbin = 1\n", Some("x\na\nbin = 1\nc\n"));
        assert_eq!(taken, (Ok(vec![Undone::TakenOut]), Some("x\na\nc\n".into())));
        let (refused, text) = round(Some("a\n"), "a\nbin = 1\n", Some("a\nbin = 2\n"));
        assert!(refused.unwrap_err().contains("0.before") && text.as_deref() == Some("a\nbin = 2\n"));
    }

    #[test]
    fn a_file_that_changed_since_the_plan_is_left() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("x");
        fs::write(&path, "new").unwrap();
        let plan = plan(vec![change(&path, Some("old"), "after")]);
        let journal = Journal::write(&root.path().join("journals"), &plan).unwrap();
        assert!(journal.apply(&plan).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        let fresh = Plan { files: vec![change(&path, None, "after")], ..plan };
        assert!(journal.apply(&fresh).is_err(), "it exists by now");
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    }
}
