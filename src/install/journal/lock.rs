//! One installation at a time: a lock on the directory of the journals, which needs no file that could be left behind.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::error::{JournalError, error};

/// How long another one is waited for, in seconds: as long as an engine's restart may take.
const PATIENCE: u64 = 120;

/// Holds the lock while it lives.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the lock goes when the file is closed")] File);

impl Lock {
    /// Waits for the lock on the directory of all journals, which is made where it does not exist.
    ///
    /// # Errors
    /// [`JournalError`] where the directory cannot be made, or another one does not end.
    pub fn take(all: &Path) -> Result<Lock, JournalError> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(all).map_err(error("make", all))?;
        let directory = File::open(all).map_err(error("open", all))?;
        let began = Instant::now();
        loop {
            match directory.try_lock() {
                Ok(()) => return Ok(Lock(directory)),
                Err(TryLockError::Error(failed)) => return Err(error("lock", all)(failed)),
                Err(TryLockError::WouldBlock) if began.elapsed() > Duration::from_secs(PATIENCE) => {
                    return Err(JournalError::Locked(PATIENCE));
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }
}
