//! What the guard cannot do on this machine, in sentences that say what would change that.

use nix::errno::Errno;

use crate::system::cgroup::Version;
use crate::system::cgroup::tree::Tree;
use crate::system::os_error::OsError;

/// What cannot be done here; nothing on a host with cgroup v2, PSI and all rights.
#[must_use]
pub fn cannot(tree: &Tree, trigger: Option<Errno>) -> Vec<String> {
    let mut cannot = Vec::new();
    match trigger {
        None => {}
        Some(Errno::ENOENT | Errno::EOPNOTSUPP) => cannot.push(
            "the kernel tells of no memory pressure (PSI): the guard acts on MemAvailable and swap alone; boot with psi=1"
                .to_owned(),
        ),
        Some(errno) => {
            let why = OsError(errno);
            cannot.push(format!("no PSI trigger can be armed ({why}): the guard looks once a second until memory is low"));
        }
    }
    if tree.memory().is_some_and(|mount| mount.version == Version::V1) {
        cannot.push(
            "the memory controller is on cgroup v1: engines report exit status 137 for a kill and no out-of-memory, and a \
             job that is stuck at its own limit is not seen; boot with systemd.unified_cgroup_hierarchy=1"
                .to_owned(),
        );
    }
    cannot
}
