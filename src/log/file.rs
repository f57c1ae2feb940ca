//! A file of lines of JSON.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::SystemTime;

use nix::fcntl::OFlag;

use super::record::Record;

/// One write of one line with `O_APPEND`, so that many shims can write to the same file.
pub(super) fn append(path: &Path, record: &Record) -> io::Result<()> {
    // NONBLOCK: the administrator may have named a FIFO that nobody reads.
    let flags = OFlag::O_NONBLOCK.bits();
    let mut file = OpenOptions::new().append(true).create(true).mode(0o640).custom_flags(flags).open(path)?;
    file.write_all(line(record, SystemTime::now()).as_bytes())
}

pub(super) fn line(record: &Record, now: SystemTime) -> String {
    let quote = |text: &str| serde_json::Value::from(text).to_string();
    let time = humantime::format_rfc3339_millis(now);
    let (level, message) = (record.level.word(), quote(&record.message));
    let mut line = format!("{{\"time\":\"{time}\",\"level\":\"{level}\",\"msg\":{message}");
    for (name, value) in &record.fields {
        line.push_str(&format!(",{}:{}", quote(name), quote(value)));
    }
    line.push_str("}\n");
    line
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::example;
    use super::*;

    #[test]
    fn a_line_is_json() {
        let line = line(&example(), SystemTime::UNIX_EPOCH);
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["time"], "1970-01-01T00:00:00.000Z");
        assert_eq!((value["level"].as_str(), value["id"].as_str()), (Some("warn"), Some("c\u{fffd}\\n\"x")));
        assert_eq!(value["msg"], "clamped\\n\\u{1b}[2J");
    }

    #[test]
    fn a_pipe_without_reader_holds_up_nobody() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("fifo");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(append(&path, &example()).is_err());
    }
}
