//! The memory controller's tree: who is in a cgroup, what it may use, what it does when it runs out.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use super::scope::Machine;
use crate::system::host::{self, Cgroups, Roots};

/// The tree of cgroups that hold the memory controller.
#[derive(Debug, Clone)]
pub struct Tree {
    /// Where it is mounted.
    root: PathBuf,
    /// Whether it is of version 2.
    is_v2: bool,
}

impl Tree {
    /// The tree of this machine.
    #[must_use]
    pub fn find(roots: &Roots) -> Tree {
        match host::cgroups(roots) {
            Cgroups::V2 | Cgroups::V2WithoutMemory(_) => Tree { root: roots.cgroup.clone(), is_v2: true },
            Cgroups::V1 => Tree { root: roots.cgroup.join("memory"), is_v2: false },
        }
    }

    /// Whether it is of version 2; only there is `memory.oom.group`.
    #[must_use]
    pub fn is_v2(&self) -> bool {
        self.is_v2
    }

    /// The cgroup at that path, which begins at the tree's root and may be given with the mount in front of it.
    #[must_use]
    pub fn at(&self, path: &Path) -> Option<Cgroup> {
        let inner = path.strip_prefix(&self.root).unwrap_or(path);
        let parts: Vec<&OsStr> = inner
            .components()
            .filter_map(|part| match part {
                Component::Normal(name) => Some(Some(name)),
                Component::RootDir | Component::CurDir => None,
                // Out of the tree leads no path.
                Component::ParentDir | Component::Prefix(_) => Some(None),
            })
            .collect::<Option<_>>()?;
        let path: PathBuf = parts.into_iter().collect();
        let directory = self.root.join(&path);
        directory.is_dir().then(|| Cgroup { path: Path::new("/").join(path), directory, is_v2: self.is_v2 })
    }

    /// The path of a process's memory cgroup, from the text of its `/proc/PID/cgroup`.
    #[must_use]
    pub fn path_in(&self, text: &[u8]) -> Option<PathBuf> {
        text.split(|&byte| byte == b'\n').find_map(|line| {
            let mut parts = line.splitn(3, |&byte| byte == b':');
            let (number, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
            let is_it = if self.is_v2 {
                number == b"0" && controllers.is_empty()
            } else {
                controllers.split(|&byte| byte == b',').any(|name| name == b"memory")
            };
            // The kernel marks a cgroup that was removed while a process is still in it.
            let path = path.strip_suffix(b" (deleted)").unwrap_or(path);
            is_it.then(|| PathBuf::from(OsStr::from_bytes(path)))
        })
    }
}

/// One cgroup.
#[derive(Debug, Clone)]
pub struct Cgroup {
    /// Its path from the tree's root, beginning with `/`.
    pub path: PathBuf,
    directory: PathBuf,
    is_v2: bool,
}

impl Cgroup {
    fn text(&self, file: &str) -> Option<String> {
        std::fs::read_to_string(self.directory.join(file)).ok()
    }

    /// A file with one number in it; `None` for `max`, for v1's number that means so, and for no file.
    fn number(&self, file: &str) -> Option<u64> {
        let number: u64 = self.text(file)?.trim().parse().ok()?;
        // v1 has no word for "no limit", but a number of pages that no machine has.
        (number < (1 << 62)).then_some(number)
    }

    /// A number of a file of lines `key number`.
    fn entry(&self, file: &str, key: &str) -> Option<u64> {
        let text = self.text(file)?;
        let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '))?;
        value.trim().parse().ok()
    }

    /// What may be charged to it, in bytes; `None` without a limit of its own.
    #[must_use]
    pub fn limit(&self) -> Option<u64> {
        self.number(if self.is_v2 { "memory.max" } else { "memory.limit_in_bytes" })
    }

    /// What it may use of the machine's swap in bytes (`mem_cgroup_get_max`).
    #[must_use]
    pub fn swap_limit(&self, machine: Machine) -> u64 {
        let swap = machine.swap;
        if self.is_v2 {
            // There is no swappiness of its own; the killer weighs no swap in where the machine's is 0.
            let own = self.number("memory.swap.max").unwrap_or(swap).min(swap);
            return if machine.is_swapless { 0 } else { own };
        }
        if self.number("memory.swappiness") == Some(0) || !self.directory.join("memory.memsw.limit_in_bytes").exists() {
            return if self.number("memory.swappiness") == Some(0) { 0 } else { swap };
        }
        let (both, memory) = (self.number("memory.memsw.limit_in_bytes"), self.limit().unwrap_or(0));
        both.map_or(swap, |both| both.saturating_sub(memory).min(swap))
    }

    /// What is charged to it, in bytes.
    #[must_use]
    pub fn usage(&self) -> Option<u64> {
        self.number(if self.is_v2 { "memory.current" } else { "memory.usage_in_bytes" })
    }

    /// How much of that is tmpfs and shared memory, mapped or not, in bytes.
    #[must_use]
    pub fn shared(&self) -> Option<u64> {
        // v1 counts the whole subtree under another name.
        self.entry("memory.stat", if self.is_v2 { "shmem" } else { "total_shmem" })
    }

    /// Whether it is killed as a group.
    #[must_use]
    pub fn kills_group(&self) -> bool {
        self.is_v2 && self.number("memory.oom.group") == Some(1)
    }

