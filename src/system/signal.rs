//! The one signal that a write can bring: SIGXFSZ, where a file would grow beyond `RLIMIT_FSIZE`. It would end the shim
//! between the engine and its runtime, for a log that has grown too large.
#![allow(unsafe_code, reason = "sigaction(2) is unsafe because a handler runs at any time; none is set here")]

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

/// SIGXFSZ is ignored for as long as this lives, so that the write fails instead (EFBIG). Then it is what it was: the
/// runtime inherits it.
#[derive(Debug)]
#[must_use = "the signal is ignored only as long as this is held"]
pub struct FileSizeSignalIgnored {
    before: Option<SigAction>,
}

impl FileSizeSignalIgnored {
    /// Ignores the signal.
    pub fn new() -> Self {
        let ignore = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
        // SAFETY: no handler is installed, so none of our code can run in the middle of something else.
        let before = unsafe { sigaction(Signal::SIGXFSZ, &ignore) }.ok();
        FileSizeSignalIgnored { before }
    }
}

impl Default for FileSizeSignalIgnored {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for FileSizeSignalIgnored {
    fn drop(&mut self) {
        let Some(before) = &self.before else { return };
        // SAFETY: this is the disposition that the kernel gave out. What our caller's handler was, execve took away
        // before this program began, so it is SIG_DFL or SIG_IGN.
        let _ = unsafe { sigaction(Signal::SIGXFSZ, before) };
    }
}
