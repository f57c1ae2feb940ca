//! The hook: called by podman, CRI-O or a runtime at a stage of a container's life.
#![no_main]

use std::ffi::{c_char, c_int};

use oomshim::cli::hook;
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
    // For all of its life: it starts nothing that could inherit it.
    let _ignored = FileSizeSignalIgnored::new();
    c_int::from(hook::main(&arguments.all()))
}
