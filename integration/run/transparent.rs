//! The command notices nothing: its status, streams, descriptors, signals, environment and directory are what they were.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use super::support::Job;
use crate::common::{not_utf8, stderr, stdout};

#[test]
fn the_status_is_the_commands() {
    for (script, status) in
        [("exit 0", 0), ("exit 7", 7), ("exit 255", 255), ("kill -9 $$", 137), ("kill -TERM $$", 143)]
    {
        let job = Job::new();
        let output = job.run(&[], script);
        assert_eq!(output.status.code(), Some(status), "{script}: {output:?}");
        assert_eq!(stderr(&output), "", "{script}");
        job.expect_gone();
    }
}

#[test]
fn own_failures_are_env_statuses() {
    let cases: [(&[&str], &[&str], i32, &str); 8] = [
        (&[], &["/nonexistent/command"], 127, "cannot run /nonexistent/command: not found (ENOENT)"),
        (&[], &["/etc/passwd"], 126, "cannot run /etc/passwd: access is refused (EACCES)"),
        (&["--parent", "/oomshim-no-such"], &["true"], 125, "cgroup /oomshim-no-such not found"),
        (&["--parent", "relative"], &["true"], 125, "relative is no cgroup"),
        (&["--class", "nobody"], &["true"], 125, "the policy has no class nobody"),
        (&["--memory-max", "12"], &["true"], 125, "--memory-max 12 is too small"),
        (&["--tmpfs", "/tmp:size=0"], &["true"], 125, "must be between 1 and"),
        (&["--report", "/nonexistent/report"], &["true"], 125, "cannot write the report /nonexistent/report"),
    ];
    for (options, command, status, message) in cases {
        let job = Job::new();
        let output = job.command(options, command).output().unwrap();
        assert_eq!(output.status.code(), Some(status), "{options:?} {command:?}: {output:?}");
        assert!(stderr(&output).contains(message), "{options:?} {command:?}: {}", stderr(&output));
        job.expect_gone();
    }
}

#[test]
fn streams_and_arguments_pass_unchanged() {
    let job = Job::new();
    let odd = not_utf8(b"a\xff b\n");
    let script = "cat; printf %s \"$1\"; echo to-stderr >&2";
    let args = ["sh".as_ref(), "-c".as_ref(), script.as_ref(), "sh".as_ref(), odd.as_os_str()];
    let mut command = job.command(&[], &args);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"through\0stdin").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.stdout, b"through\0stdina\xff b\n");
    assert_eq!(stderr(&output), "to-stderr\n");
}

/// What a process knows of itself, but for its PIDs.
const MYSELF: &str = "pwd; umask; env | sort | grep -v -e '^_=' -e OOMSHIM; ls -l /proc/self/fd | sed 's/.*[0-9] \\([0-9]* ->\\)/\\1/' | \
                      grep -v -e proc -e pipe; grep -e SigBlk -e SigIgn -e CapEff -e NoNewPrivs /proc/self/status; ulimit -a";

#[test]
fn the_process_is_as_without() {
    let directory = tempfile::tempdir_in("/var").unwrap();
    let with_signals = |command: &mut Command| {
        // An agent may ignore some: the command has to find them so.
        let inner = "trap '' PIPE USR1; exec \"$@\"";
        let mut all = Command::new("sh");
        all.args(["-c", inner, "sh"]).arg(command.get_program()).args(command.get_args());
        for (key, value) in command.get_envs() {
            all.env(key, value.unwrap());
        }
        all.current_dir(directory.path()).stdin(Stdio::null()).output().unwrap()
    };
    let job = Job::new();
    let plain = with_signals(Command::new("sh").args(["-c", MYSELF]));
    let through = with_signals(&mut job.command(&[], &["sh", "-c", MYSELF]));
    assert_eq!(stdout(&through), stdout(&plain));
    assert!(stdout(&plain).contains("SigIgn"));
}

#[test]
fn an_ignored_sigchld_hides_no_end() {
    let job = Job::new();
    let mut command = job.command(&[], &["sh", "-c", "grep SigIgn /proc/self/status; exit 5"]);
    let mut all = Command::new("sh");
    all.args(["-c", "trap '' CHLD; exec \"$@\"", "sh"]).arg(command.get_program()).args(command.get_args());
    let output = all.stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    let _ = command.arg0("unused");
}

#[test]
fn a_signal_arrives_once() {
    for (signal, number) in [("TERM", 15), ("INT", 2), ("HUP", 1), ("USR1", 10), ("WINCH", 28)] {
        let job = Job::new();
        let script = format!(
            "n=0; trap 'n=$((n+1))' {signal}; echo ready; i=0; while [ $i -lt 15 ]; do sleep 0.1; i=$((i+1)); done; exit $n"
        );
        let mut child = job.start(&[], &script);
        let pid = child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{number}"), &pid]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(1), "{signal}");
        job.expect_gone();
    }
}

#[test]
fn a_signal_to_the_group_arrives_once() {
    const COUNT: &str =
        "trap 'n=$((n+1))' TERM; n=0; echo ready; i=0; while [ $i -lt 25 ]; do sleep 0.1; i=$((i+1)); done; exit $n";
    let counted = |script: &str, to_group: &[bool]| {
        let job = Job::new();
        let mut command = job.command(&[], &["sh", "-c", script]);
        command.env("COUNT", COUNT);
        let mut child = command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut stdout = std::io::BufReader::new(child.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut stdout, &mut line).unwrap();
        assert_eq!(line, "ready\n");
        let pid = i32::try_from(child.id()).unwrap();
        for &group in to_group {
            let to = nix::unistd::Pid::from_raw(if group { -pid } else { pid });
            nix::sys::signal::kill(to, nix::sys::signal::Signal::SIGTERM).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(350));
        }
        let status = child.wait().unwrap().code();
        job.expect_gone();
        status
    };
    assert_eq!(counted(COUNT, &[true, true]), Some(2), "to the group");
    assert_eq!(counted(COUNT, &[true, false, true, false]), Some(4), "to the group and to oomshim run in turns");
    // A command in a group of its own gets nothing through the group, so it is passed on.
    assert_eq!(counted("exec setsid sh -c \"$COUNT\"", &[true]), Some(1), "to the group that the command left");
}

#[test]
fn a_signal_that_kills_is_told() {
    let job = Job::new();
    let mut child = job.start(&[], "echo ready; sleep 60");
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(143));
    job.expect_gone();
}

#[test]
fn orphans_end_with_the_command() {
    let job = Job::new();
    let began = std::time::Instant::now();
    // One in a session of its own, one that ignores signals, and one without a parent, all with the job's output open.
    let script = "setsid sleep 60 & (trap '' TERM HUP INT; sleep 60) & (sleep 60 &) ; exit 3";
    let output = job.run(&[], script);
    assert_eq!(output.status.code(), Some(3));
    assert!(began.elapsed() < std::time::Duration::from_secs(30), "somebody waited for an orphan");
    job.expect_gone();
}
