//! What of a dead job's memory is still there, and who holds it: tmpfs, deleted files, memfds and `SysV` segments.
//!
//! A charge of shared memory does not go away with the process that made it. Read `shmem` of the cgroup's `memory.stat`
//! through a descriptor that was open before, behind `populated 0` and before the engine removes the cgroup; then look
//! for it here. Nothing is deleted: a file of a stranger's is not ours, whoever filled it.

mod holders;
mod segments;

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::sys::stat::makedev;
use nix::sys::statvfs::statvfs;

use crate::system::cgroup::tree::unescape;

/// Below this many bytes nothing is named.
pub const SMALL: u64 = 1 << 20;

/// How many leftovers are named at most.
const NAMED: usize = 16;

/// What is remembered of a job while it lives, because nothing tells of it afterwards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Note {
    /// The inode of its mount namespace.
    pub mount_namespace: u64,
    /// The tmpfs file systems that are mounted there.
    pub tmpfs: Vec<Tmpfs>,
    /// Its processes when it was killed; they made the `SysV` segments.
    pub pids: BTreeSet<i32>,
}

/// A mounted tmpfs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tmpfs {
    /// Its device number, the same in every mount namespace.
    pub device: u64,
    /// Where it is mounted.
    pub point: PathBuf,
}

impl Note {
    /// What is to be remembered of the job that the process belongs to. One read of its `mountinfo`.
    ///
    /// # Errors
    /// The kernel's.
    pub fn of(proc: &Path, pid: i32) -> std::io::Result<Note> {
        let directory = proc.join(pid.to_string());
        let namespace = std::fs::metadata(directory.join("ns/mnt"))?.ino();
        let tmpfs = mounted(&std::fs::read(directory.join("mountinfo"))?);
        Ok(Note { mount_namespace: namespace, tmpfs, pids: BTreeSet::from([pid]) })
    }
}

/// The tmpfs mounts of a `mountinfo` (proc(5)).
fn mounted(mountinfo: &[u8]) -> Vec<Tmpfs> {
    let parse = |line: &[u8]| {
        let mut words = line.split(|&byte| byte == b' ');
        let device = std::str::from_utf8(words.nth(2)?).ok()?;
        let (major, minor) = device.split_once(':')?;
        let point = unescape(words.nth(1)?);
        words.find(|word| word == b"-")?;
        let device = makedev(major.parse().ok()?, minor.parse().ok()?);
        (words.next()? == b"tmpfs").then_some(Tmpfs { device, point })
    };
    mountinfo.split(|&byte| byte == b'\n').filter_map(parse).collect()
}

/// Memory that outlived its job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// What it is.
    pub kind: Kind,
    /// How many bytes it has now. Others may have a part in a mounted tmpfs.
    pub bytes: u64,
    /// The process that holds it, where one does.
    pub holder: Option<Holder>,
    /// Whether it is the job's beyond doubt, or only may be.
    pub link: Link,
}

/// How sure it is that a leftover is the job's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Link {
    /// The job had it mounted, or made it.
    Certain,
    /// Nothing tells who made it.
    Possible,
}

/// What kind of memory outlives a job, with what names it. Paths and names are as they are: hostile text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A tmpfs of the host that the job had mounted too, with the host's path: remove the files.
    HostTmpfs(PathBuf),
    /// A tmpfs of the job's own mount namespace, in which a process still is: end it.
    Namespace(PathBuf),
    /// A tmpfs that is mounted nowhere and kept by an open directory or file: end its holder.
    Pinned(PathBuf),
    /// A deleted file of a tmpfs that is still open.
    Deleted(PathBuf),
    /// A memfd (`memfd_create(2)`) and its name.
    Memfd(PathBuf),
    /// A `SysV` shared memory segment and its id: `ipcrm --shmem-id`.
    Segment(i32),
}

