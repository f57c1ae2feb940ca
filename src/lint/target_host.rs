//! The machine that a file is judged against, when a person asks for it (`--host`).

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::system::capabilities::ScorePrivilege;
use crate::system::host::{Host, Roots};
use crate::system::meminfo::Meminfo;
use crate::system::oom_score_adj::OomScoreAdj;

/// What rules may ask about a machine.
#[derive(Debug, Clone)]
pub struct TargetHost {
    /// cgroups and RAM.
    pub host: Host,
    /// What the process that asks may do to oom_score_adj.
    pub rights: ScorePrivilege,
    /// All swap, bytes (`SwapTotal`); `None` when it could not be read.
    pub swap: Option<u64>,
    /// The `oom_score_adj` of the process that asks: what an engine started from the same place would have.
    pub own_score: Option<OomScoreAdj>,
    /// Where its file system begins.
    pub root: PathBuf,
}

impl TargetHost {
    /// Looks at the machine below those roots, and at files below `root`.
    #[must_use]
    pub fn read(roots: &Roots, root: PathBuf) -> Self {
        let own = std::fs::read_to_string(roots.proc.join("self/oom_score_adj")).ok();
        TargetHost {
            host: Host::read(roots),
            rights: ScorePrivilege::own(&roots.proc),
            swap: Meminfo::read(&roots.proc).swap_total,
            own_score: own.and_then(|text| text.trim().parse().ok()),
            root,
        }
    }

    /// Where an absolute path of the machine is.
    #[must_use]
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(Path::new(path).strip_prefix("/").unwrap_or(Path::new(path)))
    }
}

/// The largest file beside a judged one that is read, in bytes: 1 MiB.
const MOST_BYTES: u64 = 1 << 20;

/// The text of another file than the one that is judged; `None` where it is no regular file, or no text.
pub(super) fn read(file: &Path) -> Option<String> {
    // A FIFO would hold up whoever opens it.
    fs::metadata(file).ok().filter(fs::Metadata::is_file)?;
    let mut text = String::new();
    File::open(file).ok()?.take(MOST_BYTES).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::host::Cgroups;

    #[test]
    fn a_machine_is_read_below_its_roots() {
        let root = tempfile::tempdir().unwrap();
        let proc = root.path().join("proc");
        std::fs::create_dir_all(proc.join("self")).unwrap();
        std::fs::write(proc.join("meminfo"), "MemTotal: 1024 kB\nSwapTotal:  2 kB\n").unwrap();
        std::fs::write(proc.join("self/oom_score_adj"), "-17\n").unwrap();
        let machine = TargetHost::read(&Roots { proc, cgroup: root.path().join("none") }, root.path().to_owned());
        assert_eq!((machine.swap, machine.host.memory, machine.host.cgroups), (Some(2048), Some(1 << 20), Cgroups::V1));
        assert_eq!(machine.own_score.map(OomScoreAdj::get), Some(-17));
        assert_eq!(machine.path("/usr/bin/x"), root.path().join("usr/bin/x"));
    }
}
