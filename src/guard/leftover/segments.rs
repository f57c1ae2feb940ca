//! `SysV` shared memory segments that outlived who made them.

use std::collections::BTreeSet;
use std::path::Path;

use super::{Kind, Leftover, Link, SMALL};

/// The segments of `/proc/sysvipc/shm` to which nobody is attached, and that a process of the job made (certain) or one
/// that is gone (possible).
pub(super) fn of(proc: &Path, pids: &BTreeSet<i32>) -> Vec<Leftover> {
    let text = std::fs::read_to_string(proc.join("sysvipc/shm")).unwrap_or_default();
    let gone = |pid: i32| !proc.join(pid.to_string()).exists();
    parse(&text)
        .into_iter()
        .filter(|segment| segment.attached == 0 && segment.resident >= SMALL)
        .filter_map(|segment| {
            let link = match segment.creator {
                pid if pids.contains(&pid) => Link::Certain,
                pid if gone(pid) => Link::Possible,
                _ => return None,
            };
            Some(Leftover { kind: Kind::Segment(segment.id), bytes: segment.resident, holder: None, link })
        })
        .collect()
}

#[derive(Debug, PartialEq, Eq)]
struct Segment {
    id: i32,
    creator: i32,
    attached: u64,
    resident: u64,
}

/// The columns are named in the first line; which there are depends on the kernel.
fn parse(text: &str) -> Vec<Segment> {
    let mut lines = text.lines();
    let Some(head) = lines.next() else { return Vec::new() };
    let column = |name: &str| head.split_ascii_whitespace().position(|word| word == name);
    let (Some(id), Some(creator), Some(attached), Some(size)) =
        (column("shmid"), column("cpid"), column("nattch"), column("rss").or_else(|| column("size")))
    else {
        return Vec::new();
    };
    let read = |line: &str| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        Some(Segment {
            id: words.get(id)?.parse().ok()?,
            creator: words.get(creator)?.parse().ok()?,
            attached: words.get(attached)?.parse().ok()?,
            resident: words.get(size)?.parse().ok()?,
        })
    };
    lines.filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_name() {
        let text = "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      \
                    atime      dtime      ctime                   rss                  swap\n         0          5  1600 \
                                 8388608   412   412      0     0     0     0     0 1 2 3 8388608 0\nodd\n";
        assert_eq!(parse(text), [Segment { id: 5, creator: 412, attached: 0, resident: 8 << 20 }]);
        assert!(parse("").is_empty() && parse("key perms\n1 2\n").is_empty());
    }

    #[test]
    fn only_what_nobody_is_attached_to_is_left_over() {
        let proc = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(proc.path().join("sysvipc")).unwrap();
        std::fs::create_dir(proc.path().join("30")).unwrap();
        let head = "shmid cpid nattch rss\n";
        let lines = "1 10 0 9000000\n2 20 0 9000000\n3 30 0 9000000\n4 10 1 9000000\n5 10 0 4096\n";
        std::fs::write(proc.path().join("sysvipc/shm"), format!("{head}{lines}")).unwrap();
        let found = of(proc.path(), &BTreeSet::from([10]));
        let short: Vec<_> = found.iter().map(|left| (left.kind.clone(), left.link)).collect();
        assert_eq!(short, [(Kind::Segment(1), Link::Certain), (Kind::Segment(2), Link::Possible)]);
    }
}
