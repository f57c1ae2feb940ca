//! `oomshim doctor` on the machine that the tests run on, with an engine of ours among its processes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why"
)]

use crate::common;

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};

use serde_json::Value;

fn doctor(args: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(common::binary("oomshim")).arg("doctor").args(args).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

/// Findings of a check.
fn findings(check: &str) -> Vec<(String, String)> {
    let (_, text) = doctor(&["--only", check, "--format", "json"]);
    let value: Value = serde_json::from_str(&text).unwrap();
    let word = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let all = value["checks"][0]["findings"].as_array().unwrap();
    all.iter().map(|finding| (word(finding, "status"), word(finding, "message"))).collect()
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A process that is called `buildkitd` and has its command line.
fn buildkitd(directory: &Path, config: &str, user: Option<u32>) -> Running {
    fs::write(directory.join("buildkitd.toml"), config).unwrap();
    let program = directory.join("buildkitd");
    common::copy_program(&common::program("sleep").unwrap(), &program);
    let mut command = Command::new(&program);
    // What sleep takes for times is an option and its value to the one who reads the command line.
    command.arg0("buildkitd").arg("1000").env("BUILDKITD", "test").current_dir(directory);
    if let Some(user) = user {
        fs::set_permissions(directory, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        command.uid(user);
    }
    Running(command.spawn().unwrap())
}

#[test]
fn every_check_says_something_and_the_exit_status_follows() {
    let (status, text) = doctor(&["--format", "json"]);
    let value: Value = serde_json::from_str(&text).unwrap();
    let checks = value["checks"].as_array().unwrap();
    assert_eq!((value["version"].as_i64(), checks.len()), (Some(2), 15));
    assert!(checks.iter().all(|check| !check["findings"].as_array().unwrap().is_empty()));
    assert_eq!(status, Some(i32::from(value["worst"] == "fail")));
    let (strict, _) = doctor(&["--strict"]);
    assert_eq!(strict, Some(i32::from(value["worst"] != "pass")));
    let (unknown, _) = doctor(&["--only", "nothing"]);
    assert_eq!(unknown, Some(2));
}

#[test]
fn an_unprotected_daemon_is_found_among_the_processes() {
    let directory = tempfile::tempdir().unwrap();
    let running = buildkitd(directory.path(), "", None);
    let pid = running.0.id();
    // Its name is there as soon as it is the program, a moment after the fork.
    std::thread::sleep(std::time::Duration::from_millis(200));
    let own = format!("buildkitd ({pid})");
    let about = |check: &str| findings(check).into_iter().find(|(_, message)| message.starts_with(&own));
    let (status, message) = about("daemons").unwrap();
    assert_eq!(status, "fail", "{message}");
    let (status, message) = about("engines").unwrap();
    assert!(status != "pass" && message.contains("build steps"), "{message}");
    let (_, text) = doctor(&["--only", "daemons"]);
    assert!(text.contains(&format!("oomshim protect --pid {pid}")), "{text}");
}

#[test]
fn a_users_daemon_is_named_and_never_protected() {
    let directory = tempfile::tempdir().unwrap();
    if fs::metadata("/proc/self").map(|own| std::os::unix::fs::MetadataExt::uid(&own)).unwrap() != 0 {
        eprintln!("*** NOT TESTED: only root can be another user ***");
        assert!(std::env::var_os("CI").is_none());
        return;
    }
    let running = buildkitd(directory.path(), "", Some(65_534));
    let pid = running.0.id();
    std::thread::sleep(std::time::Duration::from_millis(200));
    let (_, text) = doctor(&["--only", "daemons", "--only", "engines"]);
    assert!(text.contains(&format!("buildkitd ({pid}, of the user with UID 65534) has oom_score_adj ")), "{text}");
    assert!(!text.contains(&format!("--pid {pid}")) && !text.contains(&format!("buildkitd ({pid})")), "{text}");
}
