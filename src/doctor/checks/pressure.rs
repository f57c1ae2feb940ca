//! Pressure stall information: without it nothing tells how short memory was before a kill.

use super::super::{Finding, Snapshot};

/// Reads the machine's memory pressure.
#[must_use]
pub fn run(machine: &Snapshot) -> Vec<Finding> {
    if !machine.roots.proc.join("meminfo").exists() {
        return vec![Finding::skipped(format!("{} is no proc file system", machine.roots.proc.display()))];
    }
    vec![match machine.proc("pressure/memory") {
        Ok(text) if text.starts_with("some ") => Finding::pass("/proc/pressure/memory can be read"),
        Ok(_) => Finding::skipped("/proc/pressure/memory holds something else than pressure"),
        // Absent when the kernel has none, EOPNOTSUPP where it was switched off at boot.
        Err(error) => Finding::warn(format!("{error}: pressure is not measured"), "boot with `psi=1`"),
    }]
}

#[cfg(test)]
mod tests {
    use super::super::super::Status;
    use super::super::super::snapshot::tests::fake;
    use super::*;

    #[test]
    fn pressure_is_measured_or_not() {
        let memory = ("proc/meminfo", "");
        let (_root, machine) =
            fake(&[memory, ("proc/pressure/memory", "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n")]);
        assert_eq!(run(&machine)[0].status, Status::Pass);
        let (_root, machine) = fake(&[memory]);
        assert_eq!(run(&machine)[0].status, Status::Warn);
    }
}
