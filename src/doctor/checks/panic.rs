//! `vm.panic_on_oom`: the kernel panics instead of killing.

use super::super::{Finding, Snapshot};

/// Looks at the setting.
#[must_use]
pub fn run(machine: &Snapshot) -> Vec<Finding> {
    let remedy = "`vm.panic_on_oom = 0` in /etc/sysctl.d, and `sysctl --system`";
    vec![match machine.sysctl("vm/panic_on_oom") {
        Err(error) => Finding::skipped(error.to_string()),
        Ok(0) => Finding::pass("vm.panic_on_oom is 0"),
        Ok(1) => Finding::fail("vm.panic_on_oom is 1: when the machine runs out the kernel panics", remedy),
        Ok(value) => {
            Finding::fail(format!("vm.panic_on_oom is {value}: a step at its own limit takes the machine down"), remedy)
        }
    }]
}

#[cfg(test)]
mod tests {
    use super::super::super::Status;
    use super::super::super::snapshot::tests::fake;
    use super::*;

    #[test]
    fn only_0_passes() {
        for (text, expected) in
            [("0\n", Status::Pass), ("1\n", Status::Fail), ("2\n", Status::Fail), ("x", Status::Skipped)]
        {
            let (_root, machine) = fake(&[("proc/sys/vm/panic_on_oom", text)]);
            assert_eq!(run(&machine)[0].status, expected, "{text:?}");
        }
    }
}
