//! One line in the build's own log: on the standard error output of the job's first process, before it dies.
//!
//! The engine copies what comes out of that pipe or terminal into the log that its user reads. What else descriptor 2 may
//! be is the tenant's choice, a file or a FIFO of the host's among it, and is not touched: a line goes into an anonymous
//! pipe or a pseudo-terminal and nothing else, and never waits.

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{Mode, SFlag, fstat};
use nix::sys::statfs::{FsType, fstatfs};
use thiserror::Error;

use crate::system::cgroup::Cgroup;
use crate::system::os_error::OsError;
use crate::text::escape;
use crate::text::fixed::Fixed;

/// The most that one write puts into a pipe in one piece, and enough for a sentence.
const LENGTH: usize = 512;

/// `DEVPTS_SUPER_MAGIC` and `PIPEFS_MAGIC` (linux/magic.h), which nix has none of.
const DEVPTS: FsType = FsType(0x1cd1);
const PIPEFS: FsType = FsType(0x5049_5045);

/// Of how many processes of a job the first is looked for.
const LOOKED_AT: usize = 64;

/// One line for a log, ready to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    bytes: [u8; LENGTH],
    length: usize,
}

impl Line {
    /// A line of its own, whatever the job wrote before, of at most 512 bytes; control characters are escaped.
    #[must_use]
    pub fn new(text: impl std::fmt::Display) -> Line {
        let text = Fixed::<LENGTH>::of(text);
        // Allocates only where there is something to escape.
        let escaped = escape::text(text.as_str());
        let mut line = Line { bytes: [0; LENGTH], length: 0 };
        line.push(b"\r\n");
        // Not within a character.
        let mut end = escaped.len().min(LENGTH - 4);
        while !escaped.is_char_boundary(end) {
            end -= 1;
        }
        line.push(&escaped.as_bytes()[..end]);
        line.push(b"\r\n");
        line
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.length..self.length + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }

    /// What is written to a pipe: no carriage returns, which only a terminal needs.
    fn for_pipe(&self) -> ([u8; LENGTH], usize) {
        let mut bytes = [0; LENGTH];
        let mut length = 0;
        for &byte in self.bytes[..self.length].iter().filter(|&&byte| byte != b'\r') {
            bytes[length] = byte;
            length += 1;
        }
        (bytes, length)
    }
}

/// Why nothing is written to a job's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OutputError {
    /// The process or its descriptor cannot be opened.
    #[error("cannot open its error output: {}", OsError(*.0))]
    Open(Errno),
    /// Descriptor 2 is neither a pipe nor a pseudo-terminal.
    #[error("its error output is neither a pipe nor a terminal")]
    Other,
    /// The process ended or left the job meanwhile.
    #[error("its first process is gone")]
    Gone,
}

/// Where a job's log begins: a pipe or a pseudo-terminal, looked up before it is needed.
///
/// It is held by a descriptor that opens nothing (`O_PATH`). The write end of a pipe would keep the engine waiting for the
/// end of the step's output.
#[derive(Debug)]
pub struct Output {
    fd: OwnedFd,
    is_terminal: bool,
}

impl Output {
    /// The error output of the job's first process: the one whose parent is not in the job.
    ///
    /// # Errors
    /// [`OutputError`]; the job is killed all the same.
    pub fn of_job(proc: &Path, cgroup: &Cgroup) -> Result<Output, OutputError> {
        let pids = cgroup.all_procs().map_err(|error| OutputError::Open(error.errno))?;
        let first = pids.iter().take(LOOKED_AT).find(|pid| parent(proc, **pid).is_some_and(|up| !pids.contains(&up)));
        Output::of_process(proc, cgroup, *first.ok_or(OutputError::Gone)?)
    }

    /// The error output of a process of the job.
    ///
    /// # Errors
    /// [`OutputError`].
    pub fn of_process(proc: &Path, cgroup: &Cgroup, pid: i32) -> Result<Output, OutputError> {
        let path = proc.join(format!("{pid}/fd/2"));
        // O_PATH opens nothing: a FIFO does not wait for its reader, a device does nothing.
        let looked_at = open(&path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty()).map_err(OutputError::Open)?;
        let is_terminal = is_terminal(&looked_at).map_err(OutputError::Open)?.ok_or(OutputError::Other)?;
        // The number may have become another process's between the listing and the opening.
        let still = cgroup.all_procs().map_err(|error| OutputError::Open(error.errno))?;
        if still.contains(&pid) { Ok(Output { fd: looked_at, is_terminal }) } else { Err(OutputError::Gone) }
    }

