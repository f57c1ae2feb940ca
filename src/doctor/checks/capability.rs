//! `CAP_SYS_RESOURCE` in the initial user namespace: without it no score can be lowered, and a raised one can be undone.

use super::super::{Finding, Machine};

/// Its bit (capabilities(7)).
const BIT: u64 = 1 << 24;

/// Looks at the engines that run, which hand the capability on to oomshim-runc; without any at this process.
#[must_use]
pub fn run(machine: &Machine) -> Vec<Finding> {
    let engines: Vec<(String, String)> =
        machine.engines.iter().map(|running| (running.name(), running.pid.to_string())).collect();
    let all = if engines.is_empty() { vec![("this process".to_owned(), "self".to_owned())] } else { engines };
    all.iter().map(|(name, pid)| judge(machine, name, pid)).collect()
}

fn judge(machine: &Machine, name: &str, pid: &str) -> Finding {
    let status = match machine.proc(&format!("{pid}/status")) {
        Ok(status) => status,
        Err(error) => return Finding::cannot_judge(error),
    };
    let mask = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let Some(mask) = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()) else {
        return Finding::cannot_judge(format!("/proc/{pid}/status does not show the capabilities of {name}"));
    };
    let map = match machine.proc(&format!("{pid}/uid_map")) {
        Ok(map) => map,
        Err(error) => return Finding::cannot_judge(error),
    };
    if !crate::system::host::is_initial_map(map.as_bytes()) {
        return Finding::warn(
            format!(
                "{name} is in a user namespace: scores below its own cannot be had, and a step can undo a raised one"
            ),
            "nothing mends it for rootless engines: what oomshim does to scores is best effort there",
        );
    }
    if mask & BIT == 0 {
        return Finding::warn(
            format!("{name} lacks CAP_SYS_RESOURCE: scores cannot be lowered, and a step can undo a raised one"),
            "start it with CAP_SYS_RESOURCE: systemd's CapabilityBoundingSet=, a container's capabilities",
        );
    }
    Finding::pass(format!("{name} has CAP_SYS_RESOURCE in the initial user namespace"))
}

#[cfg(test)]
mod tests {
    use super::super::super::Verdict;
    use super::super::super::machine::tests::fake;
    use super::*;

    #[test]
    fn the_capability_counts_in_the_initial_user_namespace_only() {
        let initial = "0 0 4294967295\n";
        let cases = [
            ("CapEff:\t000001ffffffffff\n", initial, Verdict::Pass),
            ("CapEff:\t000001fffeffffff\n", initial, Verdict::Warn),
            ("CapEff:\t000001ffffffffff\n", "0 100000 65536\n", Verdict::Warn),
            ("", initial, Verdict::Skipped),
        ];
        for (status, map, expected) in cases {
            let (_root, machine) = fake(&[("proc/self/status", status), ("proc/self/uid_map", map)]);
            assert_eq!(run(&machine)[0].verdict, expected, "{status:?} {map:?}");
        }
    }
}
