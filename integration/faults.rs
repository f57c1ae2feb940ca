//! Nothing is ever lost: each system call of the shim and of the hook that can fail is made to fail, or to be the last, one
//! at a time. Afterwards the spec is whole, old or new; nothing is left beside it where the process survived; the right
//! runtime was started or the engine's user was told why not; and no process has the engine's score in silence.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use crate::common::{Lab, Runtime, binary, names, needed, script, stderr};

const OLD: &str = "{\n\t\"process\": {\n\t\t\"args\": [\"x\"]\n\t}\n}\n";
const NEW: &str = "{\n\t\"process\": {\n\t\t\"oomScoreAdj\": 500,\n\t\t\"args\": [\"x\"]\n\t}\n}\n";
/// The exit status of the runtime that is to run, and of one that is not.
const STARTED: i32 = 42;
const DECOY: i32 = 13;

/// What a file, a directory, a descriptor or the disk can answer.
const ERRORS: [&str; 7] = ["ENOSPC", "EROFS", "EACCES", "EIO", "EMFILE", "EINVAL", "ENOMEM"];

/// The C library's own memory: a process whose brk fails has nothing to go on with. And what cannot fail.
const LEFT_OUT: [&str; 8] = ["brk", "mmap", "munmap", "mprotect", "getrandom", "exit_group", "geteuid", "getpid"];

/// Something to be called again and again, each time with another fault.
struct Bench {
    lab: Lab,
    strace: PathBuf,
    id: String,
    /// The init process of the container, whose score is 600.
    init: Option<Child>,
}

impl Drop for Bench {
    fn drop(&mut self) {
        if let Some(init) = &mut self.init {
            let _ = init.kill();
            let _ = init.wait();
        }
    }
}

impl Bench {
    fn new(policy: &str) -> Option<Bench> {
        let strace = needed("strace")?;
        let mut lab = Lab::new(&Runtime { name: "runc", path: "/nowhere".into() });
        lab.runtime.path = lab.path().join("runc");
        script(&lab.runtime.path, "#!/bin/sh\nread -r score </proc/$$/oom_score_adj\necho $score >\"$OUT\"\nexit 42\n");
        lab.policy(policy);
        let id = lab.id("faults");
        let bench = Bench { lab, strace, id, init: None };
        bench.reset();
        Some(bench)
    }

    /// The same, with a container that is there: made by the runtime, while the policy names another one by now.
    fn with_container(policy: &str) -> Option<Bench> {
        let mut bench = Bench::new(policy)?;
        assert_eq!(bench.call(None, &bench.create()).status.code(), Some(STARTED));
        let decoy = bench.at("crun");
        script(&decoy, "#!/bin/sh\nexit 13\n");
        let log = bench.at("log");
        let (decoy, log) = (decoy.display(), log.display());
        let text = format!("[runtime]\npath = \"{decoy}\"\n[log]\nto = \"{log}\"\nlevel = \"debug\"\n{policy}");
        fs::write(bench.lab.policy_path(), text).unwrap();
        let init = Command::new("unshare").args(["-m", "sleep", "300"]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(100));
        fs::write(format!("/proc/{}/oom_score_adj", init.id()), "600").unwrap();
        let stat = fs::read_to_string(format!("/proc/{}/stat", init.id())).unwrap();
        let started = stat.rsplit(')').next().unwrap().split_whitespace().nth(19).unwrap();
        let state = bench.at("state").join(&bench.id);
        fs::create_dir_all(&state).unwrap();
        let text = format!("{{\"init_process_pid\":{},\"init_process_start\":{started}}}", init.id());
        fs::write(state.join("state.json"), text).unwrap();
        bench.init = Some(init);
        bench.reset();
        Some(bench)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.lab.path().join(name)
    }

    fn config(&self) -> PathBuf {
        self.at("b/config.json")
    }

    /// A spec with an owner, an ACL and an attribute of its own, so that keeping them takes calls that can fail.
    fn reset(&self) {
        let _ = fs::remove_dir_all(self.at("b"));
        fs::create_dir(self.at("b")).unwrap();
        let config = self.config();
        fs::write(&config, OLD).unwrap();
        if nix::unistd::geteuid().is_root() {
            std::os::unix::fs::chown(&config, Some(1), Some(1)).unwrap();
        }
        let _ = xattr::set(&config, "user.kept", b"yes");
        let _ = fs::remove_file(self.at("out"));
        let _ = fs::remove_file(self.at("log"));
    }

