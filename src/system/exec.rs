//! Becoming another program in place. The one room with `unsafe` in it.
//!
//! Engines tie a runtime to its PID: PDEATHSIG, `LISTEN_PID`, signals and waitpid all name the process that they started.
//! And they give it a disposition of SIGPIPE (conmon ignores it), which `std::process::Command::exec` resets and Rust's
//! own start-up overwrites. So the programs have no Rust start-up (`#![no_main]`), and this is a bare execve(2).
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, OsStr, c_char, c_int};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::io::Errno;

use crate::system::os_error::OsError;

unsafe extern "C" {
    /// The environment as the C library has it (environ(7)).
    static environ: *const *const c_char;
}

/// The arguments that this process was started with, in the kernel's own bytes.
#[derive(Debug)]
pub struct Arguments {
    pointers: Vec<*const c_char>,
}

impl Arguments {
    /// The arguments of a C `main`.
    ///
    /// # Safety
    /// `argc` and `argv` must be those that the C runtime handed to `main`: `argc` pointers to NUL-terminated strings
    /// that live as long as the process.
    #[must_use]
    pub unsafe fn from_main(argc: c_int, argv: *const *const c_char) -> Self {
        let count = usize::try_from(argc).unwrap_or(0);
        // SAFETY: the caller vouches for `count` pointers at `argv`.
        let pointers = (0..count).map(|index| unsafe { *argv.add(index) }).collect();
        Arguments { pointers }
    }

    /// The arguments, the program's own name first. A process may have been started with none at all.
    #[must_use]
    pub fn all(&self) -> Vec<&'static OsStr> {
        // SAFETY: `from_main` was promised NUL-terminated strings that outlive the process's use of them.
        self.pointers.iter().map(|&arg| OsStr::from_bytes(unsafe { CStr::from_ptr(arg) }.to_bytes())).collect()
    }

    /// Becomes the program at `path`, with these arguments but its own path for the first (crun reads its behaviour
    /// from argv\[0]), and the environment as it is. Returns only to say why that failed.
    #[must_use]
    pub fn exec(&self, path: &Path) -> OsError {
        let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return OsError(Errno::INVAL) };
        let rest = self.pointers.iter().skip(1).copied();
        let argv: Vec<*const c_char> = [path.as_ptr()].into_iter().chain(rest).chain([std::ptr::null()]).collect();
        become_program(&path, &argv)
    }
}

/// Becomes `command`, looked for in PATH as a shell does where it has no slash. Returns only to say why that failed.
#[must_use]
pub fn exec_command(command: &[CString]) -> OsError {
    let Some(program) = command.first() else { return OsError(Errno::NOENT) };
    let argv: Vec<*const c_char> = command.iter().map(|arg| arg.as_ptr()).chain([std::ptr::null()]).collect();
    // SAFETY: `argv` is an array of pointers to the strings of `command`, ended by a null pointer; both live on.
    unsafe { libc::execvp(program.as_ptr(), argv.as_ptr()) };
    OsError(last_errno())
}

fn become_program(path: &CStr, argv: &[*const c_char]) -> OsError {
    // SAFETY: `path` is NUL-terminated, `argv` ends with a null pointer and holds pointers to strings that live on, and
    // `environ` is the C library's own array. No other thread runs that could change the environment.
    unsafe { libc::execve(path.as_ptr(), argv.as_ptr(), environ) };
    OsError(last_errno())
}

fn last_errno() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}
