//! What the checks look at: the machine's file systems, its processes, and the engines among them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::engines::{Engine, Launch};
use crate::rank::task::{self, Task};
use crate::system::host::Roots;
use crate::system::oom_score_adj::OomScoreAdj;
use crate::system::process::{Namespace, Process};

/// A machine.
#[derive(Debug)]
pub struct Machine {
    /// Where the kernel's file systems are.
    pub roots: Roots,
    /// The directory that configuration files are below; `/`.
    pub root: PathBuf,
    /// All processes.
    pub tasks: Vec<Task>,
    /// The engines that run.
    pub engines: Vec<Running>,
    /// The path of `oomshim-runc` that advice names.
    pub shim: PathBuf,
    /// The value of `OOMSHIM_POLICY`.
    pub policy: Option<OsString>,
    /// The kernel's log.
    pub kmsg: PathBuf,
}

/// An engine that runs.
#[derive(Debug)]
pub struct Running {
    /// Which.
    pub engine: Engine,
    /// Its PID.
    pub pid: u32,
    /// Its score.
    pub score: OomScoreAdj,
    /// How it was started, or why that cannot be read.
    pub launch: Result<Launch, String>,
    /// The systemd service that it is in, if its cgroup tells.
    service: Option<String>,
}

impl Machine {
    /// This machine.
    #[must_use]
    pub fn running() -> Machine {
        let policy = std::env::var_os(crate::policy::file::VARIABLE);
        Machine::read(Roots::default(), PathBuf::from("/"), crate::engines::shim_path(), policy)
    }

    /// The machine below those directories.
    #[must_use]
    pub fn read(roots: Roots, root: PathBuf, shim: PathBuf, policy: Option<OsString>) -> Machine {
        let pids = task::list(&roots.proc).unwrap_or_default();
        let (tasks, _) = task::read_all(&roots.proc, &pids);
        let engines = tasks.iter().filter_map(|task| Running::find(&roots.proc, task)).collect();
        let kmsg = root.join("dev/kmsg");
        Machine { roots, root, tasks, engines, shim, policy, kmsg }
    }

    /// The text of a file below `/proc`.
    pub(super) fn proc(&self, path: &str) -> Result<String, String> {
        let path = self.roots.proc.join(path);
        std::fs::read_to_string(&path).map_err(|error| {
            format!("cannot read {}: {}", path.display(), crate::system::os_error::OsError::from(error))
        })
    }

    /// The number in a file below `/proc/sys`.
    pub(super) fn sysctl(&self, path: &str) -> Result<i64, String> {
        let text = self.proc(&format!("sys/{path}"))?;
        text.trim().parse().map_err(|_| format!("/proc/sys/{path} holds {:?}, not a number", text.trim()))
    }

    /// Whether a process is in a PID namespace of its own, as containers are; `None` when that cannot be seen.
    pub(super) fn is_contained(&self, pid: u32) -> Option<bool> {
        let of = |pid| Process::open(&self.roots.proc, pid).and_then(|process| process.namespace(Namespace::Pid)).ok();
        Some(of(pid)? != of(1)?)
    }
}

impl Running {
    fn find(proc: &Path, task: &Task) -> Option<Running> {
        // Names are cut at 15 bytes, and none of these is so long.
        let engine = Engine::of_program(std::os::unix::ffi::OsStrExt::from_bytes(&task.name))?;
        task.memory?;
        let launch = Launch::of_process(proc, task.pid).map_err(|error| error.to_string());
        // podman is no daemon, and what docker calls `containerd` has its settings elsewhere.
        let is_daemon = engine != Engine::Podman && !matches!(&launch, Ok(launch) if is_dockers(launch));
        is_daemon.then(|| Running {
            engine,
            pid: task.pid,
            score: task.score,
            launch,
            service: service(proc, task.pid),
        })
    }

    /// Which it is, for a sentence.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} ({})", self.engine.name(), self.pid)
    }

    /// The systemd unit that it is (k3s runs a containerd too), or usually is where that cannot be seen.
    #[must_use]
    pub fn unit(&self) -> &str {
        self.service.as_deref().unwrap_or(match self.engine {
            Engine::Buildkitd => "buildkit.service",
            Engine::Dockerd => "docker.service",
            Engine::Containerd => "containerd.service",
            Engine::Crio => "crio.service",
            Engine::Podman => "podman.service",
        })
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
    pub(in crate::doctor) fn fake(files: &[(&str, &str)]) -> (tempfile::TempDir, Machine) {
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
        let machine = Machine::read(roots, root.path().to_owned(), "/usr/bin/oomshim-runc".into(), None);
        (root, machine)
    }

    /// The files of a process.
    pub(in crate::doctor) fn process(pid: u32, parent: u32, name: &str, score: i64) -> Vec<(String, String)> {
        let status = format!(
            "Name:\t{name}\nState:\tS (sleeping)\nPPid:\t{parent}\nVmSize:\t9 kB\nRssAnon:\t8 kB\nThreads:\t1\n"
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
    ) -> (tempfile::TempDir, Machine) {
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
        let names: Vec<String> = machine.engines.iter().map(Running::name).collect();
        assert_eq!(names, ["buildkitd (7)", "dockerd (8)"]);
    }
}
