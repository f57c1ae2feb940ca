//! The machine as it matters here: which cgroup version, what may be written, how much memory.
//!
//! Everything is read below [`Roots`], so that a test hands over a directory of its own.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::system::capabilities::ScorePrivilege;
use crate::system::meminfo::Meminfo;

/// Where the kernel's file systems are mounted.
#[derive(Debug, Clone)]
pub struct Roots {
    /// The proc file system, `/proc`.
    pub proc: PathBuf,
    /// The cgroup file system, `/sys/fs/cgroup`.
    pub cgroup: PathBuf,
}

impl Default for Roots {
    fn default() -> Self {
        Roots { proc: "/proc".into(), cgroup: "/sys/fs/cgroup".into() }
    }
}

/// Which cgroup hierarchy holds the memory controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cgroups {
    /// cgroup v2 with the memory controller at hand: `memory.oom.group` and limits can be set.
    V2,
    /// cgroup v2, but nobody delegated the memory controller to this user (rootless without `Delegate=memory`).
    V2WithoutMemory,
    /// cgroup v1, or v1 with an empty v2 beside it ("hybrid"): runc refuses any `unified` there.
    V1,
}

/// What the memory controller's settings depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Which cgroup hierarchy holds the memory controller.
    pub cgroups: Cgroups,
    /// The machine's RAM in bytes (`MemTotal`); `None` when it could not be read.
    pub memory: Option<u64>,
}

impl Host {
    /// Looks at the machine below those roots.
    #[must_use]
    pub fn read(roots: &Roots) -> Host {
        Host { cgroups: cgroups(roots), memory: Meminfo::read(&roots.proc).total }
    }
}

/// Which cgroup hierarchy holds the memory controller.
///
/// `cgroup.controllers` at the top exists on a pure v2 mount only; the hybrid layout has it one directory below. A user
/// without rights on the top of the tree gets what his own cgroup lists.
#[must_use]
pub fn cgroups(roots: &Roots) -> Cgroups {
    let Ok(top) = std::fs::read(roots.cgroup.join("cgroup.controllers")) else {
        return Cgroups::V1;
    };
    let own = || {
        let path = own_v2_cgroup(&std::fs::read(roots.proc.join("self/cgroup")).ok()?)?;
        std::fs::read(roots.cgroup.join(path).join("cgroup.controllers")).ok()
    };
    if cannot_give_memory(&roots.cgroup) {
        return Cgroups::V2WithoutMemory;
    }
    let listed = if ScorePrivilege::own(&roots.proc) == ScorePrivilege::Full { Some(top) } else { own().or(Some(top)) };
    let has_memory = listed.is_some_and(|list| names_memory(&list));
    if has_memory { Cgroups::V2 } else { Cgroups::V2WithoutMemory }
}

/// Whether the top of the tree is some cgroup below the machine's (a container's own cgroup namespace) that cannot give
/// memory to what is below it: it has processes and did not enable the controller, and cgroup v2 then no longer lets it
/// (cgroup-v2.rst, "No Internal Process Constraint"). A runtime fails on any memory setting there.
fn cannot_give_memory(top: &Path) -> bool {
    let read = |name: &str| std::fs::read(top.join(name)).unwrap_or_default();
    // The real root has no such file.
    top.join("cgroup.type").exists()
        && !names_memory(&read("cgroup.subtree_control"))
        && !read("cgroup.procs").is_empty()
}

fn names_memory(list: &[u8]) -> bool {
    list.split(u8::is_ascii_whitespace).any(|word| word == b"memory")
}

/// The path below the cgroup2 mount that `/proc/PID/cgroup` names, without its leading slash.
#[must_use]
pub fn own_v2_cgroup(text: &[u8]) -> Option<PathBuf> {
    let line = text.split(|&byte| byte == b'\n').find_map(|line| line.strip_prefix(b"0::/"))?;
    Some(PathBuf::from(OsStr::from_bytes(line)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS_FULL: &str = "Name:\tx\nCapEff:\t000001ffffffffff\n";
    const STATUS_WITHOUT: &str = "Name:\tx\nCapEff:\t000001fffeffffff\n";
    const INITIAL: &str = "         0          0 4294967295\n";

    fn machine(files: &[(&str, &str)]) -> (tempfile::TempDir, Roots) {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let roots = Roots { proc: root.path().join("proc"), cgroup: root.path().join("cgroup") };
        (root, roots)
    }

    #[test]
    fn a_top_that_cannot_give_memory_to_children_counts_as_without() {
        let full = [("proc/self/status", STATUS_FULL), ("proc/self/uid_map", INITIAL)];
        let top = [("cgroup/cgroup.controllers", "cpu memory\n"), ("cgroup/cgroup.subtree_control", "cpu\n")];
        let (inner, procs) = (("cgroup/cgroup.type", "domain\n"), ("cgroup/cgroup.procs", "1\n"));
        let enabled = ("cgroup/cgroup.subtree_control", "cpu memory\n");
        let of = |more: &[(&str, &str)]| {
            let (_root, roots) = machine(&[&full[..], &top, more].concat());
            cgroups(&roots)
        };
        assert_eq!(of(&[procs]), Cgroups::V2, "the real root may have processes");
        assert_eq!(of(&[inner, procs]), Cgroups::V2WithoutMemory);
        assert_eq!(of(&[inner]), Cgroups::V2, "the runtime can enable it there");
        assert_eq!(of(&[inner, procs, enabled]), Cgroups::V2);
    }

    #[test]
    fn hybrid_counts_as_v1() {
        let (_root, roots) = machine(&[("cgroup/unified/cgroup.controllers", "memory\n")]);
        assert_eq!(cgroups(&roots), Cgroups::V1);
    }

    #[test]
    fn root_sees_the_whole_tree_and_a_user_what_was_delegated() {
        let base = [("proc/self/uid_map", INITIAL), ("cgroup/cgroup.controllers", "cpu memory pids\n")];
        let own = ("proc/self/cgroup", "0::/user.slice/u\n");
        let delegated = ("cgroup/user.slice/u/cgroup.controllers", "memory pids\n");
        let not_delegated = ("cgroup/user.slice/u/cgroup.controllers", "pids\n");
        let cases = [
            (STATUS_FULL, not_delegated, Cgroups::V2),
            (STATUS_WITHOUT, delegated, Cgroups::V2),
            (STATUS_WITHOUT, not_delegated, Cgroups::V2WithoutMemory),
        ];
        for (status, list, expected) in cases {
            let files = [base[0], base[1], ("proc/self/status", status), own, list];
            let (_root, roots) = machine(&files);
            assert_eq!(cgroups(&roots), expected, "{status:?} {list:?}");
        }
    }
}
