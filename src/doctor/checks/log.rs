//! The kernel's log: without it `oomshim report` has no evidence.

use super::super::{Finding, Machine};
use crate::report::source::{Kmsg, SourceError};

/// Opens it and reads a record.
#[must_use]
pub fn run(machine: &Machine) -> Vec<Finding> {
    let read = || Kmsg::open(&machine.kmsg)?.next();
    vec![match read() {
        Ok(_) => Finding::pass(format!("{} can be read", machine.kmsg.display())),
        Err(SourceError::Refused { path, reason }) => Finding::warn(
            format!("cannot read {}: {reason}: `oomshim report` cannot say why something died", path.display()),
            "run it as root on the machine; CAP_SYSLOG where kernel.dmesg_restrict is 1",
        ),
        Err(error) => Finding::cannot_judge(error.to_string()),
    }]
}

#[cfg(test)]
mod tests {
    use super::super::super::Verdict;
    use super::super::super::machine::tests::fake;
    use super::*;

    #[test]
    fn a_log_that_can_be_read_passes() {
        let (_root, machine) = fake(&[("dev/kmsg", "6,1,1,-;x\n")]);
        assert_eq!(run(&machine)[0].verdict, Verdict::Pass);
        let (_root, machine) = fake(&[]);
        assert_eq!(run(&machine)[0].verdict, Verdict::Warn);
    }
}
