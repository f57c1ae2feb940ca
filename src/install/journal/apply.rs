//! Does what a plan says, after it was written down.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::Path;

use super::error::{JournalError, error};
use super::{Journal, LIMIT, new_file};
use crate::fsutil::atomic_file::AtomicFile;
use crate::install::plan::{FileChange, Plan};

impl Journal {
    /// Does what the plan says.
    ///
    /// # Errors
    /// [`JournalError`]; [`Journal::undo`] then takes back what was done.
    pub fn apply(&self, plan: &Plan) -> Result<(), JournalError> {
        for (link, target) in &plan.links {
            make_parent(link)?;
            symlink(target, link).map_err(error("make the link", link))?;
        }
        plan.files.iter().try_for_each(write_file)
    }
}

fn write_file(change: &FileChange) -> Result<(), JournalError> {
    let path = &change.path;
    new_file::sweep(path);
    let Some(before) = &change.before else {
        make_parent(path)?;
        return new_file::write(path, &change.after, 0o644);
    };
    let (file, now) = AtomicFile::read(path, LIMIT)?;
    if now != *before {
        return Err(JournalError::Raced(path.clone()));
    }
    Ok(file.replace_durably(&change.after)?)
}

fn make_parent(path: &Path) -> Result<(), JournalError> {
    let parent = path.parent().unwrap_or(Path::new("/"));
    fs::DirBuilder::new().recursive(true).mode(0o755).create(parent).map_err(error("make", parent))
}
