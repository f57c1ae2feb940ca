//! How an error of oomshim's own reaches the engine's user.
//!
//! containerd and podman read the runtime's `--log` file, buildkit and CRI-O its standard error, so both get it; and
//! only when the runtime will not run, because a line from a runtime that succeeds is taken for a failure.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::SystemTime;

use super::argv::Global;
use super::flavor::Subcommand;
use crate::text::escape;

/// conmon hands 8191 bytes of standard error on (`src/config.h`, `BUF_SIZE`); a message is kept well below.
const LIMIT: usize = 4000;

/// The exit status for a failure of that subcommand: exec's own failures are 255 in runc and youki, everything else is 1.
#[must_use]
pub fn exit_status(subcommand: Option<Subcommand>) -> u8 {
    if subcommand == Some(Subcommand::Exec) { 255 } else { 1 }
}

/// The message as one line of text.
#[must_use]
pub fn line(message: &str) -> String {
    let mut text = format!("oomshim: {}", escape::text(message));
    if text.len() > LIMIT {
        let cut = (0..=LIMIT).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        text.truncate(cut);
        text.push('…');
    }
    text
}

/// Whether this process was started with its standard error open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StandardError {
    /// It was.
    Open,
    /// It was not, and descriptor 2 may belong to a file that was opened since.
    Closed,
}

/// Writes the message where the engine that gave those options looks for a runtime's error.
pub fn report(message: &str, global: &Global<'_>, stderr: StandardError) {
    let text = line(message);
    if let Some(path) = global.log.and_then(log_file) {
        let entry = log_entry(&text, global.log_format, SystemTime::now());
        // One write of one line with O_APPEND, as the runtimes do. Where it fails, standard error still tells.
        let file = OpenOptions::new().append(true).create(true).mode(0o644).open(path);
        let _ = file.and_then(|mut file| file.write_all(entry.as_bytes()));
    }
    if stderr == StandardError::Open {
        let _ = std::io::stderr().write_all(format!("{text}\n").as_bytes());
    }
}

/// The file that `--log` names; crun also takes `file:PATH`, and names of services, which are no files.
fn log_file(value: &OsStr) -> Option<&Path> {
    let bytes = value.as_bytes();
    let path = bytes.strip_prefix(b"file:").unwrap_or(bytes);
    let service = [&b"journald:"[..], b"syslog:"].iter().any(|name| bytes.starts_with(name));
    (!path.is_empty() && !service).then(|| Path::new(OsStr::from_bytes(path)))
}

/// A line as runc's logger writes it: JSON, or text where the format is not said.
fn log_entry(text: &str, format: Option<&OsStr>, now: SystemTime) -> String {
    let time = humantime::format_rfc3339_seconds(now);
    // A JSON string's escapes are also right for the quoted text of the other format.
    let quoted = serde_json::Value::from(text).to_string();
    if format.is_some_and(|format| format == "json") {
        format!("{{\"level\":\"error\",\"msg\":{quoted},\"time\":\"{time}\"}}\n")
    } else {
        format!("time=\"{time}\" level=error msg={quoted}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_json_line_is_what_containerd_decodes() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let entry = log_entry(&line("cannot \"do\" it\n\u{1b}"), Some(OsStr::new("json")), now);
        let value: serde_json::Value = serde_json::from_str(&entry).unwrap();
        assert_eq!(value["level"], "error");
        assert_eq!(value["msg"], "oomshim: cannot \"do\" it\\n\\u{1b}");
        assert_eq!(value["time"], "2023-11-14T22:13:20Z");
        assert_eq!(entry.matches('\n').count(), 1);
    }

    #[test]
    fn the_log_of_each_runtime_is_found() {
        let file = |value: &str| log_file(OsStr::new(value)).map(|path| path.to_str().unwrap().to_owned());
        assert_eq!(file("/a/log.json").as_deref(), Some("/a/log.json"));
        assert_eq!(file("file:/a").as_deref(), Some("/a"));
        assert_eq!((file("journald:x"), file("syslog:x"), file("")), (None, None, None));
    }

    #[test]
    fn a_message_is_one_bounded_line() {
        let text = line(&"ü\n".repeat(10_000));
        assert!(text.len() < LIMIT + 8 && !text.contains('\n'));
    }
}
