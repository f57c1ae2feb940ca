//! `vm.oom_kill_allocating_task`: whoever asks last is killed, whatever its oom_score_adj.

use super::super::{Finding, Snapshot};

/// Looks at the setting.
#[must_use]
pub fn run(machine: &Snapshot) -> Vec<Finding> {
    vec![match machine.sysctl("vm/oom_kill_allocating_task") {
        Err(error) => Finding::skipped(error.to_string()),
        Ok(0) => Finding::pass("vm.oom_kill_allocating_task is 0"),
        Ok(value) => Finding::fail(
            format!(
                "vm.oom_kill_allocating_task is {value}: oom_score_adj counts only where it is -1000, and a daemon that asks last is killed"
            ),
            "`vm.oom_kill_allocating_task = 0` in /etc/sysctl.d, and `sysctl --system`",
        ),
    }]
}

#[cfg(test)]
mod tests {
    use super::super::super::Status;
    use super::super::super::snapshot::tests::fake;
    use super::*;

    #[test]
    fn only_0_passes() {
        for (text, expected) in [("0\n", Status::Pass), ("1\n", Status::Fail)] {
            let (_root, machine) = fake(&[("proc/sys/vm/oom_kill_allocating_task", text)]);
            assert_eq!(run(&machine)[0].status, expected, "{text:?}");
        }
    }
}