    fn shim(&self, args: &[&str]) -> Vec<String> {
        let program = binary("oomshim-runc").to_str().unwrap().to_owned();
        let root = self.at("state").to_str().unwrap().to_owned();
        let args = args.iter().map(|arg| (*arg).to_owned());
        [program, "--root".to_owned(), root].into_iter().chain(args).collect()
    }

    fn create(&self) -> Vec<String> {
        self.shim(&["create", "--bundle", self.at("b").to_str().unwrap(), &self.id])
    }

    fn call(&self, inject: Option<&str>, args: &[String]) -> Output {
        let mut command = Command::new(&self.strace);
        command.arg("-o").arg(self.at("trace"));
        if let Some(inject) = inject {
            command.arg("-e").arg(format!("inject={inject}"));
        }
        command.args(args).env_clear().env("PATH", "/usr/bin:/bin").env("OUT", self.at("out"));
        command.env("OOMSHIM_POLICY", self.lab.policy_path());
        command.stdin(File::open(self.at("stdin")).map_or_else(|_| Stdio::null(), Stdio::from));
        command.output().unwrap()
    }

    /// The program's own calls, from its beginning to the runtime's: a name, and the how-manieth of that name.
    fn calls(&self, args: &[String]) -> Vec<(String, usize)> {
        // Once before, so that what is made only once is there.
        self.call(None, args);
        self.reset();
        self.call(None, args);
        let text = fs::read_to_string(self.at("trace")).unwrap();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let (mut calls, mut began) = (Vec::new(), false);
        for line in text.lines() {
            let Some((name, _)) = line.split_once('(') else { continue };
            let count = counts.entry(name).or_default();
            *count += 1;
            // The first thing that either of them does, behind the loader's and the C library's own.
            began |= line.starts_with("rt_sigaction(SIGXFSZ");
            if began && !LEFT_OUT.contains(&name) {
                calls.push((name.to_owned(), *count));
            }
            if name == "execve" && *count == 2 {
                break;
            }
        }
        assert!(calls.len() > 5, "{text}");
        calls
    }

    /// Makes every call fail in every way, and hands what came of it to `check`. How many faults that were.
    fn every_fault(&self, args: &[String], check: impl Fn(&Output, &str)) -> usize {
        let mut tried = 0;
        for (name, number) in self.calls(args) {
            let effects = ERRORS.iter().map(|error| format!("error={error}")).chain(["signal=SIGKILL".to_owned()]);
            for effect in effects {
                let inject = format!("{name}:{effect}:when={number}");
                self.reset();
                let output = self.call(Some(&inject), args);
                if output.status.signal() != Some(9) {
                    check(&output, &inject);
                }
                let spec = fs::read_to_string(self.config()).unwrap_or_else(|error| panic!("{inject}: {error}"));
                assert!(spec == OLD || spec == NEW, "{inject}: the spec is neither old nor new: {spec:?}");
                tried += 1;
            }
        }
        tried
    }
}

/// The right runtime was started and nothing was said, or it was not and one line says why.
fn is_told(output: &Output, fault: &str) {
    match output.status.code() {
        Some(STARTED) => assert_eq!(stderr(output), "", "{fault}: standard error belongs to the runtime"),
        Some(1 | 255) => {
            let text = stderr(output);
            assert!(text.starts_with("oomshim: ") && text.lines().count() == 1, "{fault}: {text:?}");
        }
        Some(DECOY) => panic!("{fault}: another runtime was started"),
        _ => panic!("{fault}: {output:?}"),
    }
}

