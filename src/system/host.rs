//! The machine as it matters here: which cgroup version, what may be written, how much memory.
//!
//! Everything is read below [`Roots`], so that a test hands over a directory of its own.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::system::capabilities::in_initial_user_namespace;
use crate::system::meminfo::Meminfo;
use crate::system::memory_file::MemoryFile;

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
    /// cgroup v2, but the memory controller is not to be had.
    V2WithoutMemory(NoMemory),
    /// cgroup v1, or v1 with an empty v2 beside it ("hybrid"): runc refuses any `unified` there.
    V1,
}

/// Why a process on cgroup v2 has no memory controller for the cgroups that it makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoMemory {
    /// The kernel's own root has none: it is switched off, or a cgroup v1 hierarchy uses it.
    InKernel,
    /// The root that this process sees, a container's, was not given it from above.
    InNamespace,
    /// That root has it, but cannot enable it for what is below, because processes are in it (cgroup-v2.rst, "No
    /// Internal Process Constraint").
    BesideProcesses,
    /// Nobody delegated it to this user (rootless without `Delegate=memory`).
    Delegated,
}

impl fmt::Display for NoMemory {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            NoMemory::InKernel => {
                "the kernel has no memory controller on cgroup v2 (cgroup_disable=memory, or cgroup v1 uses it)"
            }
            NoMemory::InNamespace => "memory is not in cgroup.controllers of the root of this cgroup namespace",
            NoMemory::BesideProcesses => {
                "memory is not in cgroup.subtree_control of the root of this cgroup namespace, which has processes"
            }
            NoMemory::Delegated => "the memory controller is not delegated to this user",
        })
    }
}

/// What the memory controller's settings depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Which cgroup hierarchy holds the memory controller.
    pub cgroups: Cgroups,
    /// The machine's RAM in bytes (`MemTotal`); `None` when it could not be read.
    pub memory: Option<u64>,
    /// The files of the memory controller that this kernel does not have, of those that were looked for.
    pub missing: Vec<MemoryFile>,
}

impl Host {
    /// Looks at the machine below those roots.
    #[must_use]
    pub fn read(roots: &Roots) -> Host {
        let cgroups = cgroups(roots);
        Host { cgroups, memory: Meminfo::read(&roots.proc).total, missing: missing(roots, cgroups, &MemoryFile::ALL) }
    }
}

/// Which cgroup hierarchy holds the memory controller.
///
/// `cgroup.controllers` at the top exists on a pure v2 mount only; the hybrid layout has it one directory below. A user
/// that does not own the top of the tree gets what its own cgroup lists.
#[must_use]
pub fn cgroups(roots: &Roots) -> Cgroups {
    let Ok(top) = std::fs::read(roots.cgroup.join("cgroup.controllers")) else {
        return Cgroups::V1;
    };
    if !names_memory(&top) {
        // The real root has no such file.
        let is_root = !roots.cgroup.join("cgroup.type").exists();
        return Cgroups::V2WithoutMemory(if is_root { NoMemory::InKernel } else { NoMemory::InNamespace });
    }
    if cannot_give_memory(&roots.cgroup) {
        return Cgroups::V2WithoutMemory(NoMemory::BesideProcesses);
    }
    let own = || std::fs::read(own_directory(roots)?.join("cgroup.controllers")).ok();
    if owns_the_tree(&roots.proc) || own().is_none_or(|list| names_memory(&list)) {
        return Cgroups::V2;
    }
    Cgroups::V2WithoutMemory(NoMemory::Delegated)
}

/// Those of the files that no cgroup has where the memory controller is: the kernel is too old or does not count swap.
///
/// A cgroup tells that was made already: this process's own or one above, or else one at the top. Where there is none
/// yet with the controller, nothing is known to be missing.
#[must_use]
pub fn missing(roots: &Roots, cgroups: Cgroups, files: &[MemoryFile]) -> Vec<MemoryFile> {
    if cgroups != Cgroups::V2 || files.is_empty() {
        return Vec::new();
    }
    let has_controller = |directory: &Path| directory.join("memory.current").exists();
    let own = own_directory(roots);
    let mut above = own.iter().flat_map(|own| own.ancestors()).take_while(|path| path.starts_with(&roots.cgroup));
    let found = above.find(|directory| has_controller(directory)).map(Path::to_owned).or_else(|| {
        let entries = std::fs::read_dir(&roots.cgroup).ok()?;
        entries.take(256).flatten().map(|entry| entry.path()).find(|path| has_controller(path))
    });
    let Some(found) = found else { return Vec::new() };
    files.iter().copied().filter(|file| !found.join(file.name()).exists()).collect()
}

