//! What an installation changed, written down before the change: `DIRECTORY/NAME/journal.json`, and beside it each file's
//! bytes before and after, as they were. `uninstall` goes by it, and so can a person with cp(1).

mod apply;
mod error;
mod lock;
mod new_file;
mod undo;

#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::plan::Plan;
use crate::fsutil::atomic_file::AtomicFile;
pub use error::JournalError;
use error::error;
pub use lock::Lock;
pub use undo::Undone;

/// Where journals are.
pub const DIRECTORY: &str = "/var/lib/oomshim/install";

/// The largest file that is put back, in bytes: none larger was read.
const LIMIT: u64 = 1024 * 1024;

/// What a journal is written in.
const VERSION: u32 = 2;

/// The journal of one engine.
#[derive(Debug, Serialize, Deserialize)]
pub struct Journal {
    version: u32,
    /// The installation's name: its directory.
    name: String,
    /// The oomshim that made it.
    oomshim: String,
    /// How the engine was started.
    arguments: Vec<String>,
    links: Vec<Link>,
    files: Vec<Entry>,
    /// Whether an uninstall left only what containers need.
    is_remainder: bool,
    #[serde(skip)]
    directory: PathBuf,
}

#[derive(Debug, Serialize, Deserialize)]
struct Link {
    path: PathBuf,
    target: String,
    /// The directories that were made for it, the highest first.
    directories: Vec<PathBuf>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    path: PathBuf,
    existed: bool,
    /// When it was changed last, before: seconds and nanoseconds.
    modified: Option<(i64, i64)>,
    /// The directories that were made for it, the highest first.
    directories: Vec<PathBuf>,
    /// Settings that stay while containers have the names in them.
    tombstone: Vec<String>,
}

impl Journal {
    /// Where the journal of that name is, below the directory of all journals.
    #[must_use]
    pub fn path(all: &Path, name: &str) -> PathBuf {
        all.join(name).join("journal.json")
    }

    /// The names of all journals of a kind: the kind's own, and those of installations for another configuration file.
    #[must_use]
    pub fn names(all: &Path, kind: &str) -> Vec<String> {
        let entries = fs::read_dir(all).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| name.strip_prefix(kind).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')))
            .filter(|name| Journal::path(all, name).exists())
            .collect();
        names.sort();
        names
    }

    /// Writes down what the plan will change. Nothing is changed yet.
    ///
    /// # Errors
    /// [`JournalError`], also where there is a journal already.
    pub fn write(all: &Path, plan: &Plan) -> Result<Journal, JournalError> {
        let path = Journal::path(all, &plan.name);
        if path.exists() {
            return Err(JournalError::Exists(path));
        }
        let directory = all.join(&plan.name);
        // Of a process that was killed before its journal was complete, and so before it changed anything; or behind
        // the removal of a journal whose work was done.
        if directory.exists() {
            fs::remove_dir_all(&directory).map_err(error("remove", &directory))?;
        }
        let journal = Journal::fill(plan, directory.clone());
        journal.inspect_err(|_| {
            let _ = fs::remove_dir_all(&directory);
        })
    }

    fn fill(plan: &Plan, directory: PathBuf) -> Result<Journal, JournalError> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(error("make", &directory))?;
        for (number, change) in plan.files.iter().enumerate() {
            if let Some(before) = &change.before {
                new_file::write(&directory.join(format!("{number}.before")), before, 0o600)?;
            }
            new_file::write(&directory.join(format!("{number}.after")), &change.after, 0o600)?;
        }
        let files = plan.files.iter().map(|change| Entry {
            path: change.path.clone(),
            existed: change.before.is_some(),
            modified: fs::metadata(&change.path).ok().map(|stat| (stat.mtime(), stat.mtime_nsec())),
            directories: missing_directories(&change.path),
            tombstone: change.tombstone.clone(),
        });
        let links = plan.links.iter().map(|(path, target)| Link {
            path: path.clone(),
            target: target.clone(),
            directories: missing_directories(path),
        });
        let journal = Journal {
            version: VERSION,
            name: plan.name.clone(),
            oomshim: env!("CARGO_PKG_VERSION").to_owned(),
            arguments: plan.arguments.clone(),
            links: links.collect(),
            files: files.collect(),
            is_remainder: false,
            directory,
        };
        journal.save()?;
        Ok(journal)
    }

    fn save(&self) -> Result<(), JournalError> {
        let path = self.directory.join("journal.json");
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| JournalError::Malformed { path: path.clone(), reason: error.to_string() })?;
        if !path.exists() {
            return new_file::write(&path, &text, 0o600);
        }
        let (file, _) = AtomicFile::read(&path, LIMIT)?;
        Ok(file.replace_durably(&text)?)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How the engine was started, the program's name first.
    #[must_use]
    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// Whether a unit of systemd was changed.
    #[must_use]
    pub fn has_unit(&self) -> bool {
        self.files.iter().any(|entry| entry.path.to_string_lossy().contains("/systemd/system/"))
    }

    /// Whether an uninstall left only what containers need.
    #[must_use]
    pub fn is_remainder(&self) -> bool {
        self.is_remainder
    }

    /// Reads the journal of that name.
    ///
    /// # Errors
    /// [`JournalError`]
    pub fn read(all: &Path, name: &str) -> Result<Journal, JournalError> {
        let path = Journal::path(all, name);
        let text = fs::read(&path).map_err(|read| match read.kind() {
            io::ErrorKind::NotFound => JournalError::Missing(path.clone()),
            _ => error("read", &path)(read),
        })?;
        let malformed =
            |error: serde_json::Error| JournalError::Malformed { path: path.clone(), reason: error.to_string() };
        let journal: Journal = serde_json::from_slice(&text).map_err(malformed)?;
        if journal.version != VERSION {
            let reason = format!("version {} is of another oomshim", journal.version);
            return Err(JournalError::Malformed { path, reason });
        }
        Ok(Journal { directory: all.join(name), ..journal })
    }

    /// A file of the journal: what the entry of that number held at some time.
    fn saved(&self, number: usize, when: &str) -> PathBuf {
        self.directory.join(format!("{number}.{when}"))
    }
}

/// The directories above a path that do not exist, the highest first.
fn missing_directories(path: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> =
        path.ancestors().skip(1).take_while(|path| !path.exists()).map(Path::to_owned).collect();
    all.reverse();
    all
}
