//! What the checks look at: the machine's file systems, its processes, and the engines among them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::engines::standing::Standing;
use crate::engines::{Engine, Launch};
use crate::fsutil::confined::ConfinedRoot;
use crate::rank::task::{self, Task};
use crate::system::host::Roots;
use crate::system::oom_score_adj::OomScoreAdj;
use crate::system::os_error::OsError;
use crate::system::process::{Namespace, Process, ProcessError};
use crate::system::systemd;

/// A machine at one moment.
#[derive(Debug)]
pub struct Snapshot {
    /// Where the kernel's file systems are.
    pub roots: Roots,
    /// The directory that configuration files are below; `/`.
    pub root: PathBuf,
    /// All processes.
    pub tasks: Vec<Task>,
    /// The engines that run: root's, outside of containers.
    pub engines: Vec<RunningEngine>,
    /// Processes that are called like an engine and are a container's or another user's.
    pub strangers: Vec<Stranger>,
    /// The path of `oomshim-runc` that remedies name.
    pub shim: PathBuf,
    /// The value of `OOMSHIM_POLICY`.
    pub policy: Option<OsString>,
    /// The kernel's log.
    pub kmsg: PathBuf,
}

/// An engine that runs.
#[derive(Debug)]
pub struct RunningEngine {
    /// Which.
    pub engine: Engine,
    /// Its PID.
    pub pid: u32,
    /// Its oom_score_adj.
    pub score: OomScoreAdj,
    /// How it was started, or why that cannot be read.
    pub launch: Result<Launch, ProcessError>,
    /// The systemd service that it is in, if its cgroup tells.
    service: Option<String>,
    /// The main process of that service, where systemd tells.
    pub main_pid: Option<u32>,
}

/// A process that is called like an engine and is not one of this machine's.
#[derive(Debug)]
pub struct Stranger {
    /// What it is called.
    pub engine: Engine,
    /// Its PID.
    pub pid: u32,
    /// Its oom_score_adj.
    pub score: OomScoreAdj,
    /// Whose it is.
    pub standing: Standing,
}

/// A file of the kernel's that does not tell what it should.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SnapshotError {
    /// It cannot be read.
    #[error("cannot read {}: {reason}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The kernel's answer.
        reason: OsError,
    },
    /// It holds something else.
    #[error("{} holds {text:?}, not a number", .path.display())]
    NotANumber {
        /// The file.
        path: PathBuf,
        /// What it holds.
        text: String,
    },
}

impl Snapshot {
    /// This machine, now.
    #[must_use]
    pub fn take() -> Snapshot {
        let policy = std::env::var_os(crate::policy::file::VARIABLE);
        Snapshot::read(Roots::default(), PathBuf::from("/"), crate::engines::shim_path(), policy)
    }

    /// The machine below those directories.
    #[must_use]
    pub fn read(roots: Roots, root: PathBuf, shim: PathBuf, policy: Option<OsString>) -> Snapshot {
        let pids = task::list(&roots.proc).unwrap_or_default();
        let (tasks, _) = task::read_all(&roots.proc, &pids);
        let (mut engines, mut strangers) = (Vec::new(), Vec::new());
        for task in &tasks {
            // podman is no daemon, and names are cut at 15 bytes, which none of these has.
            let named = Engine::of_program(std::os::unix::ffi::OsStrExt::from_bytes(&task.name));
            let Some(engine) = named.filter(|engine| *engine != Engine::Podman && task.memory.is_some()) else {
                continue;
            };
            match Standing::of(&roots.proc, task.pid) {
                Ok(Standing::Host | Standing::Own) => {
                    engines.extend(RunningEngine::read(&roots.proc, &root, engine, task));
                }
                Ok(standing) => strangers.push(Stranger { engine, pid: task.pid, score: task.score, standing }),
                // It has ended.
                Err(_) => {}
            }
        }
        let kmsg = root.join("dev/kmsg");
        Snapshot { roots, root, tasks, engines, strangers, shim, policy, kmsg }
    }

    /// The machine's files.
    #[must_use]
    pub fn files(&self) -> ConfinedRoot {
        ConfinedRoot::new(&self.root)
    }