/// The directory of this process's own cgroup.
fn own_directory(roots: &Roots) -> Option<PathBuf> {
    let path = own_v2_cgroup(&std::fs::read(roots.proc.join("self/cgroup")).ok()?)?;
    Some(roots.cgroup.join(path))
}

/// Whether this process is root where the tree was mounted, and so may enable a controller anywhere in it.
fn owns_the_tree(proc: &Path) -> bool {
    let status = std::fs::read_to_string(proc.join("self/status")).unwrap_or_default();
    let ids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    let effective = ids.and_then(|ids| ids.split_ascii_whitespace().nth(1));
    effective == Some("0") && in_initial_user_namespace(proc)
}

/// Whether the top of the tree is some cgroup below the machine's (a container's own cgroup namespace) that cannot give
/// memory to what is below it: it has processes and did not enable the controller, and cgroup v2 then no longer lets it
/// ([`NoMemory::BesideProcesses`]). A runtime fails on any memory setting there.
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

    const STATUS_FULL: &str = "Name:\tx\nUid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\n";
    const STATUS_WITHOUT: &str = "Name:\tx\nUid:\t0\t0\t0\t0\nCapEff:\t000001fffeffffff\n";
    const STATUS_USER: &str = "Name:\tx\nUid:\t0\t1000\t0\t0\nCapEff:\t0000000000000000\n";
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
        assert_eq!(of(&[inner, procs]), Cgroups::V2WithoutMemory(NoMemory::BesideProcesses));
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
            (STATUS_WITHOUT, not_delegated, Cgroups::V2),
            (STATUS_USER, delegated, Cgroups::V2),
            (STATUS_USER, not_delegated, Cgroups::V2WithoutMemory(NoMemory::Delegated)),
        ];
        for (status, list, expected) in cases {
            let files = [base[0], base[1], ("proc/self/status", status), own, list];
            let (_root, roots) = machine(&files);
            assert_eq!(cgroups(&roots), expected, "{status:?} {list:?}");
        }
    }

    #[test]
    fn a_root_without_the_controller_is_told_apart() {
        let base = [("proc/self/uid_map", INITIAL), ("proc/self/status", STATUS_FULL)];
        let of = |more: &[(&str, &str)]| {
            let (_root, roots) = machine(&[&base[..], &[("cgroup/cgroup.controllers", "cpu pids\n")], more].concat());
            cgroups(&roots)
        };
        assert_eq!(of(&[]), Cgroups::V2WithoutMemory(NoMemory::InKernel));
        assert_eq!(of(&[("cgroup/cgroup.type", "domain\n")]), Cgroups::V2WithoutMemory(NoMemory::InNamespace));
    }

    #[test]
    fn files_are_looked_up_where_the_controller_is() {
        let of = |files: &[&str]| {
            let files: Vec<(&str, &str)> = files.iter().map(|name| (*name, "0::/system.slice/b.service\n")).collect();
            let (_root, roots) = machine(&files);
            missing(&roots, Cgroups::V2, &MemoryFile::ALL)
        };
        let own = "proc/self/cgroup";
        let all = ["memory.current", "memory.oom.group", "memory.max", "memory.high", "memory.swap.max"];
        let at = |directory: &str, count: usize| -> Vec<String> {
            all[..count].iter().map(|name| format!("cgroup/{directory}/{name}")).collect()
        };
        let of_own = |directory: &str, count: usize| {
            let files = at(directory, count);
            of(&files.iter().map(String::as_str).chain([own]).collect::<Vec<_>>())
        };
        assert_eq!(of_own("system.slice/b.service", 4), [MemoryFile::SwapMax]);
        assert_eq!(of_own("system.slice", 5), []);
        assert_eq!(of_own("other.slice", 4), [MemoryFile::SwapMax], "any cgroup knows what the kernel has");
        assert_eq!(of_own("system.slice/b.service", 0), [], "nothing tells");
        assert_eq!(of(&[own, "cgroup/memory.current"]), MemoryFile::ALL);
    }
}