impl Kind {
    /// The word for it in records.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Kind::HostTmpfs(_) => "tmpfs",
            Kind::Namespace(_) => "tmpfs-in-namespace",
            Kind::Pinned(_) => "tmpfs-unmounted",
            Kind::Deleted(_) => "deleted-file",
            Kind::Memfd(_) => "memfd",
            Kind::Segment(_) => "sysv-segment",
        }
    }
}

/// A process that holds a leftover.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// Its PID.
    pub pid: i32,
    /// Its command name, as it is: hostile text.
    pub comm: Vec<u8>,
}

/// What was found of the memory that stayed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The largest first; those that are the job's beyond doubt before all others.
    pub leftovers: Vec<Leftover>,
    /// Bytes that stayed charged and that nothing explains.
    pub unexplained: u64,
}

/// Looks for `charged` bytes of shared memory of a job that is dead. Reads all of /proc: not on the way to a kill.
#[must_use]
pub fn search(proc: &Path, note: &Note, charged: u64) -> Found {
    let mut leftovers = Vec::new();
    let host = mounted(&std::fs::read(proc.join("self/mountinfo")).unwrap_or_default());
    for tmpfs in &host {
        if note.tmpfs.iter().any(|own| own.device == tmpfs.device) {
            let known = leftovers.iter().any(|left: &Leftover| {
                matches!(&left.kind, Kind::HostTmpfs(path)
                if host.iter().any(|other| other.point == *path && other.device == tmpfs.device))
            });
            let bytes = used(&tmpfs.point);
            if bytes >= SMALL && !known {
                let kind = Kind::HostTmpfs(tmpfs.point.clone());
                leftovers.push(Leftover { kind, bytes, holder: None, link: Link::Certain });
            }
        }
    }
    leftovers.extend(segments::of(proc, &note.pids));
    leftovers.extend(holders::of(proc, note, &host));
    leftovers.sort_by(|one, other| {
        (one.link, other.bytes, &one.kind, &one.holder).cmp(&(other.link, one.bytes, &other.kind, &other.holder))
    });
    leftovers.truncate(NAMED);
    let explained = leftovers.iter().map(|left| left.bytes).fold(0, u64::saturating_add);
    Found { leftovers, unexplained: charged.saturating_sub(explained) }
}

/// How many bytes of the file system at that path are used.
#[must_use]
pub fn used(path: &Path) -> u64 {
    statvfs(path)
        .map_or(0, |stat| stat.blocks().saturating_sub(stat.blocks_free()).saturating_mul(stat.fragment_size()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tmpfs_mounts_are_found_by_device() {
        let text = b"1 2 0:31 / /tmp\\040x rw shared:3 - tmpfs tmpfs rw\n3 4 8:1 / / rw - ext4 /dev/sda1 rw\nodd\n";
        assert_eq!(mounted(text), [Tmpfs { device: makedev(0, 31), point: "/tmp x".into() }]);
    }

    #[test]
    fn what_nothing_explains_is_said() {
        let proc = tempfile::tempdir().unwrap();
        let found = search(proc.path(), &Note::default(), 5 << 20);
        assert_eq!(found, Found { leftovers: Vec::new(), unexplained: 5 << 20 });
    }

    #[test]
    fn an_open_deleted_file_is_named_with_its_holder() {
        use std::io::Write;
        let Ok(mut file) = tempfile::tempfile_in("/dev/shm") else { return };
        file.write_all(&vec![1; 3 << 20]).unwrap();
        let own = i32::try_from(std::process::id()).unwrap();
        let note = Note::of(Path::new("/proc"), own).unwrap();
        let found = search(Path::new("/proc"), &Note { mount_namespace: 0, ..note }, 3 << 20);
        let deleted = found.leftovers.iter().find(|left| {
            matches!(left.kind, Kind::Deleted(_)) && left.holder.as_ref().is_some_and(|holder| holder.pid == own)
        });
        assert_eq!(deleted.map(|left| (left.bytes, left.link)), Some((3 << 20, Link::Certain)), "{found:?}");
    }
}
