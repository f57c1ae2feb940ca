//! The shim leaves no trace on the process that it becomes: a witness program tells what it was given, once started
//! directly and once through the shim, and both must say the same.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "what was not tested is said")]

use crate::common;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

use common::{Lab, Runtime, binary, needed, not_utf8, script};

/// Tells everything that a process inherits. `$$` stays the PID of the process that was started.
const WITNESS: &str = r#"#!/bin/sh
exec </dev/null
# Read by the shell itself: while it starts another program it blocks signals.
while read -r line; do
  case $line in SigBlk*|SigIgn*|SigCgt*|NoNewPrivs*|Seccomp*|Umask*|Groups*|Uid*|Gid*|CapEff*|CapAmb*) echo "$line";; esac
done </proc/$$/status
for fd in /proc/$$/fd/*; do n=${fd##*/}; [ "$n" -lt 10 ] && echo "fd $n $(readlink "$fd")"; done
echo "cwd $(readlink /proc/$$/cwd)"
echo "score $(cat /proc/$$/oom_score_adj)"
echo "ids $(cut -d' ' -f1,4,5,6 /proc/$$/stat)"
grep -E 'open files|core' /proc/$$/limits
tr '\0' '\n' </proc/$$/environ | sort
echo args; for arg in "$@"; do printf '<%s>\n' "$arg"; done
exit 7
"#;

fn lab() -> Lab {
    let mut lab = Lab::new(&Runtime { name: "runc", path: "/nowhere".into() });
    lab.runtime.path = lab.path().join("runc");
    script(&lab.runtime.path, WITNESS);
    lab.policy("");
    fs::create_dir(lab.path().join("b")).unwrap();
    fs::write(lab.path().join("b/config.json"), "{\"process\":{\"oomScoreAdj\":500}}").unwrap();
    lab
}

/// What the witness says when `prepare` set the process up and `args` are handed on. `ids` differ only in the PIDs,
/// which are compared in a test of their own.
fn testimony(lab: &Lab, program: &Path, args: &[&OsStr], prepare: impl Fn(&mut Command)) -> (Output, String) {
    let mut command = Command::new(program);
    command.args(args).env("OOMSHIM_POLICY", lab.policy_path()).env("LEFT", "alone").current_dir(lab.path());
    prepare(&mut command);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let kept = text
        .lines()
        .filter(|line| !line.starts_with("ids ") && !line.starts_with("fd "))
        .map(|line| format!("{line}\n"));
    let text = kept.collect();
    (output, text)
}

fn same(args: &[&OsStr], prepare: impl Fn(&mut Command)) {
    let lab = lab();
    // A container that another test made belongs to that test's runtime.
    let id = OsString::from(lab.id("x"));
    let args: Vec<&OsStr> = args.iter().map(|arg| if *arg == "id" { id.as_os_str() } else { *arg }).collect();
    let args = args.as_slice();
    let (direct, mut expected) = testimony(&lab, &lab.runtime.path, args, &prepare);
    if args.first() == Some(&OsStr::new("exec")) {
        // The container is not known: its process must not keep the engine's value, so the shim takes the default class's.
        assert!(expected.contains("\nscore 0\n"), "{expected}");
        expected = expected.replace("\nscore 0\n", "\nscore 500\n");
    }
    let (through, said) = testimony(&lab, &binary("oomshim-runc"), args, &prepare);
    assert_eq!(direct.status.code(), Some(7), "{direct:?}");
    assert_eq!(expected, said);
    assert_eq!((direct.status, direct.stderr), (through.status, through.stderr));
}

