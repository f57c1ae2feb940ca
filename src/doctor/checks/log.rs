//! The kernel's log: without it `oomshim report` has no evidence.

use super::super::{Finding, Snapshot};
use crate::report::source::{Kmsg, SourceError};

/// Opens it and reads a record.
#[must_use]
pub fn run(machine: &Snapshot) -> Vec<Finding> {
    let read = || Kmsg::open(&machine.kmsg)?.read();
    vec![match read() {
        Ok(_) => Finding::pass(format!("{} can be read", machine.kmsg.display())),
        Err(SourceError::Refused { path, reason }) => Finding::warn(
            format!("cannot read {}: {reason}: `oomshim report` cannot say why something died", path.display()),
            "run it as root on the machine; CAP_SYSLOG where kernel.dmesg_restrict is 1",
        ),
        Err(error) => Finding::skipped(error.to_string()),
    }]
}

#[cfg(test)]
mod tests {
    use super::super::super::Status;
    use super::super::super::snapshot::tests::fake;
    use super::*;

    #[test]
    fn a_log_that_can_be_read_passes() {
        let (_root, machine) = fake(&[("dev/kmsg", "6,1,1,-;x\n")]);
        assert_eq!(run(&machine)[0].status, Status::Pass);
        let (_root, machine) = fake(&[]);
        assert_eq!(run(&machine)[0].status, Status::Warn);
    }
}
