//! What `guard status` shows: written by the guard to its socket as one JSON object, read by the command.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::place::socket;
use super::record::Told;
use crate::system::os_error::OsError;

/// The longest answer that is read, in bytes.
const LIMIT: u64 = 64 << 20;

/// The guard and its jobs at one moment. Sizes are bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The version of this format.
    pub oomshim_guard_status: u32,
    /// The guard's PID.
    pub pid: u32,
    /// `kill`, `observe` or `dry-run`.
    pub mode: String,
    /// Whether it looks every 100 ms.
    pub armed: bool,
    /// `MemTotal`
    pub memory_total: u64,
    /// `MemAvailable`
    pub memory_available: u64,
    /// `SwapTotal`
    pub swap_total: u64,
    /// `SwapFree`
    pub swap_free: u64,
    /// Below this the guard acts.
    pub floor: u64,
    /// How fast `MemAvailable` falls, in bytes a second.
    pub fall: u64,
    /// At that rate the floor is reached in so many milliseconds; absent where nothing falls.
    pub floor_in_ms: Option<u64>,
    /// Percent of the last second in which all tasks stalled; absent without PSI.
    pub full_share: Option<u64>,
    /// The jobs, the one that would be killed first.
    pub jobs: Vec<Told>,
    /// What looks like a job and is none, with the reason.
    pub refused: Vec<(String, String)>,
    /// What the guard cannot do here.
    pub cannot: Vec<String>,
    /// How many jobs it has killed.
    pub kills: u64,
    /// The longest that a turn of its loop came late, in milliseconds.
    pub longest_lag_ms: u64,
}

/// Why there is no status.
#[derive(Debug, Error)]
pub enum StatusError {
    /// Nobody listens.
    #[error(
        "no guard runs here: nothing listens at {path}; start it with `systemctl start oomshim-guard`, or see with \
         `journalctl -u oomshim-guard` why it ended"
    )]
    NoGuard {
        /// The socket.
        path: String,
    },
    /// Somebody else than root asks.
    #[error("only root may ask the guard: {path}: {}; run this with sudo", OsError(*.errno))]
    Refused {
        /// The socket.
        path: String,
        /// The kernel's reason.
        errno: Errno,
    },
    /// The kernel refuses something else.
    #[error("cannot connect to the guard at {path}: {}", OsError(*.errno))]
    Connect {
        /// The socket.
        path: String,
        /// The kernel's reason.
        errno: Errno,
    },
    /// It does not answer.
    #[error("the guard does not answer within 5 s; see `systemctl status oomshim-guard`")]
    Silent,
    /// The answer cannot be read.
    #[error("cannot read the guard's answer: {}; ask again", OsError(*.0))]
    Read(Errno),
    /// The answer is not one.
    #[error(
        "the guard's answer is not one that this oomshim knows ({0}): the guard is of another version; restart it with \
         `systemctl restart oomshim-guard`"
    )]
    Parse(#[from] serde_json::Error),
}

/// Asks the guard that keeps that directory.
///
/// # Errors
/// [`StatusError`]
pub fn ask(directory: &Path) -> Result<Status, StatusError> {
    let path = socket(directory);
    let shown = path.display().to_string();
    let errno = |error: &std::io::Error| error.raw_os_error().map_or(Errno::EIO, Errno::from_raw);
    let stream = UnixStream::connect(&path).map_err(|error| match errno(&error) {
        Errno::ENOENT | Errno::ECONNREFUSED => StatusError::NoGuard { path: shown.clone() },
        errno @ (Errno::EACCES | Errno::EPERM) => StatusError::Refused { path: shown.clone(), errno },
        errno => StatusError::Connect { path: shown.clone(), errno },
    })?;
    let read = |error: std::io::Error| match errno(&error) {
        Errno::EAGAIN => StatusError::Silent,
        errno => StatusError::Read(errno),
    };
    stream.set_read_timeout(Some(Duration::from_secs(5))).map_err(read)?;
    let mut bytes = Vec::new();
    stream.take(LIMIT).read_to_end(&mut bytes).map_err(read)?;
    Ok(serde_json::from_slice(&bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn each_failure_says_what_to_do() {
        let directory = tempfile::tempdir().unwrap();
        let told = || ask(directory.path()).unwrap_err().to_string();
        assert!(told().contains("systemctl start oomshim-guard"), "{}", told());
        let listener = UnixListener::bind(socket(directory.path())).unwrap();
        let answer = std::thread::spawn(move || drop(listener.accept()));
        assert!(told().contains("is of another version"), "an empty answer");
        answer.join().unwrap();
        // The listener is gone, its socket is not.
        assert!(told().contains("no guard runs here") && !told().contains("os error"), "{}", told());
    }
}