#[test]
fn a_create_is_whole_or_told() {
    for policy in ["", "[apply]\nstrict = true\n"] {
        let Some(bench) = Bench::new(policy) else { return };
        let calls = bench.calls(&bench.create());
        for wanted in ["openat", "read", "write", "fchown", "fchmod", "renameat2", "unlinkat", "execve"] {
            assert!(calls.iter().any(|(name, _)| name == wanted), "no call of {wanted}: {calls:?}");
        }
        let tried = bench.every_fault(&bench.create(), |output, fault| {
            is_told(output, fault);
            assert_eq!(names(&bench.at("b")), ["config.json"], "{fault}: something is left in the bundle");
            let is_new = fs::read_to_string(bench.config()).unwrap() == NEW;
            if output.status.code() == Some(STARTED) && !is_new {
                assert_eq!(policy, "", "{fault}: strict");
                let score = fs::read_to_string(bench.at("out")).unwrap();
                let is_raised = score.trim() == "500";
                assert!(is_raised || !bench.lab.records().is_empty(), "{fault}: unprotected and nobody knows");
            }
        });
        assert!(tried > 200, "only {tried} faults were tried");
    }
}

#[test]
fn an_exec_is_never_at_the_engines_score_in_silence() {
    for policy in ["", "[apply]\nstrict = true\n"] {
        let Some(bench) = Bench::with_container(policy) else { return };
        let args = bench.shim(&["exec", &bench.id, "sh"]);
        assert_eq!(bench.call(None, &args).status.code(), Some(STARTED));
        assert_eq!(fs::read_to_string(bench.at("out")).unwrap().trim(), "600");
        let tried = bench.every_fault(&args, |output, fault| {
            is_told(output, fault);
            if output.status.code() == Some(STARTED) {
                let score: i32 = fs::read_to_string(bench.at("out")).unwrap().trim().parse().unwrap();
                assert!(score >= 500, "{fault}: {score}");
            }
        });
        assert!(tried > 100, "only {tried} faults were tried");
    }
}

#[test]
fn kill_and_delete_reach_their_runtime_or_nobody() {
    let strict = "[apply]\nstrict = true\n";
    for (subcommand, policy) in [("kill", ""), ("delete", ""), ("kill", strict), ("delete", strict)] {
        let Some(bench) = Bench::with_container(policy) else { return };
        let args = bench.shim(&[subcommand, &bench.id]);
        let tried = bench.every_fault(&args, is_told);
        assert!(tried > 60, "only {tried} faults were tried");
    }
}

#[test]
fn a_hook_is_forgiven_or_told() {
    for policy in ["", "[apply]\nstrict = true\n"] {
        let Some(bench) = Bench::with_container(policy) else { return };
        let pid = bench.init.as_ref().unwrap().id();
        let state = format!("{{\"id\":\"x\",\"status\":\"creating\",\"pid\":{pid},\"bundle\":{:?}}}", bench.at("b"));
        fs::write(bench.at("stdin"), state).unwrap();
        let score = format!("/proc/{pid}/oom_score_adj");
        let args = [binary("oomshim-hook").to_str().unwrap().to_owned()];
        let tried = bench.every_fault(&args, |output, fault| {
            let now = fs::read_to_string(&score).unwrap();
            fs::write(&score, "600").unwrap();
            match output.status.code() {
                Some(0) => {
                    assert_eq!(stderr(output), "", "{fault}");
                    let is_kept = now.trim() == "500" || now.trim() == "600";
                    assert!(is_kept && (policy.is_empty() || now.trim() == "600"), "{fault}: {now}");
                }
                Some(1) => {
                    // A policy that cannot be read may be a strict one.
                    let text = stderr(output);
                    let is_strict = !policy.is_empty() || text.contains("cannot read the policy");
                    assert!(is_strict && text.starts_with("oomshim: "), "{fault}: {output:?}");
                }
                _ => panic!("{fault}: {output:?}"),
            }
        });
        assert!(tried > 100, "only {tried} faults were tried");
    }
}

#[test]
fn a_filter_prints_a_whole_spec_or_fails() {
    for policy in ["", "[apply]\nstrict = true\n"] {
        let Some(bench) = Bench::new(policy) else { return };
        fs::write(bench.at("stdin"), OLD).unwrap();
        let args = [binary("oomshim-hook").to_str().unwrap().to_owned(), "precreate".to_owned()];
        let tried = bench.every_fault(&args, |output, fault| match output.status.code() {
            Some(0) => {
                let spec = String::from_utf8_lossy(&output.stdout);
                assert!(spec == NEW || spec == OLD && policy.is_empty(), "{fault}: {spec:?}");
            }
            Some(1) => assert!(stderr(output).starts_with("oomshim: "), "{fault}: {output:?}"),
            _ => panic!("{fault}: {output:?}"),
        });
        assert!(tried > 80, "only {tried} faults were tried");
    }
}

