//! `oomshim report` as people call it: on the running kernel's log and on saved ones.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why"
)]

use crate::common;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn report(args: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(common::binary("oomshim"));
    command.arg("report").args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

fn text(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

const KILL: &str = "Killed process 4242 (cc1plus) total-vm:8kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:500";

#[test]
fn what_a_program_writes_to_the_kernels_log_is_no_kill() {
    let kmsg = Path::new("/dev/kmsg");
    let name = format!("forged{}", std::process::id());
    let line =
        format!("<3>Out of memory: Killed process 1 ({name}) total-vm:8kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB");
    if let Err(error) =
        std::fs::OpenOptions::new().write(true).open(kmsg).and_then(|mut log| log.write_all(line.as_bytes()))
    {
        assert!(std::env::var_os("CI").is_none(), "cannot write to /dev/kmsg: {error}");
        eprintln!("\n*** NOT TESTED: /dev/kmsg cannot be written to: {error} ***\n");
        return;
    }
    let output = report(&["--format", "json"], b"");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(!text(&output).contains(&name), "{}", text(&output));
}

#[test]
fn a_saved_log_is_read_from_a_file_and_from_a_pipe() {
    let log = format!("[    1.000000] Out of memory: {KILL}\n");
    let output = report(&["--from", "-"], log.as_bytes());
    assert!(
        text(&output)
            .starts_with("1.000000 s after boot  cc1plus (4242) was killed: the whole machine ran out of memory\n"),
        "{output:?}"
    );
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/kmsg/6.1-group.log");
    let output = report(&["--from", file.to_str().unwrap(), "--format", "json"], b"");
    assert_eq!(text(&output), std::fs::read_to_string(file.with_extension("json")).unwrap());
}

#[test]
fn a_log_without_kills_says_so_whatever_an_exit_status_was() {
    let output = report(
        &["--from", "-"],
        b"[    1.000000] systemd[1]: build.service: Main process exited, code=killed, status=9/KILL (137)\n",
    );
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output).starts_with("The log has no record"), "{output:?}");
}

#[test]
fn only_the_container_that_is_asked_for_is_told() {
    let log = "[    1.000000] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/buildkit/abc,task_memcg=/buildkit/abc,task=cc1plus,pid=4242,uid=0\n";
    let log = format!("{log}[    1.000001] Memory cgroup out of memory: {KILL}\n");
    let count = |id: &str| {
        text(&report(&["--from", "-", "--container", id, "--format", "json"], log.as_bytes())).lines().count()
    };
    assert_eq!((count("abc"), count("abd")), (1, 0));
    let log = log.replace("/abc", "/0123456789abcdef");
    let count = |id: &str| {
        text(&report(&["--from", "-", "--container", id, "--format", "json"], log.as_bytes())).lines().count()
    };
    assert_eq!((count("01234567"), count("0123456"), count("12345678")), (1, 0, 0));
}

#[test]
fn what_was_before_the_time_that_is_asked_for_is_left_out_in_any_zone() {
    let log = format!("2026-11-22T07:00:00+0100 host kernel: Out of memory: {KILL}\n");
    let count = |since: &str| {
        text(&report(&["--from", "-", "--since", since, "--format", "json"], log.as_bytes())).lines().count()
    };
    assert_eq!((count("2026-11-22T05:59:59Z"), count("2026-11-22T06:30:00Z")), (1, 0));
}

#[test]
fn what_cannot_be_read_fails_with_the_reason() {
    let output = report(&["--from", "/absent"], b"");
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(error, "oomshim: cannot read /absent: not found (ENOENT)\n");
}
