//! Processes that hold memory of a dead job: by being in its mount namespace, or by an open descriptor.
//!
//! A tmpfs that is mounted nowhere any more is in no `mountinfo`, and readlink of its descriptor says `/`: only fstatfs of
//! every descriptor finds it.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, open};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat};
use nix::sys::statfs::{TMPFS_MAGIC, fstatfs};

use super::{Holder, Kind, Leftover, Link, Note, SMALL, Tmpfs, used};

/// How many descriptors of one process are looked at.
const DESCRIPTORS: usize = 65_536;

/// What processes hold. Each file, and each file system, is named once, with the first process that holds it.
pub(super) fn of(proc: &Path, note: &Note, host: &[Tmpfs]) -> Vec<Leftover> {
    let mut walk = Walk { proc, note, host, files: BTreeSet::new(), systems: BTreeSet::new(), found: Vec::new() };
    let Ok(entries) = std::fs::read_dir(proc) else { return Vec::new() };
    let mut pids: Vec<i32> = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    for pid in pids {
        walk.process(pid);
    }
    walk.found
}

struct Walk<'a> {
    proc: &'a Path,
    note: &'a Note,
    host: &'a [Tmpfs],
    /// Files that were counted: device and inode.
    files: BTreeSet<(u64, u64)>,
    /// File systems that were counted.
    systems: BTreeSet<u64>,
    found: Vec<Leftover>,
}

impl Walk<'_> {
    fn process(&mut self, pid: i32) {
        let directory = self.proc.join(pid.to_string());
        let namespace = std::fs::metadata(directory.join("ns/mnt")).map(|data| data.ino());
        if namespace.is_ok_and(|inode| inode == self.note.mount_namespace) {
            for tmpfs in &self.note.tmpfs {
                if self.is_of_host(tmpfs.device) || !self.systems.insert(tmpfs.device) {
                    continue;
                }
                let point = tmpfs.point.strip_prefix("/").unwrap_or(&tmpfs.point);
                let bytes = used(&directory.join("root").join(point));
                self.add(pid, Kind::Namespace(tmpfs.point.clone()), bytes, Link::Certain);
            }
        }
        let Ok(entries) = std::fs::read_dir(directory.join("fd")) else { return };
        for entry in entries.flatten().take(DESCRIPTORS) {
            self.descriptor(pid, &entry.path());
        }
    }

    fn descriptor(&mut self, pid: i32, path: &Path) {
        // O_PATH: nothing is opened, whatever it is.
        let Ok(fd) = open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty()) else { return };
        let Ok(system) = fstatfs(&fd) else { return };
        if system.filesystem_type() != TMPFS_MAGIC {
            return;
        }
        let Ok(stat) = fstat(&fd) else { return };
        let name = std::fs::read_link(path).unwrap_or_default();
        let link =
            if self.note.tmpfs.iter().any(|own| own.device == stat.st_dev) { Link::Certain } else { Link::Possible };
        if is_file(&stat) && stat.st_nlink == 0 {
            if self.files.insert((stat.st_dev, stat.st_ino)) {
                let bytes = u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512);
                let kind = if name.as_os_str().as_encoded_bytes().starts_with(b"/memfd:") {
                    Kind::Memfd(name)
                } else {
                    Kind::Deleted(name)
                };
                self.add(pid, kind, bytes, link);
            }
        } else if link == Link::Certain && !self.is_of_host(stat.st_dev) && self.systems.insert(stat.st_dev) {
            self.pinned(pid, name, &fd);
        }
    }

    fn pinned(&mut self, pid: i32, name: PathBuf, fd: &OwnedFd) {
        let Ok(system) = fstatfs(fd) else { return };
        let blocks = system.blocks().saturating_sub(system.blocks_free());
        let size = u64::try_from(system.block_size()).unwrap_or(0);
        self.add(pid, Kind::Pinned(name), blocks.saturating_mul(size), Link::Certain);
    }

    fn is_of_host(&self, device: u64) -> bool {
        self.host.iter().any(|tmpfs| tmpfs.device == device)
    }

    fn add(&mut self, pid: i32, kind: Kind, bytes: u64, link: Link) {
        if bytes < SMALL {
            return;
        }
        let mut comm = std::fs::read(self.proc.join(format!("{pid}/comm"))).unwrap_or_default();
        comm.truncate(comm.trim_ascii_end().len());
        self.found.push(Leftover { kind, bytes, holder: Some(Holder { pid, comm }), link });
    }
}

fn is_file(stat: &FileStat) -> bool {
    stat.st_mode & SFlag::S_IFMT.bits() == SFlag::S_IFREG.bits()
}
