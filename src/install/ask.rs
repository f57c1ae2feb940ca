//! Other programs, asked with a time limit: an engine's client, systemctl.

use std::ffi::OsStr;
use std::io::{Read, Seek};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use thiserror::Error;

/// How much of what a program says is read, in bytes.
const LIMIT: u64 = 4 << 20;

/// Why a program did not answer.
#[derive(Debug, Error)]
pub enum AskError {
    /// It cannot be started.
    #[error("cannot start {0}: {1}")]
    NotStarted(String, std::io::Error),
    /// It failed.
    #[error("`{command}` failed: {said}")]
    Failed {
        /// The command.
        command: String,
        /// What it said.
        said: String,
    },
    /// It did not end.
    #[error("`{0}` did not end in {1} seconds")]
    Endless(String, u64),
}

impl AskError {
    /// Whether there is no such program.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, AskError::NotStarted(_, error) if error.kind() == std::io::ErrorKind::NotFound)
    }
}

/// What a program said on its two streams.
#[derive(Debug)]
pub struct Answer {
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// Runs a command to its end, at most so many seconds, without standard input.
///
/// # Errors
/// [`AskError`], also where its exit status is not 0.
pub fn ask(command: &mut Command, seconds: u64) -> Result<Answer, AskError> {
    let shown = shown(command);
    let started = |error| AskError::NotStarted(shown.clone(), error);
    // Files, because what it leaves behind would hold a pipe open.
    let [mut out, mut err] = [memory_file().map_err(started)?, memory_file().map_err(started)?];
    let streams = |file: &std::fs::File| file.try_clone().map(Stdio::from).map_err(started);
    let child = command.stdin(Stdio::null()).stdout(streams(&out)?).stderr(streams(&err)?).spawn();
    let mut child = child.map_err(started)?;
    let began = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Err(error) => return Err(started(error)),
            Ok(None) if began.elapsed() > Duration::from_secs(seconds) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(AskError::Endless(shown, seconds));
            }
            Ok(None) => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    let answer = Answer { out: text(&mut out), err: text(&mut err) };
    if status.success() {
        return Ok(answer);
    }
    let said = [answer.err.trim(), answer.out.trim()].join("\n").trim().to_owned();
    Err(AskError::Failed { command: shown, said: if said.is_empty() { status.to_string() } else { said } })
}

fn memory_file() -> std::io::Result<std::fs::File> {
    let flags = nix::sys::memfd::MFdFlags::MFD_CLOEXEC;
    Ok(std::fs::File::from(nix::sys::memfd::memfd_create(c"oomshim", flags)?))
}

fn text(file: &mut std::fs::File) -> String {
    let mut bytes = Vec::new();
    let _ = file.rewind().and_then(|()| file.take(LIMIT).read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

fn shown(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    words.map(|word: &OsStr| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// A program of this machine, by its name: `PATH`, and then the directories that services have.
#[must_use]
pub fn program(name: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"].map(Path::new);
    std::env::split_paths(&path)
        .chain(usual.map(Path::to_owned))
        .map(|directory| directory.join(name))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_what_was_said() {
        let answer = ask(Command::new("sh").args(["-c", "echo a; echo b >&2"]), 10).unwrap();
        assert_eq!((answer.out.as_str(), answer.err.as_str()), ("a\n", "b\n"));
        let failed = ask(Command::new("sh").args(["-c", "echo why >&2; exit 3"]), 10).unwrap_err();
        assert_eq!(failed.to_string(), "`sh -c echo why >&2; exit 3` failed: why");
        assert!(matches!(ask(Command::new("sleep").arg("60"), 0), Err(AskError::Endless(..))));
        assert!(ask(&mut Command::new("/nowhere/x"), 1).unwrap_err().is_absent());
    }
}
