//! `vm.panic_on_oom`: the kernel panics instead of killing.

use super::super::{Finding, Machine};

/// Looks at the setting.
#[must_use]
pub fn run(machine: &Machine) -> Vec<Finding> {
    let mend = "`vm.panic_on_oom = 0` in /etc/sysctl.d, and `sysctl --system`";
    vec![match machine.sysctl("vm/panic_on_oom") {
        Err(error) => Finding::cannot_judge(error),
        Ok(0) => Finding::pass("vm.panic_on_oom is 0"),
        Ok(1) => Finding::fail("vm.panic_on_oom is 1: when the machine runs out the kernel panics", mend),
        Ok(value) => {
            Finding::fail(format!("vm.panic_on_oom is {value}: a step at its own limit takes the machine down"), mend)
        }
    }]
}

#[cfg(test)]
mod tests {
    use super::super::super::Verdict;
    use super::super::super::machine::tests::fake;
    use super::*;

    #[test]
    fn only_0_passes() {
        for (text, expected) in
            [("0\n", Verdict::Pass), ("1\n", Verdict::Fail), ("2\n", Verdict::Fail), ("x", Verdict::Skipped)]
        {
            let (_root, machine) = fake(&[("proc/sys/vm/panic_on_oom", text)]);
            assert_eq!(run(&machine)[0].verdict, expected, "{text:?}");
        }
    }
}
