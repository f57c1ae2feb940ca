//! The syslog socket: RFC 3164 as local daemons send it, facility daemon (3).

use std::io;
use std::path::Path;

use super::journald::send_datagram;
use super::record::Record;

const SOCKET: &str = "/dev/log";

pub(super) fn send(record: &Record) -> io::Result<()> {
    send_datagram(Path::new(SOCKET), &line(record))
}

fn line(record: &Record) -> String {
    format!("<{}>oomshim[{}]: {}", 3 * 8 + record.level.priority(), std::process::id(), record.message)
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::example;
    use super::*;

    #[test]
    fn a_line_begins_with_its_priority() {
        let line = line(&example());
        assert!(line.starts_with("<28>oomshim[") && line.ends_with("]: clamped\\n\\u{1b}[2J"), "{line}");
    }
}
