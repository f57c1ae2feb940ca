//! Takes an installation back: the bytes of before, or exactly oomshim's part, or nothing.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::error::{JournalError, error};
use super::{Entry, Journal, LIMIT, new_file};
use crate::fsutil::atomic_file::AtomicFile;
use crate::install::splice;

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
    /// It has only the names that containers need.
    Left,
}

/// What has to be done with a file.
struct Step {
    undone: Undone,
    /// The file, where there is one.
    now: Option<AtomicFile>,
    /// What it must hold; `None` where it must not be there.
    rest: Option<Vec<u8>>,
}

impl Journal {
    /// Takes everything back, the last change first, and removes the journal.
    ///
    /// # Errors
    /// [`JournalError`]; the journal then stays, and what was taken back is taken back.
    pub fn undo(&self) -> Result<Vec<(PathBuf, Undone)>, JournalError> {
        // All or nothing, as far as that can be known before.
        for (number, entry) in self.files.iter().enumerate() {
            self.step(number, entry)?;
        }
        let mut all = Vec::new();
        for (number, entry) in self.files.iter().enumerate().rev() {
            let step = self.step(number, entry)?;
            all.push((entry.path.clone(), step.undone));
            take(entry, step)?;
            remove_empty(&entry.directories);
        }
        for link in self.links.iter().rev() {
            if fs::read_link(&link.path).is_ok_and(|target| target == Path::new(&link.target)) {
                fs::remove_file(&link.path).map_err(error("remove", &link.path))?;
            }
            remove_empty(&link.directories);
        }
        // First what says that there is something to undo: a process that is killed here has done everything.
        let journal = self.directory.join("journal.json");
        fs::remove_file(&journal).map_err(error("remove", &journal))?;
        File::open(&self.directory)
            .and_then(|directory| directory.sync_all())
            .map_err(error("write to the disk", &self.directory))?;
        fs::remove_dir_all(&self.directory).map_err(error("remove", &self.directory))?;
        Ok(all)
    }

    /// Takes back what containers do not need, and leaves the rest for a later [`Journal::undo`]: `settings`, or else those
    /// that were planned to stay.
    ///
    /// # Errors
    /// [`JournalError`]; nothing is changed where it cannot be told what to leave.
    pub fn leave(mut self, settings: Option<&[String]>) -> Result<Vec<(PathBuf, Undone)>, JournalError> {
        let mut steps = Vec::new();
        for (number, entry) in self.files.iter().enumerate().rev() {
            let step = self.step(number, entry)?;
            let fragment = match settings {
                Some(settings) if !entry.tombstone.is_empty() => settings,
                _ => &entry.tombstone,
            };
            if fragment.is_empty() {
                steps.push((number, step));
                continue;
            }
            let rest = String::from_utf8(step.rest.unwrap_or_default()).unwrap_or_default();
            let problem = |problem| JournalError::Leave { path: entry.path.clone(), problem };
            let left = splice::merge(&entry.path, &rest, fragment).map_err(problem)?.into_bytes();
            let saved = self.saved(number, "left");
            let _ = fs::remove_file(&saved);
            new_file::write(&saved, &left, 0o600)?;
            steps.push((number, Step { undone: Undone::Left, now: step.now, rest: Some(left) }));
        }
        self.is_remainder = true;
        self.save()?;
        let mut all = Vec::new();
        for (number, step) in steps {
            let entry = &self.files[number];
            all.push((entry.path.clone(), step.undone));
            take(entry, step)?;
        }
        Ok(all)
    }

    fn step(&self, number: usize, entry: &Entry) -> Result<Step, JournalError> {
        new_file::sweep(&entry.path);
        let read = |when: &str| {
            let path = self.saved(number, when);
            fs::read(&path).map_err(|failed| error("read", &path)(failed))
        };
        let before = if entry.existed { Some(read("before")?) } else { None };
        let mut written = vec![read("after")?];
        if self.is_remainder {
            written.extend(read("left").ok());
        }
        let now = match AtomicFile::read(&entry.path, LIMIT) {
            Ok((file, bytes)) => Some((file, bytes)),
            Err(_) if !entry.path.exists() => None,
            Err(error) => return Err(error.into()),
        };
        let changed = || JournalError::Changed {
            path: entry.path.clone(),
            before: self.saved(number, "before"),
            after: self.saved(number, "after"),
        };
        let step = |undone, now, rest| Step { undone, now, rest };
        match (now, before) {
            (None, None) => Ok(step(Undone::AsBefore, None, None)),
            // Somebody removed it: to bring it back would be no undo.
            (None, Some(_)) => Err(changed()),
            (Some((file, now)), Some(before)) if now == before => Ok(step(Undone::AsBefore, Some(file), Some(before))),
            (Some((file, now)), Some(before)) if written.contains(&now) => {
                Ok(step(Undone::Restored, Some(file), Some(before)))
            }
            (Some((file, now)), None) if written.contains(&now) => Ok(step(Undone::Removed, Some(file), None)),
            (Some((file, now)), before) => {
                let before = before.unwrap_or_default();
                let rest = written.iter().find_map(|after| take_out(&now, &before, after)).ok_or_else(changed)?;
                Ok(step(Undone::TakenOut, Some(file), Some(rest)))
            }
        }
    }
}

/// Does a step.
fn take(entry: &Entry, step: Step) -> Result<(), JournalError> {
    match (step.undone, step.now, step.rest) {
        (Undone::AsBefore, ..) | (_, None, None) => Ok(()),
        (_, Some(_), None) => fs::remove_file(&entry.path).map_err(error("remove", &entry.path)),
        (undone, Some(file), Some(rest)) => {
            file.replace_durably(&rest)?;
            if let (Undone::Restored, Some((seconds, nanoseconds))) = (undone, entry.modified) {
                let since = Duration::new(seconds.unsigned_abs(), u32::try_from(nanoseconds).unwrap_or(0));
                // A comfort: make(1) and configuration management see an untouched file.
                let _ = File::open(&entry.path).and_then(|file| file.set_modified(SystemTime::UNIX_EPOCH + since));
            }
            Ok(())
        }
        (_, None, Some(rest)) => new_file::write(&entry.path, &rest, 0o644),
    }
}

/// Removes directories that were made, the highest first in the list. Only one that is empty goes, which is what is wanted.
fn remove_empty(directories: &[PathBuf]) {
    for directory in directories.iter().rev() {
        let _ = fs::remove_dir(directory);
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
