//! A daemon that the suite started: it listens on a unix socket, and is ended by its PID.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

const START: Duration = Duration::from_mins(1);
const END: Duration = Duration::from_secs(20);

/// A running daemon; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts the daemon and waits until `ready` says so.
    pub(crate) fn start(command: &mut Command, log: &Path, ready: impl Fn() -> bool) -> Result<Daemon> {
        let file = std::fs::File::create(log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("start {}", command.get_program().display()))?;
        let mut daemon = Daemon { child, log: log.to_owned() };
        let began = Instant::now();
        while !ready() {
            if daemon.child.try_wait()?.is_some() || began.elapsed() > START {
                bail!("{} did not get ready:\n{}", command.get_program().display(), daemon.log_text());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(daemon)
    }

    /// Its PID.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it runs.
    pub(crate) fn lives(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn log_text(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_else(|error| format!("(no log: {error})"))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().map(nix::unistd::Pid::from_raw);
        if let Some(pid) = pid.filter(|_| self.lives()) {
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        }
        let began = Instant::now();
        while self.lives() && began.elapsed() < END {
            std::thread::sleep(Duration::from_millis(20));
        }
        if self.lives() {
            eprintln!("engines: process {} had to be killed; its log:\n{}", self.child.id(), self.log_text());
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}
