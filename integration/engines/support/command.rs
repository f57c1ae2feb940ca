//! Commands that a person could type, with a time limit and everything they said.

use std::fs::File;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// No command of the suite takes longer, even where other work shares the machine.
const LIMIT: Duration = Duration::from_secs(90);

/// What a command said and how it ended.
#[derive(Debug)]
pub(crate) struct Output {
    command: String,
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

/// Runs the command to its end, without standard input.
///
/// Its streams are files: a monitor that a command leaves behind would hold a pipe open.
pub(crate) fn run(command: &mut Command) -> Result<Output> {
    let shown = shown(command);
    let [mut out, mut err] = [tempfile::tempfile()?, tempfile::tempfile()?];
    let mut child = command
        .stdin(Stdio::null())
        .stdout(out.try_clone()?)
        .stderr(err.try_clone()?)
        .spawn()
        .with_context(|| format!("start {shown}"))?;
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if began.elapsed() > LIMIT {
            child.kill()?;
            child.wait()?;
            bail!("after {LIMIT:?} still running: {shown}\n{}{}", text(&mut out)?, text(&mut err)?);
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    Ok(Output { command: shown, status, stdout: text(&mut out)?, stderr: text(&mut err)? })
}

fn shown(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

fn text(file: &mut File) -> Result<String> {
    use std::io::{Read, Seek};
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

impl Output {
    /// Standard output of a command that succeeded.
    pub(crate) fn stdout(self) -> Result<String> {
        ensure!(self.status.success(), "{}", self.story());
        Ok(self.stdout)
    }

    /// Both streams of a command that succeeded: engines differ in where they put what a container says.
    pub(crate) fn said(self) -> Result<String> {
        ensure!(self.status.success(), "{}", self.story());
        Ok(self.stdout + &self.stderr)
    }

    /// Both streams of a command that failed: what its user sees.
    pub(crate) fn refused(self) -> Result<String> {
        ensure!(!self.status.success(), "it should have failed: {}", self.story());
        Ok(self.stdout + &self.stderr)
    }

    /// Standard output, however the command ended.
    pub(crate) fn printed(&self) -> &str {
        &self.stdout
    }

    /// The exit code; `None` where a signal ended it.
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The number in `score=[N]`, which a container of the command printed.
    pub(crate) fn score(self) -> Result<i32> {
        let story = self.story();
        let said = self.said()?;
        // The command line is echoed by some engines, with its `$(…)`; the answer is the one that is a number.
        let answers = said.split("score=[").skip(1).filter_map(|rest| rest.split(']').next()?.parse().ok());
        answers.last().with_context(|| format!("no score in: {story}"))
    }

    fn story(&self) -> String {
        format!("{}: {}\n{}{}", self.status, self.command, self.stdout, self.stderr)
    }
}
