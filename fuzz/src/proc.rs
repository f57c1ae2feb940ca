//! A `/proc` and a cgroup file system of our own, so that nothing on this machine is written to.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use oomshim::system::host::Roots;

/// The container's process.
pub(crate) const PID: u32 = 7;

pub(crate) struct Fake {
    _directory: tempfile::TempDir,
    pub(crate) roots: Roots,
}

impl Fake {
    pub(crate) fn new() -> Fake {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let roots = Roots { proc: directory.path().join("proc"), cgroup: directory.path().join("cgroup") };
        process(&roots.proc.join(PID.to_string()), "0::/c\n", "mnt:[2]");
        process(&roots.proc.join("self"), "0::/engine\n", "mnt:[1]");
        fs::write(roots.proc.join("meminfo"), "MemTotal: 8388608 kB\n").expect("a file");
        for (name, text) in [("cgroup.controllers", "memory\n"), ("cgroup.subtree_control", "memory\n")] {
            fs::create_dir_all(roots.cgroup.join("c")).expect("a directory");
            fs::write(roots.cgroup.join(name), text).expect("a file");
        }
        let fake = Fake { _directory: directory, roots };
        fake.reset();
        fake
    }

    /// What is written to is as at the beginning.
    pub(crate) fn reset(&self) {
        for process in [PID.to_string().as_str(), "self"] {
            fs::write(self.roots.proc.join(process).join("oom_score_adj"), "0\n").expect("a file");
        }
        for file in ["memory.oom.group", "memory.max", "memory.swap.max"] {
            fs::write(self.roots.cgroup.join("c").join(file), "max\n").expect("a file");
        }
    }

    /// The container's oom_score_adj.
    pub(crate) fn score(&self) -> String {
        fs::read_to_string(self.roots.proc.join(PID.to_string()).join("oom_score_adj")).expect("a file")
    }
}

fn process(directory: &Path, cgroup: &str, mount: &str) {
    fs::create_dir_all(directory.join("ns")).expect("a directory");
    fs::write(directory.join("cgroup"), cgroup).expect("a file");
    fs::write(directory.join("uid_map"), "0 0 4294967295\n").expect("a file");
    fs::write(directory.join("status"), "CapEff:\t000001ffffffffff\n").expect("a file");
    let fields = "0 ".repeat(48);
    fs::write(directory.join("stat"), format!("7 (x) S 1 {fields}\n")).expect("a file");
    for (name, target) in [("mnt", mount), ("pid", "pid:[1]"), ("user", "user:[4026531837]")] {
        symlink(target, directory.join("ns").join(name)).expect("a link");
    }
}
