//! Where records go, and how much is recorded: what `[log]` of the policy says.

pub mod record;

use std::path::PathBuf;

/// Where records go and how much is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Where records go.
    pub to: LogTo,
    /// The least important record that is still written.
    pub level: Level,
}

/// Where records go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogTo {
    /// journald's native protocol, `/run/systemd/journal/socket`.
    Journald,
    /// The syslog socket, `/dev/log`.
    Syslog,
    /// A file that lines of JSON are appended to; its path is absolute.
    File(PathBuf),
    /// Nowhere.
    Off,
}

/// How important a record is, most important first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The container was refused.
    Error,
    /// The container runs, but not with what its class says.
    Warn,
    /// What was done.
    Info,
    /// What was looked at and left alone.
    Debug,
}

impl Level {
    /// The word for it, as in the policy file.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
        }
    }
}
