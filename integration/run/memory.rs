//! The job's memory: its limit, its tmpfs, its System V segments, and the truth about what killed it.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::support::{Job, wait_until};
use crate::common::{needed, stderr, stdout};

/// Takes 200 MiB in a process beside the command's own.
const GREEDY: &str = "head -c 200000000 /dev/zero | tail -c 190000000 | wc -c; exit 0";

#[test]
fn an_own_limit_is_told_and_reported() {
    let job = Job::new();
    let directory = tempfile::tempdir().unwrap();
    let report = directory.path().join("report.json");
    let options = ["--memory-max", "32MiB", "--swap-max", "0", "--report", report.to_str().unwrap()];
    let output = job.run(&options, GREEDY);
    let text = stderr(&output);
    assert!(text.contains("oomshim: out of memory: this job reached its limit of 32M"), "{output:?}");
    assert!(text.contains("peak 3"), "{text}");
    let report: Value = serde_json::from_str(&fs::read_to_string(&report).unwrap()).unwrap();
    assert_eq!(report["out_of_memory"]["cause"], "own-limit", "{report:#}");
    assert_eq!(report["memory"]["max"], 32 << 20);
    assert!(report["out_of_memory"]["kills"].as_u64().unwrap() >= 1);
    let peak = report["memory"]["peak"].as_u64().unwrap();
    assert!(peak > 16 << 20 && peak <= 32 << 20, "{peak}");
    job.expect_gone();
}

#[test]
fn sigkill_alone_is_no_out_of_memory() {
    let job = Job::new();
    let directory = tempfile::tempdir().unwrap();
    let report = directory.path().join("report.json");
    let output = job.run(&["--report", report.to_str().unwrap()], "kill -9 $$");
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(137), ""));
    let report: Value = serde_json::from_str(&fs::read_to_string(&report).unwrap()).unwrap();
    assert_eq!((&report["out_of_memory"], &report["exit_status"]), (&Value::Null, &Value::from(137)));
    assert!(report["duration"].as_f64().unwrap() > 0.0 && report["memory"]["peak"].as_u64().unwrap() > 0);
}

#[test]
fn temporary_directories_are_the_jobs_own() {
    let name = format!("oomshim-test-{}", std::process::id());
    let job = Job::new();
    let script = format!(
        "set -e; for d in /tmp /var/tmp /dev/shm; do [ -z \"$(ls -A $d)\" ]; touch $d/{name}; stat -c %a $d; done; \
         stat -fc %T /tmp"
    );
    let output = job.command(&[], &["sh", "-c", &script]).current_dir("/").output().unwrap();
    assert_eq!(stdout(&output), "1777\n1777\n1777\ntmpfs");
    for directory in ["/tmp", "/var/tmp", "/dev/shm"] {
        assert!(!std::path::Path::new(directory).join(&name).exists(), "{directory}");
    }
    let output = job.run(&["--no-tmpfs"], "stat -fc %T /etc /tmp");
    assert!(output.status.success());
}

#[test]
fn a_tmpfs_is_bounded() {
    let job = Job::new();
    let output = job.run(&["--tmpfs", "/mnt:size=1MiB"], "head -c 3000000 /dev/zero >/mnt/x; stat -c %s /mnt/x");
    assert_eq!(stdout(&output), "1048576", "{output:?}");
    // Three directories, and one bound.
    let script = "df --output=size -B1 /tmp /dev/shm | tail -n +2 | sort -u";
    let sizes = stdout(&job.run(&["--memory-max", "64MiB"], script));
    assert_eq!(sizes.trim(), (32 << 20).to_string());
}

#[test]
fn the_working_directory_stays_below_tmp() {
    let directory = tempfile::tempdir_in("/tmp").unwrap();
    let kept = tempfile::tempdir_in("/tmp").unwrap();
    fs::write(kept.path().join("tool"), "#!/bin/sh\necho tool; pwd; touch made\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(kept.path().join("tool"), mode).unwrap();
    let tool = kept.path().join("tool").to_str().unwrap().to_owned();
    let job = Job::new();
    let hidden = job.command(&[], &[&tool]).current_dir(directory.path()).output().unwrap();
    assert_eq!(hidden.status.code(), Some(127));
    assert!(stderr(&hidden).contains("--keep PATH"), "{hidden:?}");
    let output = job.command(&["--keep", &tool], &[&tool]).current_dir(directory.path()).output().unwrap();
    assert_eq!(stdout(&output), format!("tool\n{}", directory.path().display()));
    assert!(directory.path().join("made").exists(), "the working directory is the host's");
}

#[test]
fn segments_go_with_the_job() {
    let Some(ipcmk) = needed("ipcmk") else { return };
    let before = fs::read_to_string("/proc/sysvipc/shm").unwrap();
    let job = Job::new();
    let script = format!("{} -M 1048576 && grep -c . /proc/sysvipc/shm", ipcmk.display());
    let output = job.run(&[], &script);
    assert!(stdout(&output).ends_with('2'), "a header and one segment: {output:?}");
    assert_eq!(fs::read_to_string("/proc/sysvipc/shm").unwrap(), before);
}

#[test]
fn memory_that_never_comes_is_refused() {
    let job = Job::new();
    let output = job.run(&["--wait-for-memory", "9999GiB"], "true");
    assert_eq!(output.status.code(), Some(125));
    assert!(stderr(&output).contains("will never have"), "{output:?}");
}

#[test]
fn a_wait_for_memory_ends_by_signal() {
    let job = Job::new();
    let mut command = job.command(&["--wait-for-memory", "100%"], &["true"]);
    let child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = child.id().to_string();
    std::thread::sleep(Duration::from_millis(700));
    assert!(Command::new("kill").arg(&pid).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(143), "{output:?}");
    assert!(stderr(&output).contains("waiting for"), "{output:?}");
    job.expect_gone();
}

#[test]
fn promised_memory_is_not_promised_twice() {
    let total = fs::read_to_string("/proc/meminfo").unwrap();
    let available = total.lines().find_map(|line| line.strip_prefix("MemAvailable:")).unwrap();
    let available: u64 = available.trim().trim_end_matches(" kB").trim().parse().unwrap();
    // Two of two thirds do not fit, and neither takes anything.
    let need = (available / 3 * 2 * 1024).to_string();
    let (first, second) = (Job::new(), Job::new());
    let mut holder = first.start(&["--wait-for-memory", &need], "echo ready; read x </dev/zero & sleep 3");
    let began = std::time::Instant::now();
    let output = second.run(&["--wait-for-memory", &need], "echo in");
    assert_eq!(stdout(&output), "in");
    assert!(stderr(&output).contains("jobs that have not taken theirs yet"), "{output:?}");
    assert!(wait_until(Duration::from_secs(1), || holder.try_wait().unwrap().is_some()), "let in too early");
    assert!(began.elapsed() > Duration::from_secs(1));
}
