//! cgroup v2 with the memory controller: only there a step is killed as a group, and has limits that oomshim sets.

use super::super::{Finding, Snapshot};
use crate::rank::kernel::Kernel;
use crate::system::host::{self, Cgroups, NoMemory};

/// Looks at where the memory controller is, and for whom it is enabled.
#[must_use]
pub fn run(machine: &Snapshot) -> Vec<Finding> {
    let tree = &machine.roots.cgroup;
    if !tree.is_dir() {
        return vec![Finding::skipped(format!("{} does not exist", tree.display()))];
    }
    let finding = match host::cgroups(&machine.roots) {
        Cgroups::V1 => Finding::warn(
            "the memory controller is on cgroup v1: one process of a step is killed, and the broken step goes on",
            "boot with `systemd.unified_cgroup_hierarchy=1` (and without `cgroup_no_v1=` exceptions)",
        ),
        Cgroups::V2WithoutMemory(NoMemory::InKernel) => Finding::warn(
            "cgroup v2, but the kernel has the memory controller off: a step cannot be killed as a group",
            "`cgroup_enable=memory` on the kernel's command line (and no `cgroup_disable=memory`)",
        ),
        Cgroups::V2WithoutMemory(why) => Finding::warn(
            format!("cgroup v2, but {why}: a step cannot be killed as a group"),
            "`Delegate=memory` under [Service] with `systemctl edit user@.service`",
        ),
        Cgroups::V2 => match std::fs::read_to_string(tree.join("cgroup.subtree_control")) {
            Err(error) => Finding::skipped(format!(
                "cannot read cgroup.subtree_control: {}",
                crate::system::os_error::OsError::from(error)
            )),
            Ok(list) if !list.split_ascii_whitespace().any(|name| name == "memory") => Finding::fail(
                "cgroup v2, but the memory controller is not in the root's cgroup.subtree_control",
                format!("`echo +memory > {}`", tree.join("cgroup.subtree_control").display()),
            ),
            Ok(_) => Finding::pass("cgroup v2 with the memory controller: steps are killed as a group"),
        },
    };
    let kernel = match Kernel::running(&machine.roots.proc) {
        None => Some(Finding::skipped("the kernel's version cannot be read")),
        Some(kernel) if !kernel.kills_groups() => Some(Finding::warn(
            format!("Linux {kernel} has no memory.oom.group: one process of a step is killed"),
            "a kernel of 4.19 or later",
        )),
        Some(_) => None,
    };
    std::iter::once(finding).chain(kernel).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::Status;
    use super::super::super::snapshot::tests::fake;
    use super::*;

    #[test]
    fn only_version_2_with_the_controller_passes() {
        let of = |files: &[(&str, &str)]| {
            let base = [
                ("proc/sys/kernel/osrelease", "6.12.1\n"),
                ("proc/self/status", "CapEff:\t000001ffffffffff\n"),
                ("proc/self/uid_map", "0 0 4294967295\n"),
            ];
            let (_root, machine) = fake(&base.iter().chain(files).copied().collect::<Vec<_>>());
            run(&machine).iter().map(|finding| finding.status).collect::<Vec<_>>()
        };
        let v2 = ("cgroup/cgroup.controllers", "cpu memory\n");
        assert_eq!(of(&[]), [Status::Skipped]);
        assert_eq!(of(&[("cgroup/memory/x", "")]), [Status::Warn]);
        assert_eq!(of(&[v2, ("cgroup/cgroup.subtree_control", "cpu memory\n")]), [Status::Pass]);
        assert_eq!(of(&[v2, ("cgroup/cgroup.subtree_control", "cpu\n")]), [Status::Fail]);
        let old = [v2, ("cgroup/cgroup.subtree_control", "memory"), ("proc/sys/kernel/osrelease", "4.18.0\n")];
        assert_eq!(of(&old), [Status::Pass, Status::Warn]);
    }

    #[test]
    fn who_has_no_controller_is_told_who_can_give_it() {
        let remedy = |files: &[(&str, &str)]| {
            let (_root, machine) = fake(&[files, &[("proc/sys/kernel/osrelease", "6.12.1\n")]].concat());
            run(&machine).remove(0).remedy.unwrap()
        };
        let root = [("proc/self/status", "CapEff:\t000001ffffffffff\n"), ("proc/self/uid_map", "0 0 4294967295\n")];
        let without = ("cgroup/cgroup.controllers", "cpu pids\n");
        assert!(remedy(&[root[0], root[1], without]).starts_with("`cgroup_enable=memory` on the kernel's"));
        assert!(remedy(&[without]).starts_with("`cgroup_enable=memory` on the kernel's"));
        // What a container sees is not the root of all cgroups.
        assert!(remedy(&[root[0], root[1], without, ("cgroup/cgroup.type", "domain\n")]).contains("Delegate"));
        let not_delegated = [
            ("cgroup/cgroup.controllers", "cpu memory\n"),
            ("proc/self/cgroup", "0::/user.slice\n"),
            ("cgroup/user.slice/cgroup.controllers", "cpu\n"),
        ];
        assert!(remedy(&not_delegated).contains("Delegate=memory"));
    }
}
