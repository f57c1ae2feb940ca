//! The guard's own survival: its memory stays in RAM, the OOM killer passes it by, and it can open enough files.

use std::path::Path;

use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::protect;
use crate::system::oom_score_adj::OomScoreAdj;
use crate::system::os_error::OsError;
use crate::system::thread;

/// Before the processes that take the CPU while memory runs out; no real-time priority, which a fault would spin with.
const NICE: i32 = -15;

/// `MCL_ONFAULT` (linux/mman.h), which nix has none of: lock what is touched, not all that is reserved.
const ON_FAULT: MlockAllFlags = MlockAllFlags::from_bits_retain(nix::libc::MCL_ONFAULT);

/// How much of the stack a thread on the way to a kill may need.
const STACK: usize = 32 * 1024;

/// Locks the program itself into RAM: all of its code is read now and never again. Comes before everything else, while there
/// is little more to lock; the kernel then says what is missing, if anything is, in [`secure`].
pub fn lock_program() {
    let _ = mlockall(MlockAllFlags::MCL_CURRENT);
}

/// Touches the calling thread's stack, so that it needs no page when memory is gone.
#[inline(never)]
#[allow(clippy::large_stack_arrays, reason = "that is what it is for")]
pub fn touch_stack() {
    let mut pages = [0_u8; STACK];
    // By reference: a value would be copied, and take twice as much.
    std::hint::black_box(&mut pages);
}

/// Does all of it, and says what could not be had.
#[must_use]
pub fn secure(proc: &Path) -> Vec<String> {
    let mut cannot = Vec::new();
    touch_stack();
    // What is reserved for jobs that are not there yet, and the rest of stacks, would be locked as well without it: 8 MiB.
    let locked = MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE;
    if let Err(errno) = mlockall(locked | ON_FAULT).or_else(|_| mlockall(locked)) {
        let why = OsError(errno);
        cannot.push(format!(
            "the guard's memory cannot be locked ({why}), so that it may have to wait for the disk while memory runs out; \
             give it CAP_IPC_LOCK or LimitMEMLOCK=infinity"
        ));
    }
    match protect::protect_self(proc, OomScoreAdj::MIN) {
        Ok(got) if got.is_wanted() => {}
        _ => cannot.push("the guard is not exempt from the OOM killer; start it by its unit".to_owned()),
    }
    // Each job takes about fifteen descriptors.
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
    // Without CAP_SYS_NICE it stays as it is.
    let _ = thread::set_nice(NICE);
    cannot
}
