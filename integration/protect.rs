//! `oomshim protect` as a supervisor sees it: what it becomes, what it hands on, and how it ends where it starts nothing.
//!
//! Here it may raise an oom_score_adj and not lower it, for its capability is taken away: one below the own is one that cannot
//! be had. Where it can be had, `make vm-test` looks.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use crate::common;

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn protect<A: AsRef<OsStr>>(args: &[A]) -> Output {
    let mut command = Command::new(common::binary("oomshim"));
    common::without_sys_resource(command.arg("protect").args(args)).output().unwrap()
}

fn own_score() -> i64 {
    fs::read_to_string("/proc/self/oom_score_adj").unwrap().trim().parse().unwrap()
}

#[test]
fn it_becomes_the_command_with_its_score_and_arguments() {
    let script = "cat /proc/self/oom_score_adj; echo $$; printf '%s|' \"$@\"";
    let args = ["--score", "700", "--", "sh", "-c", script, "sh", "a b", "--strict", ""].map(OsStr::new);
    let mut child = Command::new(common::binary("oomshim"));
    let child = child.arg("protect").args(args).arg(OsStr::from_bytes(b"\xff"));
    let child = child.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let pid = child.id();
    let output = child.wait_with_output().unwrap();
    let expected = [format!("700\n{pid}\na b|--strict||").as_bytes(), b"\xff|"].concat();
    assert_eq!(output.stdout, expected, "the same process, and every byte of its arguments");
    assert_eq!((output.status.code(), common::stderr(&output)), (Some(0), String::new()));
}

#[test]
fn the_commands_end_is_its_own() {
    for (script, code, signal) in [("exit 7", Some(7), None), ("kill -TERM $$", None, Some(15))] {
        let status = protect(&["--score", "600", "--", "sh", "-c", script]).status;
        assert_eq!((status.code(), status.signal()), (code, signal), "{script}");
    }
    // Rust's start-up would have it ignored, and a daemon's helpers would write into closed pipes for ever.
    let status = protect(&["--score", "600", "--", "sh", "-c", "kill -PIPE $$"]).status;
    assert_eq!(status.signal(), Some(13));
}

#[test]
fn what_was_not_started_has_a_status_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let plain = directory.path().join("plain");
    fs::write(&plain, "").unwrap();
    let cases = [
        (directory.path().join("absent"), 127, "cannot start ", "(ENOENT)"),
        (plain, 126, "cannot start ", "(EACCES)"),
        (directory.path().to_owned(), 126, "cannot start ", "(EACCES)"),
    ];
    for (program, code, begins, ends) in cases {
        let output = protect(&[OsStr::new("--score"), OsStr::new("600"), OsStr::new("--"), program.as_os_str()]);
        let text = common::stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(text.starts_with(&format!("oomshim: {begins}")) && text.trim_end().ends_with(ends), "{text}");
    }
    assert_eq!(protect(&["--score", "1001", "--", "true"]).status.code(), Some(2), "called wrongly");
    assert_eq!(protect(&["--pid", "4294967295", "--score", "600"]).status.code(), Some(2));
}

#[test]
fn a_score_that_cannot_be_had_is_said_and_only_strict_refuses() {
    let own = own_score();
    let output = protect(&["--", "cat", "/proc/self/oom_score_adj"]);
    assert_eq!(common::stdout(&output), own.to_string());
    let warning = format!(
        "oomshim: warning: this process has oom_score_adj {own} instead of -1000: going lower needs CAP_SYS_RESOURCE"
    );
    assert!(common::stderr(&output).starts_with(&warning), "{}", common::stderr(&output));
    let directory = tempfile::tempdir().unwrap();
    let daemon = directory.path().join("buildkitd");
    common::copy_program(&common::needed("echo").unwrap(), &daemon);
    let shim = common::binary("oomshim-runc");
    let options = ["--strict", "--"].map(OsStr::new);
    let binary = [OsStr::new("--containerd-worker=false"), OsStr::new("--oci-worker-binary"), shim.as_os_str()];
    let refused = protect(&[&options[..], &[daemon.as_os_str()], &binary].concat());
    assert_eq!((refused.status.code(), refused.stdout.as_slice()), (Some(125), &b""[..]));
    let said = common::stderr(&refused);
    assert!(said.contains("CAP_SYS_RESOURCE") && said.contains("not done, because of --strict"), "{said}");
}

