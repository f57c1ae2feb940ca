//! `vm.oom_kill_allocating_task`: whoever asks last dies, whatever its score.

use super::super::{Finding, Machine};

/// Looks at the setting.
#[must_use]
pub fn run(machine: &Machine) -> Vec<Finding> {
    vec![match machine.sysctl("vm/oom_kill_allocating_task") {
        Err(error) => Finding::cannot_judge(error),
        Ok(0) => Finding::pass("vm.oom_kill_allocating_task is 0"),
        Ok(value) => Finding::fail(
            format!(
                "vm.oom_kill_allocating_task is {value}: scores count for nothing but -1000, and a daemon that asks last dies"
            ),
            "`vm.oom_kill_allocating_task = 0` in /etc/sysctl.d, and `sysctl --system`",
        ),
    }]
}

#[cfg(test)]
mod tests {
    use super::super::super::Verdict;
    use super::super::super::machine::tests::fake;
    use super::*;

    #[test]
    fn only_0_passes() {
        for (text, expected) in [("0\n", Verdict::Pass), ("1\n", Verdict::Fail)] {
            let (_root, machine) = fake(&[("proc/sys/vm/oom_kill_allocating_task", text)]);
            assert_eq!(run(&machine)[0].verdict, expected, "{text:?}");
        }
    }
}