#[test]
fn a_file_system_without_exchange_is_renamed_over() {
    let Some(bench) = Bench::new("") else { return };
    for error in ["EINVAL", "EPERM"] {
        bench.reset();
        let output = bench.call(Some(&format!("renameat2:error={error}:when=1")), &bench.create());
        assert_eq!(output.status.code(), Some(STARTED), "{output:?}");
        assert_eq!(fs::read_to_string(bench.config()).unwrap(), NEW);
        assert_eq!(names(&bench.at("b")), ["config.json"]);
    }
}

/// Who may read the spec hangs on its ACL: a copy without it is none. A hash of the old bytes is none of the new ones'.
#[test]
fn attributes_that_matter_are_kept_or_nothing_is_changed() {
    let Some(bench) = Bench::new("") else { return };
    // The owner may read and write, user 7 may read, the mask is r, and nobody else may anything (acl(5), version 2).
    let entries: [(u16, u16, u32); 5] =
        [(1, 6, u32::MAX), (2, 4, 7), (4, 0, u32::MAX), (16, 4, u32::MAX), (32, 0, u32::MAX)];
    let mut acl = 2_u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in entries {
        acl.extend([&tag.to_le_bytes()[..], &permissions.to_le_bytes(), &id.to_le_bytes()].concat());
    }
    let has = |name: &str| xattr::get(bench.config(), name).ok().flatten();
    if xattr::set(bench.config(), "system.posix_acl_access", &acl).is_ok() {
        assert_eq!(bench.call(None, &bench.create()).status.code(), Some(STARTED));
        assert_eq!(fs::read_to_string(bench.config()).unwrap(), NEW);
        assert_eq!(has("system.posix_acl_access"), Some(acl.clone()));
        bench.reset();
        xattr::set(bench.config(), "system.posix_acl_access", &acl).unwrap();
        let output = bench.call(Some("fsetxattr:error=EPERM"), &bench.create());
        assert_eq!(output.status.code(), Some(STARTED), "{output:?}");
        assert_eq!(fs::read_to_string(bench.config()).unwrap(), OLD, "a copy that others may read is none");
        bench.reset();
        let output = bench.call(Some("fsetxattr:error=EPERM"), &bench.create());
        assert_eq!(output.status.code(), Some(STARTED), "{output:?}");
        assert_eq!(fs::read_to_string(bench.config()).unwrap(), NEW, "a note of the administrator's is not worth it");
    }
    for name in ["security.ima", "security.evm"] {
        bench.reset();
        if xattr::set(bench.config(), name, b"\x01of the old bytes").is_ok() {
            assert_eq!(bench.call(None, &bench.create()).status.code(), Some(STARTED));
            assert_eq!((fs::read_to_string(bench.config()).unwrap().as_str(), has(name)), (NEW, None), "{name}");
        }
    }
}

/// Whoever reads the spec while the shim is killed at any moment sees it whole.
#[test]
fn killed_at_random_the_spec_is_whole() {
    let Some(bench) = Bench::new("") else { return };
    let (config, args) = (bench.config(), bench.create());
    let rounds = std::env::var("OOMSHIM_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(100);
    let mut edited = 0;
    for round in 0..rounds {
        bench.reset();
        let mut command = Command::new(&args[0]);
        command.args(&args[1..]).env_clear().env("OOMSHIM_POLICY", bench.lab.policy_path()).env("OUT", bench.at("out"));
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // From at once to when a slow machine is done with it.
        let until = std::time::Instant::now() + Duration::from_micros(37 * (round * 61 % 100));
        while std::time::Instant::now() < until {
            let spec = fs::read_to_string(&config).unwrap();
            assert!(spec == OLD || spec == NEW, "{spec:?}");
        }
        let _ = child.kill();
        child.wait().unwrap();
        let spec = fs::read_to_string(&config).unwrap();
        assert!(spec == OLD || spec == NEW, "{spec:?}");
        edited += usize::from(spec == NEW);
    }
    assert!(edited > 0, "it was always killed before it had begun");
}