    /// The text of a file below `/proc`.
    pub(super) fn proc(&self, path: &str) -> Result<String, SnapshotError> {
        let path = self.roots.proc.join(path);
        std::fs::read_to_string(&path).map_err(|error| SnapshotError::Unreadable { path, reason: error.into() })
    }

    /// The number in a file below `/proc/sys`.
    pub(super) fn sysctl(&self, path: &str) -> Result<i64, SnapshotError> {
        let text = self.proc(&format!("sys/{path}"))?;
        let error = || SnapshotError::NotANumber {
            path: self.roots.proc.join("sys").join(path),
            text: text.trim().chars().take(40).collect(),
        };
        text.trim().parse().map_err(|_| error())
    }

    /// Whether a process is in a PID namespace of its own, as containers are; `None` when that cannot be seen.
    pub(super) fn is_contained(&self, pid: u32) -> Option<bool> {
        let of = |pid| Process::open(&self.roots.proc, pid).and_then(|process| process.namespace(Namespace::Pid)).ok();
        Some(of(pid)? != of(1)?)
    }
}

impl RunningEngine {
    fn read(proc: &Path, root: &Path, engine: Engine, task: &Task) -> Option<RunningEngine> {
        let launch = Launch::of_process(proc, task.pid);
        // What docker starts as `containerd` has its settings elsewhere.
        if matches!(&launch, Ok(launch) if is_dockers(launch)) {
            return None;
        }
        let service = service(proc, task.pid);
        let main_pid = service.as_deref().and_then(|unit| systemd::main_pid(root, unit));
        Some(RunningEngine { engine, pid: task.pid, score: task.score, launch, service, main_pid })
    }

    /// Which it is, for a sentence.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} ({})", self.engine.name(), self.pid)
    }

    /// The systemd service that it is in, if its cgroup tells.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        self.service.as_deref()
    }

    /// The main process of its unit, where that is neither this one nor one above it: what the unit's settings and a
    /// restart of it say, this process never sees.
    #[must_use]
    pub fn is_beside(&self, tasks: &[Task]) -> Option<u32> {
        let main = self.main_pid?;
        let mut pid = self.pid;
        // A chain of parents has no loop, but it is read while it changes.
        for _ in 0..64 {
            if pid == main {
                return None;
            }
            match tasks.iter().find(|task| task.pid == pid) {
                Some(task) => pid = task.parent,
                None => break,
            }
        }
        Some(main)
    }

    /// The systemd unit that it is (k3s runs a containerd too), or usually is where that cannot be seen.
    #[must_use]
    pub fn unit(&self) -> &str {
        self.service.as_deref().unwrap_or(self.engine.usual_unit())
    }
}

impl Stranger {
    /// Which it is, and whose, for a sentence.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} ({}, {})", self.engine.name(), self.pid, self.standing)
    }
}

