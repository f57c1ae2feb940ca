//! The shim: called as a runtime, it gives the container its score and becomes the real runtime.
//!
//! No `fn main`: Rust's start-up would ignore SIGPIPE, and the runtime would inherit that.
#![no_main]

use std::ffi::{c_char, c_int};

use nix::fcntl::{FcntlArg, fcntl};
use oomshim::runtime::failure::StandardError;
use oomshim::shim::{self, Ending, Environment};
use oomshim::system::exec::Arguments;
use oomshim::system::signal::FileSizeSignalIgnored;

/// The C runtime's entry.
///
/// # Safety
/// Only the C runtime calls it, with its own `argc` and `argv`.
#[expect(unsafe_code, reason = "the name that the C runtime calls")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    // SAFETY: these are the C runtime's own.
    let arguments = unsafe { Arguments::from_main(argc, argv) };
    // Before anything is opened: a closed descriptor 2 would be the first to be given out again.
    let stderr = match fcntl(std::io::stderr(), FcntlArg::F_GETFD) {
        Ok(_) => StandardError::Open,
        Err(_) => StandardError::Closed,
    };
    let ignored = FileSizeSignalIgnored::new();
    let args = arguments.all();
    let refusal = match shim::prepare(&args, &Environment::of_process()) {
        Ending::Refuse(refusal) => refusal,
        Ending::Exec(start) => {
            drop(ignored);
            let reason = arguments.exec(&start.runtime);
            shim::could_not_start(&args, &start, reason)
        }
    };
    c_int::from(refusal.report(stderr))
}
