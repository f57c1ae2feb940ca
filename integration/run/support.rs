//! Jobs with names that no other test uses, and a look at whether anything of them is left.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::common::binary;

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A job of a test.
pub(super) struct Job {
    pub(super) name: String,
    policy: tempfile::TempDir,
}

impl Job {
    pub(super) fn new() -> Job {
        let name = format!("test-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let policy = tempfile::tempdir().unwrap();
        // On cgroup v1 there is no memory.oom.group, which would be said each time.
        let text = "[class.build-step]\noom_score_adj = 500\noom_group = false\n";
        fs::write(policy.path().join("policy.toml"), text).unwrap();
        Job { name, policy }
    }

    /// `oomshim run OPTIONS -- COMMAND`
    pub(super) fn command<A: AsRef<OsStr>>(&self, options: &[&str], command: &[A]) -> Command {
        let mut call = Command::new(binary("oomshim"));
        call.env("OOMSHIM_POLICY", self.policy.path().join("policy.toml"));
        call.args(["run", "--name", &self.name]).args(options).arg("--").args(command);
        call
    }

    pub(super) fn run(&self, options: &[&str], script: &str) -> Output {
        self.command(options, &["sh", "-c", script]).stdin(Stdio::null()).output().unwrap()
    }

    /// Starts it and waits until its command has said `ready`, which the script does when it is.
    pub(super) fn start(&self, options: &[&str], script: &str) -> Child {
        let run = self.command(options, &["sh", "-c", script]);
        // nohup and the & of a shell start a program with signals ignored, and a shell cannot trap what it found ignored.
        let mut command = Command::new("env");
        command.arg("--default-signal").arg(run.get_program()).args(run.get_args());
        command.envs(run.get_envs().filter_map(|(key, value)| Some((key, value?))));
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.as_mut().unwrap()), &mut line).unwrap();
        assert_eq!(line, "ready\n");
        child
    }

    /// Its cgroups that are there.
    pub(super) fn cgroups(&self) -> Vec<PathBuf> {
        let name = format!("oomshim-run-{}", self.name);
        cgroup_mounts().iter().flat_map(|mount| find(mount, &name, 3)).collect()
    }

    /// Its processes: those that the name is on the command line of, and those in its cgroups.
    pub(super) fn processes(&self) -> Vec<u32> {
        let has_name = |pid: &u32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.split(|&byte| byte == 0).any(|word| word == self.name.as_bytes())
        };
        let mut all: Vec<u32> = pids().into_iter().filter(has_name).collect();
        for cgroup in self.cgroups() {
            let text = fs::read_to_string(cgroup.join("cgroup.procs")).unwrap_or_default();
            all.extend(text.lines().filter_map(|line| line.parse::<u32>().ok()));
        }
        all
    }

    /// Nothing of it is left, soon.
    #[track_caller]
    pub(super) fn expect_gone(&self) {
        let gone = wait_until(Duration::from_secs(15), || self.cgroups().is_empty() && self.processes().is_empty());
        assert!(gone, "{} left {:?} and {:?}", self.name, self.cgroups(), self.processes());
    }
}

pub(super) fn pids() -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
}

pub(super) fn wait_until(time: Duration, mut done: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + time;
    while Instant::now() < until {
        if done() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    done()
}

fn cgroup_mounts() -> Vec<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    let cgroups = mounts.lines().filter(|line| line.split(' ').nth(2).is_some_and(|kind| kind.starts_with("cgroup")));
    cgroups.filter_map(|line| line.split(' ').nth(1).map(PathBuf::from)).collect()
}

fn find(directory: &Path, name: &str, depth: usize) -> Vec<PathBuf> {
    let own = directory.join(name);
    let mut found: Vec<PathBuf> = own.is_dir().then_some(own).into_iter().collect();
    if depth > 0 {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                found.extend(find(&entry.path(), name, depth - 1));
            }
        }
    }
    found
}