/// The service whose cgroup the process is in. Not one further up: a session or a container may be in one as well.
fn service(proc: &Path, pid: u32) -> Option<String> {
    let bytes = Process::open(proc, pid).and_then(|process| process.cgroups()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    // systemd's own hierarchy on cgroup v1, else the only one.
    let path = text.lines().find_map(|line| line.split_once(":name=systemd:")).map(|(_, path)| path);
    let path = path.or_else(|| text.lines().find_map(|line| line.strip_prefix("0::")))?;
    let name = path.rsplit('/').next()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b":-_.\\@".contains(&byte);
    (name.ends_with(".service") && name.bytes().all(is_plain)).then(|| name.to_owned())
}

fn is_dockers(launch: &Launch) -> bool {
    launch.args.iter().any(|arg| arg.as_encoded_bytes().ends_with(b"/docker/containerd/containerd.toml"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A machine of these files; `proc/PID` needs `status` and `oom_score_adj` to be a process.
    pub(in crate::doctor) fn fake(files: &[(&str, &str)]) -> (tempfile::TempDir, Snapshot) {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("proc")).unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        for entry in std::fs::read_dir(root.path().join("proc")).unwrap() {
            let directory = entry.unwrap().path();
            if directory.join("status").exists() && !directory.join("root").exists() {
                std::os::unix::fs::symlink(root.path(), directory.join("root")).unwrap();
                std::os::unix::fs::symlink("/", directory.join("cwd")).unwrap();
            }
        }
        let roots = Roots { proc: root.path().join("proc"), cgroup: root.path().join("cgroup") };
        let machine = Snapshot::read(roots, root.path().to_owned(), "/usr/bin/oomshim-runc".into(), None);
        (root, machine)
    }

    /// The files of a process.
    pub(in crate::doctor) fn process(pid: u32, parent: u32, name: &str, score: i64) -> Vec<(String, String)> {
        let status = format!(
            "Name:\t{name}\nState:\tS (sleeping)\nPPid:\t{parent}\nUid:\t0\t0\t0\t0\nNSpid:\t{pid}\nVmSize:\t9 kB\nRssAnon:\t8 kB\nThreads:\t1\n"
        );
        let file = |name: &str, text: String| (format!("proc/{pid}/{name}"), text);
        vec![
            file("status", status),
            file("oom_score_adj", format!("{score}\n")),
            file("cmdline", format!("/usr/bin/{name}\0")),
            file("environ", String::new()),
            file("uid_map", "0 0 4294967295\n".to_owned()),
            file("stat", format!("{pid} ({name}) S {parent} 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 {pid} 0 0\n")),
        ]
    }

    /// A machine of processes and files.
    pub(in crate::doctor) fn with(
        processes: &[Vec<(String, String)>],
        files: &[(&str, &str)],
    ) -> (tempfile::TempDir, Snapshot) {
        let mut all: Vec<(&str, &str)> =
            processes.iter().flatten().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        all.extend(files);
        fake(&all)
    }

    #[test]
    fn the_unit_is_the_one_whose_cgroup_the_engine_is_in() {
        let cases = [
            ("0::/system.slice/k3s.service\n", "k3s.service"),
            ("12:memory:/x\n1:name=systemd:/system.slice/rke2-agent.service\n0::/\n", "rke2-agent.service"),
            ("0::/system.slice/docker-0123.scope\n", "containerd.service"),
            ("0::/user.slice/user@1000.service/session.scope\n", "containerd.service"),
            ("0::/x/a b`.service\n", "containerd.service"),
            ("", "containerd.service"),
        ];
        for (cgroup, expected) in cases {
            let (_root, machine) = with(&[process(7, 1, "containerd", 0)], &[("proc/7/cgroup", cgroup)]);
            assert_eq!(machine.engines[0].unit(), expected, "{cgroup}");
        }
        let (_root, machine) = with(&[process(7, 1, "containerd", 0)], &[]);
        assert_eq!(machine.engines[0].unit(), "containerd.service");
    }

    #[test]
    fn engines_are_found_and_what_dockerd_starts_for_itself_is_not_one() {
        let mut own = process(9, 8, "containerd", -500);
        own[2].1 = "/usr/bin/containerd\0--config\0/var/run/docker/containerd/containerd.toml\0".to_owned();
        let (_root, machine) = with(
            &[process(7, 1, "buildkitd", -1000), process(8, 1, "dockerd", -500), own, process(10, 1, "podman", 0)],
            &[],
        );
        let names: Vec<String> = machine.engines.iter().map(RunningEngine::name).collect();
        assert_eq!(names, ["buildkitd (7)", "dockerd (8)"]);
    }
    #[test]
    fn what_others_call_dockerd_is_no_engine() {
        let with_status = |from: &str, to: &str| {
            let mut files = process(7, 1, "dockerd", 0);
            files[0].1 = files[0].1.replace(from, to);
            with(&[process(1, 0, "init", 0), files], &[])
        };
        for (from, to, name) in [
            ("Uid:\t0\t0", "Uid:\t1000\t1000", "dockerd (7, of the user with UID 1000)"),
            ("NSpid:\t7", "NSpid:\t7\t1", "dockerd (7, in a container)"),
        ] {
            let (_root, machine) = with_status(from, to);
            let names: Vec<String> = machine.strangers.iter().map(Stranger::name).collect();
            assert_eq!((machine.engines.len(), names), (0, vec![name.to_owned()]));
        }
    }
}
