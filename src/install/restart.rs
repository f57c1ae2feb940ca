//! An engine that reads its configuration again: by systemd, which started it, and never by a signal. A SIGHUP ends containerd.

use std::process::Command;
use std::time::{Duration, Instant};

use thiserror::Error;

use super::ask::{AskError, ask, program};
use super::plan::Needs;
use super::target::{self, Instance};

/// How long systemd and the engine may take, in seconds.
const PATIENCE: u64 = 120;

/// Why an engine was not started again.
#[derive(Debug, Error)]
pub enum RestartError {
    /// systemd does not start it.
    #[error("{0} is not started by systemd: restart it by hand, and call this without --restart")]
    NoUnit(String),
    /// systemd failed.
    #[error(transparent)]
    Systemctl(#[from] AskError),
    /// It does not run afterwards.
    #[error("{0} did not come back in {1} seconds")]
    Gone(String, u64),
}

/// Lets systemd read its units again.
///
/// # Errors
/// [`RestartError`]
pub fn reload_units() -> Result<(), RestartError> {
    systemctl(&["daemon-reload"])
}

fn systemctl(words: &[&str]) -> Result<(), RestartError> {
    let program = program("systemctl").unwrap_or_else(|| "systemctl".into());
    ask(Command::new(program).arg("--no-ask-password").args(words), PATIENCE)?;
    Ok(())
}

/// Reloads or restarts the engine and gives it as it runs then.
///
/// # Errors
/// [`RestartError`]
pub fn restart(instance: &Instance, needs: Needs, has_unit: bool) -> Result<Instance, RestartError> {
    let service = instance.service.as_ref().ok_or_else(|| RestartError::NoUnit(instance.shown()))?;
    if has_unit {
        reload_units()?;
    }
    match needs {
        Needs::Nothing => {}
        Needs::Reload => systemctl(&["reload", service])?,
        // systemd refuses a unit that was started often in a short time.
        Needs::Restart => {
            let _ = systemctl(&["reset-failed", service]);
            systemctl(&["restart", service])?;
        }
    }
    let began = Instant::now();
    loop {
        let is_new = |found: &Instance| needs != Needs::Restart || found.pid != instance.pid;
        let is_it = |found: &Instance| found.pid.is_some() && found.name == instance.name && is_new(found);
        if let Some(found) = target::all().0.into_iter().find(is_it) {
            return Ok(found);
        }
        if began.elapsed() > Duration::from_secs(PATIENCE) {
            return Err(RestartError::Gone(instance.shown(), PATIENCE));
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}
