//! The events socket, `[guard] events = true`: each decision as one line of JSON to whoever is connected.
//!
//! Nobody who reads can hold the guard up: a client that does not keep up is let go, and there are at most [`CLIENTS`].

use std::io::Write;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// How many may be connected.
pub const CLIENTS: usize = 16;

/// The socket in the guard's directory, which only root can enter.
#[must_use]
pub fn socket(directory: &Path) -> PathBuf {
    directory.join("events")
}

/// The socket and who is connected to it.
#[derive(Debug)]
pub struct Events {
    path: PathBuf,
    listener: UnixListener,
    clients: Vec<UnixStream>,
}

impl Events {
    /// Listens in the guard's directory, in place of a socket that an earlier guard left.
    ///
    /// # Errors
    /// The kernel's.
    pub fn listen(directory: &Path) -> std::io::Result<Events> {
        let path = socket(directory);
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path)?;
        listener.set_nonblocking(true)?;
        Ok(Events { path, listener, clients: Vec::new() })
    }

    /// Sends a line, given without its end, to everybody who has connected by now. It never waits.
    pub fn send(&mut self, line: &str) {
        // Whoever connected waits in the kernel's queue until here, and misses nothing.
        while let Ok((client, _)) = self.listener.accept() {
            if self.clients.len() < CLIENTS && client.set_nonblocking(true).is_ok() {
                self.clients.push(client);
            }
        }
        let bytes = format!("{line}\n");
        // A line that does not fit whole would leave the reader with half of it.
        self.clients.retain_mut(|client| client.write(bytes.as_bytes()).is_ok_and(|written| written == bytes.len()));
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Read};

    #[test]
    fn each_reader_gets_each_line() {
        let directory = tempfile::tempdir().unwrap();
        let mut events = Events::listen(directory.path()).unwrap();
        events.send("nobody hears this");
        let connect = || BufReader::new(UnixStream::connect(socket(directory.path())).unwrap());
        let mut readers = [connect(), connect()];
        events.send("{\"a\":1}");
        drop(readers[0].get_ref().shutdown(std::net::Shutdown::Both));
        events.send("{\"a\":2}");
        let mut heard = String::new();
        readers[1].read_line(&mut heard).unwrap();
        readers[1].read_line(&mut heard).unwrap();
        assert_eq!((heard.as_str(), events.clients.len()), ("{\"a\":1}\n{\"a\":2}\n", 1));
        drop(events);
        assert!(!socket(directory.path()).exists());
    }

    #[test]
    fn nobody_can_hold_it_up() {
        let directory = tempfile::tempdir().unwrap();
        let mut events = Events::listen(directory.path()).unwrap();
        let clients: Vec<UnixStream> =
            (0..CLIENTS + 5).map(|_| UnixStream::connect(socket(directory.path())).unwrap()).collect();
        events.send("first");
        assert_eq!(events.clients.len(), CLIENTS);
        // Nobody reads; each buffer fills, and then its reader is let go.
        let long = "x".repeat(64 << 10);
        (0..100).for_each(|_| events.send(&long));
        assert!(events.clients.is_empty());
        let mut text = Vec::new();
        (&clients[0]).read_to_end(&mut text).unwrap();
        assert!(text.starts_with(b"first\nxxx"));
        assert!((&clients[CLIENTS]).read_to_end(&mut Vec::new()).is_ok_and(|bytes| bytes == 0), "one too many");
    }
}
