//! Where the cgroup hierarchies are mounted, and which cgroup a process is in.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::Version;

/// One mount of a cgroup hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Which version.
    pub version: Version,
    /// The directory it is mounted at.
    pub point: PathBuf,
    /// Which cgroup of the hierarchy is there: `/` for the whole of it.
    pub root: PathBuf,
    /// The controllers of a v1 hierarchy: `memory`, `freezer`, …
    pub controllers: Vec<OsString>,
}

/// The cgroup hierarchies that this process sees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    /// In the order in which they are mounted.
    pub mounts: Vec<Mount>,
}

impl Tree {
    /// Reads `/proc/self/mountinfo` below that proc file system.
    ///
    /// # Errors
    /// The kernel's.
    pub fn read(proc: &Path) -> std::io::Result<Tree> {
        Ok(Tree::parse(&std::fs::read(proc.join("self/mountinfo"))?))
    }

    /// What `mountinfo` says (proc(5)); other file systems and lines that cannot be read are left out.
    #[must_use]
    pub fn parse(mountinfo: &[u8]) -> Tree {
        Tree { mounts: mountinfo.split(|&byte| byte == b'\n').filter_map(mount).collect() }
    }

    /// The unified hierarchy; beside v1 hierarchies it has no memory controller.
    #[must_use]
    pub fn unified(&self) -> Option<&Mount> {
        self.mounts.iter().find(|mount| mount.version == Version::V2)
    }

    /// The v1 hierarchy of that controller.
    #[must_use]
    pub fn v1(&self, controller: &str) -> Option<&Mount> {
        self.mounts.iter().find(|mount| mount.controllers.iter().any(|name| name == controller))
    }

    /// The hierarchy that has the memory controller.
    #[must_use]
    pub fn memory(&self) -> Option<&Mount> {
        self.v1("memory").or_else(|| self.unified())
    }
}

impl Mount {
    /// Where in the file system the cgroup is that the kernel names so; `None` where it is outside of what is mounted.
    #[must_use]
    pub fn path_of(&self, kernel: &Path) -> Option<PathBuf> {
        let below = kernel.strip_prefix(&self.root).ok()?;
        let climbs = below.components().any(|part| part == std::path::Component::ParentDir);
        // Without a trailing slash where nothing is joined.
        (!climbs).then(|| if below.as_os_str().is_empty() { self.point.clone() } else { self.point.join(below) })
    }

    /// Where in the file system the process is whose `/proc/PID/cgroup` that is.
    #[must_use]
    pub fn of_process(&self, cgroup: &[u8]) -> Option<PathBuf> {
        let line = lines(cgroup).find(|(controllers, _)| match self.version {
            Version::V2 => controllers.is_empty(),
            Version::V1 => self.controllers.iter().any(|own| {
                let mut names = controllers.split(|&byte| byte == b',');
                names.any(|name| name == own.as_bytes())
            }),
        });
        self.path_of(line?.1)
    }
}

/// The lines of `/proc/PID/cgroup` (cgroups(7)): controllers, none for v2, and path.
fn lines(text: &[u8]) -> impl Iterator<Item = (&[u8], &Path)> {
    text.split(|&byte| byte == b'\n').filter_map(|line| {
        let mut parts = line.splitn(3, |&byte| byte == b':');
        let (number, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let is_named = controllers.starts_with(b"name=");
        (!is_named && (!controllers.is_empty() || number == b"0"))
            .then(|| (controllers, Path::new(OsStr::from_bytes(path))))
    })
}

fn mount(line: &[u8]) -> Option<Mount> {
    let mut words = line.split(|&byte| byte == b' ');
    let (root, point) = (words.nth(3)?, words.next()?);
    words.find(|word| word == b"-")?;
    let version = match words.next()? {
        b"cgroup2" => Version::V2,
        b"cgroup" => Version::V1,
        _ => return None,
    };
    let options = words.nth(1).unwrap_or_default();
    let names = options.split(|&byte| byte == b',').filter(|_| version == Version::V1);
    let controllers = names.filter(|name| !name.starts_with(b"name=") && ![&b"rw"[..], b"ro"].contains(name));
    Some(Mount {
        version,
        point: unescape(point),
        root: unescape(root),
        controllers: controllers.map(|name| OsString::from_vec(name.to_owned())).collect(),
    })
}

/// Undoes `\040` and its like (proc(5): space, tab, newline and backslash are written in octal).
pub(crate) fn unescape(word: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(word.len());
    let mut at = 0;
    while at < word.len() {
        let octal = word.get(at + 1..at + 4).filter(|_| word[at] == b'\\');
        let byte = octal.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        bytes.push(byte.unwrap_or(word[at]));
        at += if byte.is_some() { 4 } else { 1 };
    }
    PathBuf::from(OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &[u8] = b"31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
36 31 0:33 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct
40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

    #[test]
    fn hybrid_hierarchies_are_told_apart() {
        let tree = Tree::parse(HYBRID);
        assert_eq!(tree.memory().unwrap().point, Path::new("/sys/fs/cgroup/memory"));
        assert_eq!(tree.unified().unwrap().point, Path::new("/sys/fs/cgroup/unified"));
        assert_eq!((tree.v1("cpuacct").is_some(), tree.v1("freezer"), tree.v1("rw")), (true, None, None));
        let process = b"9:name=systemd:/s\n4:memory:/a/b\n1:cpu,cpuacct:/c\n0::/d\n";
        let of = |mount: &Mount| mount.of_process(process).unwrap();
        assert_eq!(of(tree.memory().unwrap()), Path::new("/sys/fs/cgroup/memory/a/b"));
        assert_eq!(of(tree.v1("cpuacct").unwrap()), Path::new("/sys/fs/cgroup/cpu,cpuacct/c"));
        assert_eq!(of(tree.unified().unwrap()), Path::new("/sys/fs/cgroup/unified/d"));
    }

    #[test]
    fn a_mount_may_show_a_part_only() {
        let tree = Tree::parse(b"1 2 0:9 /pod/c /sys/fs/cg\\040x rw - cgroup2 cgroup2 rw\n");
        let mount = tree.memory().unwrap();
        assert_eq!(mount.path_of(Path::new("/pod/c")).unwrap(), Path::new("/sys/fs/cg x"));
        assert_eq!(mount.path_of(Path::new("/pod/c/j")).unwrap(), Path::new("/sys/fs/cg x/j"));
        assert_eq!(mount.path_of(Path::new("/pod/d")), None);
        let whole = Tree::parse(b"1 2 0:9 / /cg rw - cgroup2 cgroup2 rw\n");
        assert_eq!(whole.mounts[0].path_of(Path::new("/../outside")), None, "of another cgroup namespace");
    }
}
