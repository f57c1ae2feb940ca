//! Where the events of tracing go, and how many of them: what `[log]` of the policy says.
//!
//! Modules say `info!`, `warn!` and the like; the program calls [`start`] once it knows its policy. A target is a file
//! beside this one, a variant of [`LogTo`] and its line in `LogTo::send`.

mod fallback;
mod file;
mod journald;
pub mod message;
mod record;
mod subscriber;
mod syslog;

use std::io;
use std::path::PathBuf;

use tracing::level_filters::LevelFilter;

use record::Record;
pub use subscriber::Subscriber;

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
    /// journald's native protocol, `/run/systemd/journal/socket`; where nobody listens there, syslog, and where
    /// nobody listens there either, the file that `fallback` describes.
    Journald,
    /// The syslog socket, `/dev/log`.
    Syslog,
    /// A file that lines of JSON are appended to; its path is absolute.
    File(PathBuf),
    /// Nowhere.
    Off,
}

impl LogTo {
    /// Writes one record there, without ever waiting for whoever reads it: when memory is gone, he may not run.
    fn send(&self, record: &Record) -> io::Result<()> {
        match self {
            LogTo::Journald => journald::send(record)
                .or_else(|error| if nobody_listens(&error) { syslog::send(record) } else { Err(error) })
                .or_else(|error| if nobody_listens(&error) { fallback::send(record) } else { Err(error) }),
            LogTo::Syslog => syslog::send(record),
            LogTo::File(path) => file::append(path, record),
            LogTo::Off => Ok(()),
        }
    }
}

/// Whether nobody is behind the socket; one that is full has a reader.
fn nobody_listens(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::NotADirectory)
}

/// How important a record is, most important first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The container was refused.
    Error,
    /// The container runs, but not with what its class says.
    Warn,
    /// What was asked of the runtime.
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

    /// The priority of syslog(3).
    fn priority(self) -> u8 {
        match self {
            Level::Error => 3,
            Level::Warn => 4,
            Level::Info => 6,
            Level::Debug => 7,
        }
    }
}

impl From<&tracing::Level> for Level {
    fn from(level: &tracing::Level) -> Self {
        match *level {
            tracing::Level::ERROR => Level::Error,
            tracing::Level::WARN => Level::Warn,
            tracing::Level::INFO => Level::Info,
            tracing::Level::DEBUG | tracing::Level::TRACE => Level::Debug,
        }
    }
}

impl From<Level> for LevelFilter {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => LevelFilter::ERROR,
            Level::Warn => LevelFilter::WARN,
            Level::Info => LevelFilter::INFO,
            Level::Debug => LevelFilter::DEBUG,
        }
    }
}

/// Sends this process's events there from now on. The first call counts.
pub fn start(log: &Log) {
    let _ = tracing::subscriber::set_global_default(Subscriber::new(log.clone()));
}
