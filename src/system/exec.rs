//! Becoming another program in place. Beside the entry points, the one module with `unsafe` in it.
//!
//! Engines tie a runtime to its PID: PDEATHSIG, `LISTEN_PID`, signals and waitpid all name the process that they started.
//! And they give it a disposition of SIGPIPE (conmon ignores it), which `std::process::Command::exec` resets and Rust's
//! own start-up overwrites. So the programs have no Rust start-up (`#![no_main]`), and this is a bare execv(3), which hands
//! on the C library's `environ` as it is.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, OsStr, c_char, c_int};
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::libc;
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

    /// Becomes the runtime at `path`, with these arguments but its own path for the first (crun reads its behaviour
    /// from argv\[0]), and the environment as it is. Returns only to say why that failed.
    ///
    /// The process is marked, so that [`was_marked`] tells when it comes back here.
    #[must_use]
    pub fn exec(&self, path: &Path) -> OsError {
        let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return OsError(Errno::EINVAL) };
        mark();
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

// A runtime that is found in PATH, or a wrapper in front of one (nvidia-container-runtime), may be oomshim again, in another
// build of it; then they would exec each other for ever. What ends that has to outlive execve(2), to belong to this process
// and not to its children, and to be nothing that a runtime sees: no variable, argument, descriptor, limit or signal. A
// timer that never comes due is that: setitimer(2) says that it survives execve and that no child of fork inherits it. It
// counts the process's own processor time and is due after three years of it.

/// The period of the timer that marks the process, in seconds and microseconds: "oomshim" as a number nobody chooses.
const MARK: libc::timeval = libc::timeval { tv_sec: 94_608_000, tv_usec: 111_109 };

/// Marks this process. Where somebody uses that timer himself, it stays his.
fn mark() {
    let timer = libc::itimerval { it_interval: MARK, it_value: MARK };
    let mut before = MaybeUninit::<libc::itimerval>::uninit();
    // SAFETY: `timer` is a valid itimerval, and the other pointer is to room for one.
    let answer = unsafe { libc::setitimer(libc::ITIMER_VIRTUAL, &raw const timer, before.as_mut_ptr()) };
    if answer != 0 {
        return;
    }
    // SAFETY: filled in, as the answer says.
    let before = unsafe { before.assume_init() };
    if (before.it_value.tv_sec, before.it_value.tv_usec) != (0, 0) {
        // SAFETY: `before` is a valid itimerval, and the old value is not asked for.
        unsafe { libc::setitimer(libc::ITIMER_VIRTUAL, &raw const before, std::ptr::null_mut()) };
    }
}

/// Whether this process became a runtime by [`Arguments::exec`] before, and came back.
#[must_use]
pub fn was_marked() -> bool {
    let mut timer = MaybeUninit::<libc::itimerval>::uninit();
    // SAFETY: the pointer is to room for one itimerval, which the call fills in where it answers 0.
    let answer = unsafe { libc::getitimer(libc::ITIMER_VIRTUAL, timer.as_mut_ptr()) };
    // SAFETY: filled in, as the answer says.
    let interval = (answer == 0).then(|| unsafe { timer.assume_init() }.it_interval);
    interval.is_some_and(|interval| (interval.tv_sec, interval.tv_usec) == (MARK.tv_sec, MARK.tv_usec))
}