    /// Writes the line, in one piece or not at all. Does not wait and does not allocate.
    ///
    /// # Errors
    /// EAGAIN where the pipe is full, ENXIO or EPIPE where nobody reads.
    pub fn say(&self, line: &Line) -> Result<(), Errno> {
        let (bytes, length) = if self.is_terminal { (line.bytes, line.length) } else { line.for_pipe() };
        // The same file that was looked at, not what descriptor 2 may be by now.
        let again = Fixed::<32>::of(format_args!("/proc/self/fd/{}", self.fd.as_raw_fd()));
        let flags = OFlag::O_WRONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let fd = open(again.as_str(), flags, Mode::empty())?;
        nix::unistd::write(&fd, &bytes[..length]).map(drop)
    }
}

/// Whether it is a pseudo-terminal (true) or an anonymous pipe (false); `None` for anything else.
fn is_terminal(fd: &OwnedFd) -> Result<Option<bool>, Errno> {
    let kind = SFlag::from_bits_truncate(fstat(fd)?.st_mode & SFlag::S_IFMT.bits());
    let system = fstatfs(fd)?.filesystem_type();
    Ok(match (kind, system) {
        (SFlag::S_IFIFO, PIPEFS) => Some(false),
        (SFlag::S_IFCHR, DEVPTS) => Some(true),
        _ => None,
    })
}

fn parent(proc: &Path, pid: i32) -> Option<i32> {
    let stat = std::fs::read(proc.join(format!("{pid}/stat"))).ok()?;
    let close = stat.iter().rposition(|&byte| byte == b')')?;
    std::str::from_utf8(stat.get(close + 1..)?).ok()?.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::cgroup::Version;
    use std::io::Read;
    use std::process::{Child, Command, Stdio};

    /// A process whose error output that is, in what stands in for a cgroup.
    fn job(stderr: Stdio) -> (tempfile::TempDir, Cgroup, Child) {
        let directory = tempfile::tempdir().unwrap();
        let child = Command::new("sleep").arg("60").stderr(stderr).spawn().unwrap();
        std::fs::write(directory.path().join("cgroup.procs"), format!("{}\n", child.id())).unwrap();
        let cgroup = Cgroup::fake(directory.path(), Version::V2);
        (directory, cgroup, child)
    }

    fn output(cgroup: &Cgroup) -> Result<Output, OutputError> {
        Output::of_job(Path::new("/proc"), cgroup)
    }

    #[test]
    fn the_line_arrives_in_the_pipe() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let (_directory, cgroup, mut child) = job(writer.into());
        let output = output(&cgroup).unwrap();
        output.say(&Line::new("killed\x1b")).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        drop(output);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "\nkilled\\u{1b}\n");
    }

    #[test]
    fn a_full_pipe_does_not_block() {
        let (_reader, writer) = std::io::pipe().unwrap();
        let (_directory, cgroup, mut child) = job(writer.into());
        let output = output(&cgroup).unwrap();
        let line = Line::new("x".repeat(1000));
        assert_eq!(line.length, LENGTH);
        let outcome = (0..10_000).find_map(|_| output.say(&line).err());
        assert_eq!(outcome, Some(Errno::EAGAIN));
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn files_and_fifos_are_never_opened() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("fifo");
        nix::unistd::mkfifo(&path, Mode::S_IRWXU).unwrap();
        let both = std::fs::File::options().read(true).write(true).open(&path).unwrap();
        let file = std::fs::File::create(directory.path().join("file")).unwrap();
        for stderr in [Stdio::from(both), Stdio::from(file), Stdio::null()] {
            let (_directory, cgroup, mut child) = job(stderr);
            assert_eq!(output(&cgroup).unwrap_err(), OutputError::Other);
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert_eq!(std::fs::metadata(directory.path().join("file")).unwrap().len(), 0);
    }
}
