//! `oomshim doctor` on the machine that the tests run on, with an engine of ours among its processes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why"
)]

mod common;

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
    all.iter().map(|finding| (word(finding, "verdict"), word(finding, "message"))).collect()
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A process that is called `buildkitd` and has its command line.
fn buildkitd(directory: &Path, config: &str) -> Running {
    fs::write(directory.join("buildkitd.toml"), config).unwrap();
    let program = directory.join("buildkitd");
    fs::copy(common::program("sleep").unwrap(), &program).unwrap();
    let mut command = Command::new(&program);
    // What sleep takes for times is an option and its value to the one who reads the command line.
    command.arg0("buildkitd").arg("1000").env("BUILDKITD", "test").current_dir(directory);
    Running(command.spawn().unwrap())
}

#[test]
fn every_check_says_something_and_the_exit_status_follows() {
    let (status, text) = doctor(&["--format", "json"]);
    let value: Value = serde_json::from_str(&text).unwrap();
    let checks = value["checks"].as_array().unwrap();
    assert_eq!((value["version"].as_i64(), checks.len()), (Some(1), 14));
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
    let running = buildkitd(directory.path(), "");
    let pid = running.0.id();
    // Its name is there as soon as it is the program, a moment after the fork.
    std::thread::sleep(std::time::Duration::from_millis(200));
    let own = format!("buildkitd ({pid})");
    let about = |check: &str| findings(check).into_iter().find(|(_, message)| message.starts_with(&own));
    let (verdict, message) = about("daemons").unwrap();
    assert_eq!(verdict, "fail", "{message}");
    let (verdict, message) = about("engines").unwrap();
    assert!(verdict != "pass" && message.contains("build steps"), "{message}");
    let (_, text) = doctor(&["--only", "daemons"]);
    assert!(text.contains(&format!("oomshim protect --pid {pid}")), "{text}");
}
