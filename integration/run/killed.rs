//! `oomshim run` is killed: its job ends, and nobody else's does.

use std::process::{Command, Stdio};
use std::time::Duration;

use super::support::{Job, pids, wait_until};
use crate::common::stderr;

fn kill(pid: u32) {
    let _ = Command::new("kill").args(["-9", &pid.to_string()]).stderr(Stdio::null()).status().unwrap();
}

#[test]
fn killed_at_any_moment_nothing_stays() {
    // From before the cgroup is there to behind its removal; the moments differ from run to run.
    for step in 0..40 {
        let job = Job::new();
        let mut command = job.command(&[], &["sh", "-c", "setsid sleep 60 & (sleep 60 &); sleep 0.02"]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(step * 1500));
        kill(child.id());
        child.wait().unwrap();
        let gone = wait_until(Duration::from_secs(5), || job.cgroups().is_empty() && job.processes().is_empty());
        if !gone {
            // Killed between the making of the cgroup and the start of the janitor: the next one's work.
            let other = Job::new();
            assert!(other.run(&[], "true").status.success());
            job.expect_gone();
        }
    }
}

#[test]
fn the_next_one_cleans_up() {
    let job = Job::new();
    let mut child = job.start(&[], "echo ready; setsid sleep 60 & sleep 60");
    let janitor = pids().into_iter().find(|pid| {
        let comm = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        comm.trim() == "oomshim-janitor" && job.processes().contains(pid)
    });
    kill(janitor.expect("every job has a janitor"));
    kill(child.id());
    child.wait().unwrap();
    // Nobody of its own is left to remove it. The next one may be that of a test beside this one, which then says so.
    let other = Job::new();
    let output = other.run(&[], "true");
    assert!(output.status.success(), "{output:?}");
    let said = stderr(&output);
    assert!(said.is_empty() || said.contains("removed the abandoned job oomshim-run-"), "{said}");
    job.expect_gone();
    other.expect_gone();
}

#[test]
fn a_live_job_is_left_alone() {
    let job = Job::new();
    let mut child = job.start(&[], "echo ready; sleep 2; exit 4");
    for _ in 0..5 {
        assert!(Job::new().run(&[], "true").status.success());
    }
    let twin = job.run(&[], "true");
    assert_eq!(twin.status.code(), Some(125));
    assert!(stderr(&twin).contains(&format!("a job named {} is running already", job.name)), "{twin:?}");
    assert_eq!(child.wait().unwrap().code(), Some(4), "its cgroup was taken for an abandoned one");
    assert!(job.run(&[], "true").status.success(), "the name is free again");
    job.expect_gone();
}
