//! What oomshim writes down about a container, and where: journald, syslog or a file; never the streams and logs that
//! belong to the runtime. A record that cannot be written is lost: it must not hold up or stop a container.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::SystemTime;

use super::{Level, Log, LogTo};
use crate::text::escape;

const JOURNALD: &str = "/run/systemd/journal/socket";
const SYSLOG: &str = "/dev/log";

/// One thing to be known about a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// How important it is.
    pub level: Level,
    /// A sentence for people.
    pub message: String,
    /// The same in parts, for programs. Names are lower-case words.
    pub fields: Vec<(&'static str, String)>,
}

impl Record {
    /// A record of that sentence.
    #[must_use]
    pub fn new(level: Level, message: impl Into<String>) -> Record {
        Record { level, message: message.into(), fields: Vec::new() }
    }

    /// With one more part.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl AsRef<OsStr>) -> Record {
        self.fields.push((name, escape::bytes(value.as_ref().as_bytes())));
        self
    }

    /// Writes the record where the policy says, if it is important enough.
    pub fn write(&self, log: &Log) {
        if self.level > log.level {
            return;
        }
        let _ = match &log.to {
            LogTo::Off => Ok(()),
            LogTo::Journald => send(Path::new(JOURNALD), &self.journald()),
            LogTo::Syslog => send(Path::new(SYSLOG), &self.syslog()),
            LogTo::File(path) => self.append(path),
        };
    }

    /// One write of one line with `O_APPEND`, so that many shims can write to the same file.
    fn append(&self, path: &Path) -> std::io::Result<()> {
        // NONBLOCK: the administrator may have named a FIFO that nobody reads.
        let flags = nix::fcntl::OFlag::O_NONBLOCK.bits();
        let mut file =
            std::fs::OpenOptions::new().append(true).create(true).mode(0o640).custom_flags(flags).open(path)?;
        file.write_all(self.json(SystemTime::now()).as_bytes())
    }

    fn json(&self, now: SystemTime) -> String {
        let quote = |text: &str| serde_json::Value::from(text).to_string();
        let time = humantime::format_rfc3339_millis(now);
        let message = quote(&escape::text(&self.message));
        let mut line = format!("{{\"time\":\"{time}\",\"level\":\"{}\",\"msg\":{message}", self.level.word());
        for (name, value) in &self.fields {
            line.push_str(&format!(",{}:{}", quote(name), quote(value)));
        }
        line.push_str("}\n");
        line
    }

    /// journald's native protocol: a datagram of NAME=value lines; the values here never hold a line break.
    fn journald(&self) -> String {
        let message = escape::text(&self.message);
        let mut datagram = format!("MESSAGE={message}\nPRIORITY={}\nSYSLOG_IDENTIFIER=oomshim\n", self.priority());
        for (name, value) in &self.fields {
            datagram.push_str(&format!("OOMSHIM_{}={value}\n", name.to_ascii_uppercase()));
        }
        datagram
    }

    /// RFC 3164 as local daemons send it: facility daemon (3).
    fn syslog(&self) -> String {
        format!("<{}>oomshim[{}]: {}", 3 * 8 + self.priority(), std::process::id(), escape::text(&self.message))
    }

    fn priority(&self) -> u8 {
        match self.level {
            Level::Error => 3,
            Level::Warn => 4,
            Level::Info => 6,
            Level::Debug => 7,
        }
    }
}

/// Sends without waiting: when memory is gone, whoever reads the socket may not run.
fn send(socket: &Path, text: &str) -> std::io::Result<()> {
    let own = UnixDatagram::unbound()?;
    own.set_nonblocking(true)?;
    own.send_to(text.as_bytes(), socket).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record::new(Level::Warn, "clamped\n\u{1b}[2J").with("id", OsStr::from_bytes(b"c\xff\n\"x")).with("score", "0")
    }

    #[test]
    fn hostile_text_stays_in_its_field() {
        let line = record().json(SystemTime::UNIX_EPOCH);
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!((value["level"].as_str(), value["id"].as_str()), (Some("warn"), Some("c\u{fffd}\\n\"x")));
        assert_eq!(value["msg"], "clamped\\n\\u{1b}[2J");
        assert_eq!(
            record().journald(),
            "MESSAGE=clamped\\n\\u{1b}[2J\nPRIORITY=4\nSYSLOG_IDENTIFIER=oomshim\nOOMSHIM_ID=c\u{fffd}\\n\"x\nOOMSHIM_SCORE=0\n"
        );
        assert!(
            record().syslog().starts_with("<28>oomshim[") && record().syslog().ends_with("]: clamped\\n\\u{1b}[2J")
        );
    }

    #[test]
    fn a_file_gets_a_line_for_each_record_of_its_level() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let log = Log { to: LogTo::File(path.clone()), level: Level::Info };
        record().write(&log);
        Record::new(Level::Debug, "not important").write(&log);
        Record::new(Level::Info, "done").write(&log);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 2);
        assert!(!text.contains("not important"));
    }

    #[test]
    fn a_socket_gets_the_datagram_and_nobody_waits_for_a_full_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let reader = UnixDatagram::bind(&path).unwrap();
        send(&path, "hello").unwrap();
        let mut buffer = [0; 16];
        assert_eq!(reader.recv(&mut buffer).unwrap(), 5);
        let full = (0..100_000).find_map(|_| send(&path, "x").err()).unwrap();
        assert_eq!(full.kind(), std::io::ErrorKind::WouldBlock);
    }
}