fn words(line: &'static str) -> Vec<&'static OsStr> {
    line.split(' ').map(OsStr::new).collect()
}

#[test]
fn the_environment_and_every_argument_arrive_as_they_were() {
    for line in [
        "state x",
        "create --bundle b id",
        "run --bundle b id",
        "exec id sh -c a",
        "kill id 9",
        "--version",
        "frobnicate --bundle b",
    ] {
        same(&words(line), |_| {});
    }
    let bytes = not_utf8(b"\xff \n'\"$HOME");
    same(&["state".as_ref(), bytes.as_os_str(), "".as_ref()], |command| {
        command.env("BYTES", &bytes).env("EMPTY", "");
    });
    same(&words("state x"), |command| {
        let policy = command
            .get_envs()
            .find(|(name, _)| *name == "OOMSHIM_POLICY")
            .and_then(|(_, value)| value.map(OsStr::to_owned));
        command.env_clear().env("PATH", "/usr/bin:/bin").envs(policy.map(|policy| ("OOMSHIM_POLICY", policy)));
    });
}

/// A shell sets the process up, because only then it is not the test's own runtime that decides.
fn set_up(setup: &'static str, line: &'static str) {
    let lab = lab();
    let line = line.replace(" id", &format!(" {}", lab.id("x")));
    let say = |program: &Path| {
        let shell = format!("{setup}; exec \"$0\" {line}");
        let output = Command::new("sh")
            .args(["-c", &shell])
            .arg(program)
            .env("OOMSHIM_POLICY", lab.policy_path())
            .current_dir(lab.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().filter(|line| !line.starts_with("ids ") && !line.contains("pipe:")).collect::<Vec<_>>().join("\n")
    };
    let direct = say(&lab.runtime.path);
    assert!(direct.contains("score ") && direct.contains("args"), "{direct}");
    assert_eq!(direct, say(&binary("oomshim-runc")), "{setup}; {line}");
}

#[test]
fn signals_keep_their_dispositions_both_ways() {
    for line in ["state x", "create --bundle b id"] {
        set_up("trap '' PIPE", line);
        set_up("trap - PIPE", line);
        set_up("trap '' HUP INT TERM PIPE CHLD USR1", line);
    }
}

#[test]
fn sigpipe_is_what_the_caller_made_it() {
    let lab = lab();
    for (setup, ignored) in [("trap '' PIPE", true), (":", false)] {
        let shell = format!("{setup}; exec \"$0\" state x");
        let output = Command::new("sh")
            .args(["-c", &shell])
            .arg(binary("oomshim-runc"))
            .env("OOMSHIM_POLICY", lab.policy_path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mask = text.lines().find_map(|line| line.strip_prefix("SigIgn:\t")).unwrap();
        let is_ignored = u64::from_str_radix(mask, 16).unwrap() & (1 << (13 - 1)) != 0;
        assert_eq!(is_ignored, ignored, "{setup}: {text}");
    }
}

#[test]
fn descriptors_umask_and_limits_are_inherited() {
    for line in ["state x", "create --bundle b id", "run --bundle b id"] {
        set_up("exec 3</dev/zero 4>/dev/null 9<&3", line);
        set_up("umask 0137", line);
        set_up("ulimit -n 77; ulimit -c 0", line);
        set_up("cd b && cd ..", line);
    }
    // A closed standard stream stays closed, and nothing that the shim opens is left in its place.
    set_up("exec 2>&-", "create --bundle b id");
    set_up("exec 0<&-", "create --bundle b id");
}

#[test]
fn the_process_is_the_one_that_the_engine_started() {
    let lab = lab();
    let mut command = Command::new(binary("oomshim-runc"));
    command.args(["run", "--bundle", "b", "id"]).env("OOMSHIM_POLICY", lab.policy_path()).current_dir(lab.path());
    let child = command.stdout(std::process::Stdio::piped()).process_group(0).spawn().unwrap();
    let pid = child.id();
    let text = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    let ids = text.lines().find_map(|line| line.strip_prefix("ids ")).unwrap();
    let expected = [pid, std::process::id(), pid].map(|id| id.to_string());
    assert_eq!(ids.split(' ').take(3).collect::<Vec<_>>(), expected, "pid, parent, process group");
}

#[test]
fn the_runtime_is_called_by_its_own_path() {
    let lab = lab();
    // crun reads its behaviour from argv[0] (`crun-HANDLER`), so it must not be the shim's name.
    let Some(python) = needed("python3") else { return };
    script(
        &lab.runtime.path,
        &format!(
            "#!{}\nimport sys\nprint(open('/proc/self/cmdline','rb').read().split(b'\\0')[1].decode())\n",
            python.display()
        ),
    );
    let output = Command::new(binary("oomshim-runc"))
        .arg0("crun-wasm")
        .arg("state")
        .env("OOMSHIM_POLICY", lab.policy_path())
        .output()
        .unwrap();
    assert_eq!(common::stdout(&output), lab.runtime.path.to_str().unwrap());
}

#[test]
fn a_working_directory_that_is_gone_does_no_harm() {
    let lab = lab();
    let gone = lab.path().join("gone");
    let shell = format!(
        "mkdir {0} && cd {0} && rmdir {0} && exec \"$0\" create --bundle {1} id",
        gone.display(),
        lab.path().join("b").display()
    );
    fs::write(lab.path().join("b/config.json"), "{\"process\":{}}").unwrap();
    let output = Command::new("sh")
        .args(["-c", &shell])
        .arg(binary("oomshim-runc"))
        .env("OOMSHIM_POLICY", lab.policy_path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    let spec = fs::read_to_string(lab.path().join("b/config.json")).unwrap();
    assert_eq!(spec, "{\"process\":{\"oomScoreAdj\":500}}");
}
