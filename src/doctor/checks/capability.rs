//! `CAP_SYS_RESOURCE` in the initial user namespace: without it no oom_score_adj can be lowered, and a raised one can be undone.

use super::super::{Finding, Snapshot};
use crate::system::capabilities;

/// Looks at the engines that run, which hand the capability on to oomshim-runc; without any at this process.
#[must_use]
pub fn run(machine: &Snapshot) -> Vec<Finding> {
    let engines: Vec<(String, String)> =
        machine.engines.iter().map(|running| (running.name(), running.pid.to_string())).collect();
    let all = if engines.is_empty() { vec![("this process".to_owned(), "self".to_owned())] } else { engines };
    all.iter().map(|(name, pid)| judge(machine, name, pid)).collect()
}

fn judge(machine: &Snapshot, name: &str, pid: &str) -> Finding {
    let status = match machine.proc(&format!("{pid}/status")) {
        Ok(status) => status,
        Err(error) => return Finding::skipped(error.to_string()),
    };
    let Some(has_capability) = capabilities::has_sys_resource(status.as_bytes()) else {
        return Finding::skipped(format!("/proc/{pid}/status does not show the capabilities of {name}"));
    };
    let map = match machine.proc(&format!("{pid}/uid_map")) {
        Ok(map) => map,
        Err(error) => return Finding::skipped(error.to_string()),
    };
    if !capabilities::is_initial_map(map.as_bytes()) {
        return Finding::warn(
            format!(
                "{name} is in a user namespace: its steps cannot have a lower oom_score_adj than it has, and can undo a raised one"
            ),
            "nothing helps a rootless engine: what oomshim does to oom_score_adj is best effort there",
        );
    }
    if !has_capability {
        return Finding::warn(
            format!("{name} lacks CAP_SYS_RESOURCE: oom_score_adj cannot be lowered, and a step can undo a raised one"),
            "start it with CAP_SYS_RESOURCE: systemd's CapabilityBoundingSet=, a container's capabilities",
        );
    }
    Finding::pass(format!("{name} has CAP_SYS_RESOURCE in the initial user namespace"))
}

#[cfg(test)]
mod tests {
    use super::super::super::Status;
    use super::super::super::snapshot::tests::fake;
    use super::*;

    #[test]
    fn the_capability_counts_in_the_initial_user_namespace_only() {
        let initial = "0 0 4294967295\n";
        let cases = [
            ("CapEff:\t000001ffffffffff\n", initial, Status::Pass),
            ("CapEff:\t000001fffeffffff\n", initial, Status::Warn),
            ("CapEff:\t000001ffffffffff\n", "0 100000 65536\n", Status::Warn),
            ("", initial, Status::Skipped),
        ];
        for (status, map, expected) in cases {
            let (_root, machine) = fake(&[("proc/self/status", status), ("proc/self/uid_map", map)]);
            assert_eq!(run(&machine)[0].status, expected, "{status:?} {map:?}");
        }
    }
}
