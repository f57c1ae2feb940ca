//! This process's own `oom_score_adj`, which the program that it becomes inherits: one descriptor for all reads and writes.

use std::fs::File;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use thiserror::Error;

use super::oom_score_adj::OomScoreAdj;
use super::os_error::OsError;

/// What went wrong with this process's own score.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OwnScoreError {
    /// The file could not be opened, read or written.
    #[error("cannot {operation} {}: {reason}", .path.display())]
    File {
        /// `/proc/self/oom_score_adj`
        path: PathBuf,
        /// `open`, `read` or `write`.
        operation: &'static str,
        /// The kernel's answer.
        reason: OsError,
    },
    /// The file does not hold what the kernel writes there.
    #[error("{} holds {text:?}, not what the kernel writes there", .path.display())]
    Content {
        /// `/proc/self/oom_score_adj`
        path: PathBuf,
        /// The beginning of what it holds.
        text: String,
    },
}

/// This process's own score.
#[derive(Debug)]
pub struct OwnScore {
    path: PathBuf,
    file: File,
    now: OomScoreAdj,
}

impl OwnScore {
    /// Reads the score from the proc file system mounted at `proc`.
    ///
    /// # Errors
    /// [`OwnScoreError`]
    pub fn read(proc: &Path) -> Result<Self, OwnScoreError> {
        let path = proc.join("self/oom_score_adj");
        let open = |write| std::fs::OpenOptions::new().read(true).write(write).custom_flags(0).open(&path);
        // A /proc that is mounted read-only can still be read.
        let file = open(true).or_else(|_| open(false)).map_err(|error| failed(&path, "open")(error))?;
        let mut buffer = [0_u8; 16];
        let length = file.read_at(&mut buffer, 0).map_err(failed(&path, "read"))?;
        let text = String::from_utf8_lossy(&buffer[..length]);
        let Ok(now) = text.trim_end().parse() else {
            return Err(OwnScoreError::Content { path, text: text.into_owned() });
        };
        Ok(OwnScore { path, file, now })
    }

    /// The score that this process has.
    #[must_use]
    pub fn now(&self) -> OomScoreAdj {
        self.now
    }

    /// Takes that score on.
    ///
    /// # Errors
    /// [`OwnScoreError::File`] with EACCES when the score is below this process's floor and it lacks `CAP_SYS_RESOURCE`
    /// in the initial user namespace (`fs/proc/base.c`, `__set_oom_adj`).
    pub fn set(&mut self, score: OomScoreAdj) -> Result<(), OwnScoreError> {
        if score == self.now {
            return Ok(());
        }
        self.file.write_at(score.to_string().as_bytes(), 0).map_err(failed(&self.path, "write"))?;
        self.now = score;
        Ok(())
    }

    /// Takes that score on where it is higher than the one that this process has; whether it was.
    ///
    /// # Errors
    /// [`OwnScoreError`]
    pub fn raise(&mut self, score: OomScoreAdj) -> Result<bool, OwnScoreError> {
        let higher = score > self.now;
        if higher {
            self.set(score)?;
        }
        Ok(higher)
    }

    /// Takes on the score nearest to `wanted` that this process may have, and tells which that was.
    ///
    /// The floor (`oom_score_adj_min`) can be read nowhere, so it is found by trying: eleven writes at the most.
    ///
    /// # Errors
    /// [`OwnScoreError`] for anything but a refusal to go so low.
    pub fn set_or_floor(&mut self, wanted: OomScoreAdj) -> Result<OomScoreAdj, OwnScoreError> {
        match self.set(wanted) {
            // A floor is below what the process has.
            Err(error) if error.is_refused() && wanted < self.now => {}
            done => return done.map(|()| wanted),
        }
        let (mut refused, mut allowed) = (wanted, self.now);
        while refused.above().is_some_and(|next| next < allowed) {
            let middle = refused.midpoint(allowed);
            match self.set(middle) {
                Ok(()) => allowed = middle,
                Err(error) if error.is_refused() => refused = middle,
                Err(error) => return Err(error),
            }
        }
        Ok(allowed)
    }

    /// The score nearest to `wanted` that this process may have, found by trying; its own score is put back.
    ///
    /// # Errors
    /// [`OwnScoreError`] when the score cannot be tried or put back.
    pub fn lowest(&mut self, wanted: OomScoreAdj) -> Result<OomScoreAdj, OwnScoreError> {
        let before = self.now;
        if wanted >= before {
            return Ok(wanted);
        }
        let lowest = self.set_or_floor(wanted);
        self.set(before)?;
        lowest
    }
}

impl OwnScoreError {
    /// Whether the kernel refused a write for lack of rights.
    fn is_refused(&self) -> bool {
        matches!(self, OwnScoreError::File { operation: "write", reason: OsError(Errno::EACCES | Errno::EPERM), .. })
    }
}

fn failed<'a>(path: &'a Path, operation: &'static str) -> impl Fn(std::io::Error) -> OwnScoreError + 'a {
    move |error| OwnScoreError::File { path: path.to_owned(), operation, reason: error.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(number: i64) -> OomScoreAdj {
        OomScoreAdj::new(number).unwrap()
    }

    /// A file in the place of the kernel's, without a floor. The kernel takes each write for a whole number, a file keeps
    /// what was longer before, so the numbers here have the same length.
    fn fake(text: &str) -> (tempfile::TempDir, Result<OwnScore, OwnScoreError>) {
        let proc = tempfile::tempdir().unwrap();
        std::fs::create_dir(proc.path().join("self")).unwrap();
        std::fs::write(proc.path().join("self/oom_score_adj"), text).unwrap();
        let own = OwnScore::read(proc.path());
        (proc, own)
    }

    #[test]
    fn the_score_is_put_back_after_the_search() {
        let (proc, own) = fake("400");
        let mut own = own.unwrap();
        assert_eq!(own.lowest(score(300)), Ok(score(300)));
        assert_eq!(own.now(), score(400));
        assert_eq!(std::fs::read_to_string(proc.path().join("self/oom_score_adj")).unwrap(), "400");
        assert_eq!(own.lowest(score(900)), Ok(score(900)));
        assert_eq!(std::fs::read_to_string(proc.path().join("self/oom_score_adj")).unwrap(), "400");
    }

    #[test]
    fn raise_never_lowers() {
        let (proc, own) = fake("400");
        let mut own = own.unwrap();
        assert_eq!((own.raise(score(300)), own.raise(score(500))), (Ok(false), Ok(true)));
        assert_eq!(std::fs::read_to_string(proc.path().join("self/oom_score_adj")).unwrap(), "500");
    }

    #[test]
    fn what_is_not_a_score_is_named() {
        let (_proc, own) = fake("many\n");
        assert!(own.unwrap_err().to_string().ends_with("holds \"many\\n\", not what the kernel writes there"));
        assert!(
            OwnScore::read(Path::new("/nowhere")).unwrap_err().to_string().starts_with("cannot open /nowhere/self/")
        );
    }

    #[test]
    fn the_kernels_floor_is_found_and_left() {
        // A thread's writes are the whole process's, and the tests run in one: only what changes nothing is tried here.
        let mut own = OwnScore::read(Path::new("/proc")).unwrap();
        let before = own.now();
        assert_eq!(own.lowest(before), Ok(before));
        assert_eq!(OwnScore::read(Path::new("/proc")).unwrap().now(), before);
    }
}
