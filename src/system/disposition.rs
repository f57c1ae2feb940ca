//! Dispositions of signals that a program between a parent and its child has to set and put back.
#![allow(unsafe_code, reason = "signal(2) is unsafe because a handler runs at any time; none is set here")]

use nix::errno::Errno;
use nix::sys::signal::{SigHandler, Signal, signal};

/// What becomes of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// The default.
    Default,
    /// Nothing.
    Ignored,
}

/// Sets what becomes of a signal and gives what became of it before. A handler is the default to what is executed.
///
/// # Errors
/// The kernel's.
pub fn set(which: Signal, to: Disposition) -> Result<Disposition, Errno> {
    let handler = match to {
        Disposition::Default => SigHandler::SigDfl,
        Disposition::Ignored => SigHandler::SigIgn,
    };
    // SAFETY: neither disposition runs any code of ours.
    let before = unsafe { signal(which, handler) }?;
    Ok(if matches!(before, SigHandler::SigIgn) { Disposition::Ignored } else { Disposition::Default })
}
