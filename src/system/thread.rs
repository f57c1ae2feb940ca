//! A thread whose blocking writes can be interrupted, and that gives way to others. nix has neither call.
#![allow(unsafe_code)]

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

extern "C" fn nothing(_signal: libc::c_int) {}

/// Makes a signal interrupt a blocking call, and do nothing else. An ignored signal would not: the kernel drops it.
///
/// # Errors
/// The kernel's.
pub fn make_interrupting(signal: Signal) -> Result<(), Errno> {
    let action = SigAction::new(SigHandler::Handler(nothing), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler does nothing, so it is safe at any point of any thread.
    unsafe { sigaction(signal, &action) }.map(drop)
}

/// Gives the calling thread alone that nice value (`setpriority(2)`: on Linux the value is a thread's).
///
/// # Errors
/// The kernel's.
pub fn set_nice(nice: i32) -> Result<(), Errno> {
    // SAFETY: setpriority takes integers only; 0 is the calling thread.
    Errno::result(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) }).map(drop)
}
