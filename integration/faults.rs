//! Nothing is ever lost: each system call of the shim that can fail is made to fail, or to be its last, one at a time.
//! Afterwards the spec is whole, old or new; nothing is left beside it where the process survived; and the runtime was
//! started or the engine's user was told why not.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "what was not tested is said")]

use crate::common;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output};

use common::{Lab, Runtime, binary, names, needed, script, stderr};

const OLD: &str = "{\n\t\"process\": {\n\t\t\"args\": [\"x\"]\n\t}\n}\n";
const NEW: &str = "{\n\t\"process\": {\n\t\t\"oomScoreAdj\": 500,\n\t\t\"args\": [\"x\"]\n\t}\n}\n";
const STARTED: i32 = 42;

/// What a file, a directory, a descriptor or the disk can answer.
const ERRORS: [&str; 6] = ["ENOSPC", "EROFS", "EACCES", "EIO", "EMFILE", "EINVAL"];

/// The C library's own start and memory: a process whose brk fails did not begin.
const START_UP: [&str; 11] = [
    "brk",
    "mmap",
    "munmap",
    "mprotect",
    "arch_prctl",
    "set_tid_address",
    "set_robust_list",
    "rseq",
    "prlimit64",
    "getrandom",
    "exit_group",
];

struct Bench {
    lab: Lab,
    strace: std::path::PathBuf,
}

impl Bench {
    fn new(policy: &str) -> Option<Bench> {
        let strace = needed("strace")?;
        let mut lab = Lab::new(&Runtime { name: "runc", path: "/nowhere".into() });
        lab.runtime.path = lab.path().join("runc");
        script(&lab.runtime.path, "#!/bin/sh\nexit 42\n");
        lab.policy(policy);
        let bench = Bench { lab, strace };
        bench.reset();
        Some(bench)
    }

    fn bundle(&self) -> std::path::PathBuf {
        self.lab.path().join("b")
    }

    /// A spec with an owner and an attribute of its own, so that keeping them takes calls that can fail.
    fn reset(&self) {
        let _ = fs::remove_dir_all(self.bundle());
        fs::create_dir(self.bundle()).unwrap();
        let config = self.bundle().join("config.json");
        fs::write(&config, OLD).unwrap();
        if nix::unistd::geteuid().is_root() {
            std::os::unix::fs::chown(&config, Some(1), Some(1)).unwrap();
        }
        let _ = xattr::set(&config, "user.kept", b"yes");
    }

    fn call(&self, inject: Option<&str>, trace: &Path) -> Output {
        let mut command = Command::new(&self.strace);
        command.arg("-o").arg(trace);
        if let Some(inject) = inject {
            command.arg("-e").arg(format!("inject={inject}"));
        }
        command.arg(binary("oomshim-runc")).args(["create", "--bundle"]).arg(self.bundle()).arg("id");
        command.env_clear().env("PATH", "/usr/bin:/bin").env("OOMSHIM_POLICY", self.lab.policy_path());
        command.output().unwrap()
    }

    /// The shim's own calls: a name, and the how-manieth of that name. They end where the runtime begins.
    fn calls(&self) -> Vec<(String, usize)> {
        let trace = self.lab.path().join("trace");
        let output = self.call(None, &trace);
        assert_eq!(output.status.code(), Some(STARTED), "{output:?}");
        assert_eq!(fs::read_to_string(self.bundle().join("config.json")).unwrap(), NEW);
        let text = fs::read_to_string(trace).unwrap();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let mut calls = Vec::new();
        for line in text.lines() {
            let Some((name, _)) = line.split_once('(') else { continue };
            let count = counts.entry(name).or_default();
            *count += 1;
            let is_runtime = name == "execve" && *count == 2;
            let is_shims_own_start = name == "execve" && *count == 1;
            if !(START_UP.contains(&name) || is_shims_own_start) {
                calls.push((name.to_owned(), *count));
            }
            if is_runtime {
                break;
            }
        }
        calls
    }
}

fn check(bench: &Bench, output: &Output, fault: &str) {
    let config = fs::read_to_string(bench.bundle().join("config.json"))
        .unwrap_or_else(|error| panic!("{fault}: the spec is gone: {error}"));
    assert!(config == OLD || config == NEW, "{fault}: the spec is neither old nor new: {config:?}");
    if output.status.signal() == Some(9) {
        return;
    }
    assert_eq!(names(&bench.bundle()), ["config.json"], "{fault}: something is left in the bundle");
    match output.status.code() {
        Some(STARTED) => assert_eq!(stderr(output), "", "{fault}: standard error belongs to the runtime"),
        Some(1) => {
            let text = stderr(output);
            assert!(text.starts_with("oomshim: ") && text.lines().count() == 1, "{fault}: {text:?}");
        }
        _ => panic!("{fault}: {output:?}"),
    }
}

fn every_fault(policy: &str) -> Option<usize> {
    let bench = Bench::new(policy)?;
    let calls = bench.calls();
    for wanted in ["openat", "read", "write", "fchown", "fchmod", "renameat2", "unlinkat", "execve"] {
        assert!(calls.iter().any(|(name, _)| name == wanted), "the shim makes no call of {wanted}: {calls:?}");
    }
    let trace = bench.lab.path().join("trace");
    let mut tried = 0;
    for (name, number) in &calls {
        let effects = ERRORS.iter().map(|error| format!("error={error}")).chain(["signal=SIGKILL".to_owned()]);
        for effect in effects {
            let inject = format!("{name}:{effect}:when={number}");
            bench.reset();
            let output = bench.call(Some(&inject), &trace);
            check(&bench, &output, &inject);
            tried += 1;
        }
    }
    Some(tried)
}

#[test]
fn whatever_fails_the_spec_is_whole_and_somebody_knows() {
    if let Some(tried) = every_fault("") {
        assert!(tried > 150, "only {tried} faults were tried");
    }
}

#[test]
fn a_strict_policy_loses_nothing_either() {
    if let Some(tried) = every_fault("[apply]\nstrict = true\n") {
        assert!(tried > 150, "only {tried} faults were tried");
    }
}

#[test]
fn a_file_system_without_exchange_is_renamed_over() {
    let Some(bench) = Bench::new("") else { return };
    let trace = bench.lab.path().join("trace");
    let output = bench.call(Some("renameat2:error=EINVAL:when=1"), &trace);
    assert_eq!(output.status.code(), Some(STARTED), "{output:?}");
    assert_eq!(fs::read_to_string(bench.bundle().join("config.json")).unwrap(), NEW);
    assert_eq!(names(&bench.bundle()), ["config.json"]);
}