    /// Whether the killer is switched off (v1's `oom_kill_disable`).
    #[must_use]
    pub fn is_kill_disabled(&self) -> bool {
        self.entry("memory.oom_control", "oom_kill_disable") == Some(1)
    }

    /// A counter of `memory.events`.
    #[must_use]
    pub fn event(&self, name: &str) -> Option<u64> {
        self.entry("memory.events", name)
    }

    /// The processes in it and below it, in the order in which the kernel visits them: a cgroup before its children,
    /// and these in the order of their making.
    #[must_use]
    pub fn members(&self) -> Vec<u32> {
        let mut pids = Vec::new();
        let mut waiting = vec![self.directory.clone()];
        while let Some(directory) = waiting.pop() {
            let list = std::fs::read_to_string(directory.join("cgroup.procs")).unwrap_or_default();
            // 0 stands for a process of another PID namespace.
            pids.extend(list.lines().filter_map(|line| line.parse().ok()).filter(|&pid: &u32| pid != 0));
            let entries = std::fs::read_dir(&directory).into_iter().flatten().filter_map(Result::ok);
            let directories = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
            // kernfs numbers its inodes in the order of their making.
            let mut children: Vec<_> =
                directories.filter_map(|entry| Some((entry.metadata().ok()?.ino(), entry.path()))).collect();
            children.sort_unstable_by(|one, other| other.cmp(one));
            waiting.extend(children.into_iter().map(|(_, path)| path));
        }
        pids
    }
}

/// The paths from `inner` up to `outer`, both included; none when `inner` is not below `outer`.
pub fn upwards<'a>(inner: &'a Path, outer: &'a Path) -> impl Iterator<Item = &'a Path> {
    let steps = if inner.starts_with(outer) { inner.components().count() + 1 - outer.components().count() } else { 0 };
    inner.ancestors().take(steps)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A v2 tree of these files.
    pub(crate) fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Tree) {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let tree = Tree { root: root.path().to_owned(), is_v2: true };
        (root, tree)
    }

    fn swap(swap: u64) -> Machine {
        Machine { swap, ..Machine::default() }
    }

    #[test]
    fn limits_are_bytes_and_max_is_none() {
        let (_root, tree) = tree(&[
            ("a/memory.max", "1048576\n"),
            ("a/memory.swap.max", "4096\n"),
            ("a/memory.stat", "anon 1\nshmem 77\nshmem_thp 5\n"),
            ("b/memory.max", "max\n"),
            ("b/memory.swap.max", "max\n"),
        ]);
        let [a, b] = ["/a", "b/"].map(|path| tree.at(Path::new(path)).unwrap());
        assert_eq!((a.limit(), a.swap_limit(swap(1 << 20)), a.shared()), (Some(1 << 20), 4096, Some(77)));
        assert_eq!((b.limit(), b.swap_limit(swap(1 << 20)), b.shared()), (None, 1 << 20, None));
    }

    #[test]
    fn version_1_counts_memory_and_swap_together() {
        let (root, _) = tree(&[
            ("a/memory.limit_in_bytes", "1000000"),
            ("a/memory.memsw.limit_in_bytes", "1500000"),
            ("b/memory.limit_in_bytes", "9223372036854771712"),
        ]);
        let v1 = Tree { root: root.path().to_owned(), is_v2: false };
        let [a, b] = ["a", "b"].map(|path| v1.at(Path::new(path)).unwrap());
        assert_eq!((a.limit(), a.swap_limit(swap(1 << 30)), a.swap_limit(swap(7))), (Some(1_000_000), 500_000, 7));
        assert_eq!(b.limit(), None);
    }

    #[test]
    fn a_path_is_found_in_either_version_and_leads_nowhere_else() {
        let (root, v2) = tree(&[("a/b/cgroup.procs", "")]);
        let v1 = Tree { root: root.path().to_owned(), is_v2: false };
        let text = b"9:cpu:/c\n4:foo,memory:/m:x\n0::/a/b (deleted)\n";
        assert_eq!((v2.path_in(text), v1.path_in(text)), (Some("/a/b".into()), Some("/m:x".into())));
        assert_eq!(v2.at(&root.path().join("a/b")).unwrap().path, Path::new("/a/b"));
        assert!(v2.at(Path::new("/a/../..")).is_none() && v2.at(Path::new("absent")).is_none());
    }

    #[test]
    fn members_come_in_the_kernels_order() {
        let (_root, tree) = tree(&[
            ("a/cgroup.procs", "1\n0\n"),
            ("a/z/cgroup.procs", "2\n"),
            ("a/z/y/cgroup.procs", "3\n"),
            ("a/b/cgroup.procs", "4\n"),
            ("c/cgroup.procs", "9\n"),
        ]);
        let pids = tree.at(Path::new("a")).unwrap().members();
        assert_eq!(pids[0], 1);
        let at = |pid| pids.iter().position(|&other| other == pid).unwrap();
        assert!(at(2) + 1 == at(3) && pids.len() == 4, "{pids:?}");
    }

    #[test]
    fn the_way_up_ends_at_the_cgroup_that_ran_out() {
        let way = |inner: &str, outer: &str| -> Vec<String> {
            upwards(Path::new(inner), Path::new(outer)).map(|path| path.display().to_string()).collect()
        };
        assert_eq!(way("/a/b/c", "/a"), ["/a/b/c", "/a/b", "/a"]);
        assert_eq!(way("/a", "/"), ["/a", "/"]);
        assert_eq!(way("/ab", "/a"), [""; 0]);
    }
}