#[test]
fn a_daemon_that_would_hand_it_on_is_warned_about_and_only_strict_refuses() {
    let directory = tempfile::tempdir().unwrap();
    let daemon = directory.path().join("buildkitd");
    common::script(&daemon, "#!/bin/sh\necho started\n");
    let config = directory.path().join("buildkitd.toml");
    fs::write(&config, "[worker.oci]\nbinary = \"/usr/bin/runc\"\n").unwrap();
    let call = |options: &[&str], config: &Path| {
        let mut args: Vec<&OsStr> = options.iter().map(OsStr::new).collect();
        args.extend([OsStr::new("--"), daemon.as_os_str(), OsStr::new("--config"), config.as_os_str()]);
        let output = protect(&args);
        (output.status.code(), output.stdout.clone(), common::stderr(&output))
    };
    let (code, stdout, stderr) = call(&[], &config);
    assert_eq!((code, stdout.as_slice()), (Some(0), &b"started\n"[..]));
    assert!(stderr.contains("/usr/bin/runc starts them"), "{stderr}");
    let (code, stdout, stderr) = call(&["--strict"], &config);
    assert_eq!((code, stdout.as_slice()), (Some(125), &b""[..]));
    assert!(stderr.contains("/usr/bin/runc starts them"), "{stderr}");
    // A score that protects from nothing is nobody's inheritance.
    assert_eq!(call(&["--strict", "--score", "600"], &config).0, Some(0));
}

#[test]
fn strict_refuses_what_it_cannot_judge() {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("dockerd-entrypoint.sh");
    common::script(&script, "#!/bin/sh\necho started\n");
    let agent = directory.path().join("nomad");
    common::copy_program(&common::needed("echo").unwrap(), &agent);
    let cases: [(&[&OsStr], &str, bool); 4] = [
        (&[script.as_os_str()], "dockerd-entrypoint.sh is a script", true),
        (&["sh", "-c", "exec echo started dockerd"].map(OsStr::new), "sh is a script", true),
        (&[agent.as_os_str(), OsStr::new("started")], "nomad starts engines or jobs later. Known: ", true),
        (&["echo", "started"].map(OsStr::new), "echo is no engine", false),
    ];
    for (command, said, is_warned) in cases {
        let dashes = [OsStr::new("--")];
        let output = protect(&[&dashes[..], command].concat());
        let text = common::stderr(&output);
        assert!(common::stdout(&output).starts_with("started"), "{text}");
        assert_eq!(text.contains(said), is_warned, "{text}");
        let output = protect(&[&[OsStr::new("--strict")], &dashes[..], command].concat());
        let text = common::stderr(&output);
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(125), &b""[..]), "{text}");
        assert!(text.contains(said), "{text}");
    }
}

#[test]
fn a_containers_process_is_warned_about() {
    let Some(unshare) = common::needed("unshare") else { return };
    let script = ["--pid", "--fork", "--kill-child", "sh", "-c", "echo ready; sleep 60"];
    let mut outer = Command::new(unshare).args(script).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(outer.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", outer.id())).unwrap();
    let of = |options: &[&str]| protect(&[&["--pid", children.trim(), "--score"], options].concat());
    let (warned, refused, raised) = (of(&["-1"]), of(&["-1", "--strict"]), of(&["600", "--strict"]));
    outer.kill().unwrap();
    outer.wait().unwrap();
    let said = format!("process {} is in a container", children.trim());
    assert!(common::stderr(&warned).contains(&said), "{}", common::stderr(&warned));
    assert!(refused.status.code() == Some(2) && common::stderr(&refused).contains(&said));
    assert_eq!((raised.status.code(), common::stderr(&raised)), (Some(0), String::new()));
}

#[test]
fn a_container_among_the_descendants_is_left_alone() {
    let Some(unshare) = common::needed("unshare") else { return };
    let script = format!("sleep 60 & {} -m sh -c 'echo ready; sleep 60' & wait", unshare.display());
    let mut shell = Command::new("setsid").args(["sh", "-c", &script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(shell.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let output = protect(&["--pid", &shell.id().to_string(), "--tree", "--score", "400"]);
    let group = format!("-{}", shell.id());
    assert!(Command::new("kill").args(["-KILL", "--", &group]).status().unwrap().success());
    shell.wait().unwrap();
    let told = common::stdout(&output);
    assert!(
        told.ends_with(": 2 processes have oom_score_adj 400, 1 left alone in containers"),
        "it shares our PID namespace: {told}"
    );
}
