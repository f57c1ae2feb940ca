//! journald's native protocol: a datagram of NAME=value lines (systemd, `JOURNAL_NATIVE_PROTOCOL.md`).

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use super::record::Record;

const SOCKET: &str = "/run/systemd/journal/socket";

pub(super) fn send(record: &Record) -> io::Result<()> {
    send_datagram(Path::new(SOCKET), &datagram(record))
}

/// The values never hold a line break, so each fits on its line.
fn datagram(record: &Record) -> String {
    let mut lines =
        format!("MESSAGE={}\nPRIORITY={}\nSYSLOG_IDENTIFIER=oomshim\n", record.message, record.level.priority());
    if let Some(id) = &record.message_id {
        lines.push_str(&format!("MESSAGE_ID={id}\n"));
    }
    for (name, value) in &record.fields {
        lines.push_str(&format!("OOMSHIM_{}={value}\n", name.to_ascii_uppercase()));
    }
    lines
}

/// Sends without waiting.
pub(super) fn send_datagram(socket: &Path, text: &str) -> io::Result<()> {
    let own = UnixDatagram::unbound()?;
    own.set_nonblocking(true)?;
    own.send_to(text.as_bytes(), socket).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::example;
    use super::*;

    #[test]
    fn a_field_is_a_line() {
        assert_eq!(
            datagram(&example()),
            "MESSAGE=clamped\\n\\u{1b}[2J\nPRIORITY=4\nSYSLOG_IDENTIFIER=oomshim\nMESSAGE_ID=f00d\n\
             OOMSHIM_ID=c\u{fffd}\\n\"x\nOOMSHIM_SCORE=0\n"
        );
    }

    #[test]
    fn a_full_socket_holds_up_nobody() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let reader = UnixDatagram::bind(&path).unwrap();
        send_datagram(&path, "hello").unwrap();
        let mut buffer = [0; 16];
        assert_eq!(reader.recv(&mut buffer).unwrap(), 5);
        let full = (0..100_000).find_map(|_| send_datagram(&path, "x").err()).unwrap();
        assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
    }
}
