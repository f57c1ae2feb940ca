//! What `guard status` shows: written by the guard to its socket as one JSON object, read by the command.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::place::socket;
use super::record::Told;

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
    #[error("no guard runs here: cannot connect to {path}: {source}; start it with `systemctl start oomshim-guard`")]
    NoGuard {
        /// The socket.
        path: String,
        /// The kernel's reason.
        source: std::io::Error,
    },
    /// The answer cannot be read.
    #[error("cannot read the guard's answer: {0}")]
    Read(#[from] std::io::Error),
    /// The answer is not one.
    #[error("the guard's answer is not one that this oomshim knows: {0}")]
    Parse(#[from] serde_json::Error),
}

/// Asks the guard that keeps that directory.
///
/// # Errors
/// [`StatusError`]
pub fn ask(directory: &Path) -> Result<Status, StatusError> {
    let path = socket(directory);
    let no_guard = |source| StatusError::NoGuard { path: path.display().to_string(), source };
    let stream = UnixStream::connect(&path).map_err(no_guard)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut bytes = Vec::new();
    stream.take(LIMIT).read_to_end(&mut bytes)?;
    Ok(serde_json::from_slice(&bytes)?)
}
