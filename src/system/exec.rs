//! Becoming another program in place. Beside the entry points, the one module with `unsafe` in it.
//!
//! Engines tie a runtime to its PID: PDEATHSIG, `LISTEN_PID`, signals and waitpid all name the process that they started.
//! And they give it a disposition of SIGPIPE (conmon ignores it), which `std::process::Command::exec` resets and Rust's
//! own start-up overwrites. So the programs have no Rust start-up (`#![no_main]`), and this is a bare execv(3), which hands
//! on the C library's `environ` as it is.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, OsStr, c_char, c_int};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::unistd::{execv, execvp};

use crate::system::os_error::OsError;

/// The arguments that this process was started with, in the kernel's own bytes.
#[derive(Debug)]
pub struct Arguments {
    strings: Vec<&'static CStr>,
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
        // SAFETY: the caller vouches for `count` pointers at `argv`, each to a string that lives as long as the process.
        let strings = (0..count).map(|index| unsafe { CStr::from_ptr(*argv.add(index)) }).collect();
        Arguments { strings }
    }

    /// The arguments, the program's own name first. A process may have been started with none at all.
    #[must_use]
    pub fn all(&self) -> Vec<&'static OsStr> {
        self.strings.iter().map(|arg| OsStr::from_bytes(arg.to_bytes())).collect()
    }

    /// Becomes the program at `path`, with these arguments but its own path for the first (crun reads its behaviour
    /// from argv\[0]), and the environment as it is. Returns only to say why that failed.
    #[must_use]
    pub fn exec(&self, path: &Path) -> OsError {
        let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return OsError(Errno::EINVAL) };
        let mut argv = self.strings.clone();
        match argv.first_mut() {
            Some(name) => *name = &path,
            None => argv.push(&path),
        }
        let Err(errno) = execv(&path, &argv);
        OsError(errno)
    }
}

/// Becomes `command`, looked for in PATH as a shell does where it has no slash. Returns only to say why that failed.
#[must_use]
pub fn exec_command(command: &[CString]) -> OsError {
    let Some(program) = command.first() else { return OsError(Errno::ENOENT) };
    let Err(errno) = execvp(program, command);
    OsError(errno)
}
