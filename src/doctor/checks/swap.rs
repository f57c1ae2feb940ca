//! Swap: it delays the kill that ends a shortage, and raises what an oom_score_adj stands for.

use super::super::{Finding, Snapshot};
use crate::rank::scope;
use crate::text::size::size;

/// Looks at how much there is.
#[must_use]
pub fn run(machine: &Snapshot) -> Vec<Finding> {
    if let Err(error) = machine.proc("meminfo") {
        return vec![Finding::skipped(error.to_string())];
    }
    let memory = scope::Machine::read(&machine.roots.proc);
    let (swap, ram) = (size(memory.swap), size(memory.ram));
    vec![if memory.swap > memory.ram {
        Finding::warn(
            format!(
                "{swap} of swap for {ram} of RAM: a greedy step makes the machine crawl for long before it is killed"
            ),
            "less swap, or `swap_max` for the class of build steps in the policy",
        )
    } else if memory.swap == 0 {
        Finding::pass(format!("no swap beside {ram} of RAM: a shortage ends at once"))
    } else {
        Finding::pass(format!("{swap} of swap beside {ram} of RAM"))
    }]
}

#[cfg(test)]
mod tests {
    use super::super::super::Status;
    use super::super::super::snapshot::tests::fake;
    use super::*;

    #[test]
    fn more_swap_than_ram_is_too_much() {
        for (swap, expected) in [(0, Status::Pass), (50, Status::Pass), (200, Status::Warn)] {
            let (_root, machine) = fake(&[("proc/meminfo", &format!("MemTotal: 100 kB\nSwapTotal: {swap} kB\n"))]);
            assert_eq!(run(&machine)[0].status, expected, "{swap}");
        }
    }
}
