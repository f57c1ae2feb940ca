//! Where memory runs out: on the whole machine, or in a cgroup that reaches its limit.

use std::path::{Path, PathBuf};

use super::cgroup::{Cgroup, Tree};
use crate::system::meminfo::Meminfo;

/// What runs out of memory.
#[derive(Debug, Clone)]
pub enum Scope {
    /// The machine.
    Machine,
    /// A cgroup, at its limit.
    Cgroup(Cgroup),
}

/// The machine's memory, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Machine {
    /// RAM.
    pub ram: u64,
    /// Swap, free or not.
    pub swap: u64,
    /// tmpfs and shared memory, mapped or not.
    pub shared: u64,
    /// Whether `vm.swappiness` is 0.
    pub is_swapless: bool,
}

impl Machine {
    /// Reads `/proc/meminfo` and `vm.swappiness`; what is not in there is 0, and a swappiness that is not there is not 0.
    #[must_use]
    pub fn read(proc: &Path) -> Machine {
        let memory = Meminfo::read(proc);
        let swappiness = std::fs::read_to_string(proc.join("sys/vm/swappiness")).unwrap_or_default();
        let is_swapless = swappiness.trim() == "0";
        Machine {
            ram: memory.total.unwrap_or(0),
            swap: memory.swap_total.unwrap_or(0),
            shared: memory.shared.unwrap_or(0),
            is_swapless,
        }
    }
}

impl Scope {
    /// How much may be used in all, in bytes: what 1000 points of `oom_score_adj` stand for.
    #[must_use]
    pub fn total(&self, machine: Machine) -> u64 {
        let whole = machine.ram.saturating_add(machine.swap);
        match self {
            Scope::Machine => whole,
            Scope::Cgroup(cgroup) => match cgroup.limit() {
                Some(limit) => limit.saturating_add(cgroup.swap_limit(machine)),
                None => whole,
            },
        }
    }

    /// The cgroup that runs out; the root for the machine.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Scope::Machine => Path::new("/"),
            Scope::Cgroup(cgroup) => &cgroup.path,
        }
    }
}

/// The highest cgroup with `memory.oom.group` between a victim's and the one that ran out: it is killed with the victim.
#[must_use]
pub fn group(tree: &Tree, victim: &Path, scope: &Path) -> Option<PathBuf> {
    // The root has no such file, and a victim in it dies alone.
    let flagged = |path: &&Path| tree.at(path).is_some_and(|cgroup| cgroup.kills_group());
    super::cgroup::upwards(victim, scope).filter(flagged).last().map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::super::cgroup::tests::tree;
    use super::*;

    #[test]
    fn the_limits_of_the_cgroup_count_and_those_of_the_machine_above_it() {
        let machine = Machine { ram: 1000, swap: 100, ..Machine::default() };
        let (_root, tree) = tree(&[("a/memory.max", "500"), ("a/memory.swap.max", "max"), ("b/memory.max", "max")]);
        let of = |path: &str, machine| Scope::Cgroup(tree.at(Path::new(path)).unwrap()).total(machine);
        assert_eq!((Scope::Machine.total(machine), of("a", machine), of("b", machine)), (1100, 600, 1100));
        let swapless = Machine { is_swapless: true, ..machine };
        assert_eq!(
            (Scope::Machine.total(swapless), of("a", swapless)),
            (1100, 500),
            "the machine's swap counts anyway"
        );
    }

    #[test]
    fn the_highest_flagged_cgroup_below_the_one_that_ran_out_dies() {
        let (_root, tree) = tree(&[
            ("job/memory.oom.group", "1\n"),
            ("job/step/memory.oom.group", "0\n"),
            ("job/step/inner/memory.oom.group", "1\n"),
            ("other/memory.oom.group", "0\n"),
        ]);
        let of = |victim: &str, scope: &str| group(&tree, Path::new(victim), Path::new(scope));
        assert_eq!(of("/job/step/inner", "/"), Some("/job".into()));
        assert_eq!(of("/job/step/inner", "/job/step"), Some("/job/step/inner".into()), "never outside of what ran out");
        assert_eq!(of("/job/step", "/job/step"), None);
        assert_eq!((of("/other", "/"), of("/", "/"), of("/gone", "/")), (None, None, None));
    }
}
