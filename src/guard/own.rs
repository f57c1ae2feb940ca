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

/// Does all of it, and says what could not be had.
#[must_use]
pub fn secure(proc: &Path) -> Vec<String> {
    let mut cannot = Vec::new();
    if let Err(errno) = mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE) {
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
