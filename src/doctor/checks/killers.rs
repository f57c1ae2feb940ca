//! Other programs that kill when memory is short: they are quicker than the kernel and go by other rules.

use super::super::{Finding, Snapshot};

/// Their names, and by what they choose.
const KILLERS: [(&[u8], &str); 5] = [
    (b"systemd-oomd", "by the pressure and the swap of cgroups: a build's memory use can cost the daemon its cgroup"),
    (b"earlyoom", "by oom_score, a process at a time: a step is not killed as a group"),
    (b"nohang", "by oom_score and patterns of names, a process at a time: a step is not killed as a group"),
    (b"oomd", "by the rules in its own configuration"),
    (b"bustd", "by oom_score, a process at a time: a step is not killed as a group"),
];

/// Looks for them among the processes.
#[must_use]
pub fn run(machine: &Snapshot) -> Vec<Finding> {
    if machine.tasks.is_empty() {
        return vec![Finding::skipped("no process can be seen")];
    }
    let running = machine.tasks.iter().filter(|task| task.memory.is_some());
    let found = running
        .filter_map(|task| KILLERS.iter().find(|(name, _)| **name == *task.name).map(|killer| (task.pid, killer)));
    let findings: Vec<Finding> = found
        .map(|(pid, (name, how))| {
            let name = String::from_utf8_lossy(name);
            Finding::warn(
                format!("{name} ({pid}) runs; it chooses {how}"),
                format!("stop it, or keep it away from the daemons (ManagedOOMPreference=omit, --avoid): `systemctl disable --now {name}`"),
            )
        })
        .collect();
    if findings.is_empty() { vec![Finding::pass("no other killer runs")] } else { findings }
}

#[cfg(test)]
mod tests {
    use super::super::super::Status;
    use super::super::super::snapshot::tests::{process, with};
    use super::*;

    #[test]
    fn each_killer_is_named() {
        let (_root, machine) =
            with(&[process(5, 1, "earlyoom", -100), process(6, 1, "systemd-oomd", -900), process(7, 1, "sh", 0)], &[]);
        let findings = run(&machine);
        assert_eq!(findings.iter().map(|it| it.status).collect::<Vec<_>>(), [Status::Warn; 2]);
        assert!(findings[0].message.starts_with("earlyoom (5) runs"));
        let (_root, machine) = with(&[process(7, 1, "sh", 0)], &[]);
        assert_eq!(run(&machine)[0].status, Status::Pass);
    }
}
