//! Every call of the kernel fails once (strace's injection): the job runs or is refused with a reason, and nothing stays.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::support::Job;
use crate::common::{needed, stderr};

/// The calls that a job is made, watched and removed with, and how often each is failed at most.
const CALLS: [(&str, u32); 16] = [
    ("mkdirat", 4),
    ("openat", 40),
    ("write", 12),
    ("read", 30),
    ("clone3", 2),
    ("pipe2", 2),
    ("mount", 6),
    ("flock", 2),
    ("fsetxattr", 1),
    ("signalfd4", 1),
    ("rt_sigprocmask", 2),
    ("poll", 2),
    ("waitid", 2),
    ("unlinkat", 6),
    ("fstat", 20),
    ("pidfd_open", 2),
];

#[test]
fn a_failed_call_leaves_nothing() {
    let Some(strace) = needed("strace") else { return };
    let mut refused = 0;
    for (call, most) in CALLS {
        for when in 1..=most {
            let job = Job::new();
            let began = Instant::now();
            // Where no cgroup could be made, the orphan stays for its ten seconds and holds the output open.
            let run = job.command(&[], &["sh", "-c", "(sleep 10 &); exit 3"]);
            let mut command = Command::new(&strace);
            command.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}")]);
            // Only in oomshim itself and its children, not in the command: strace counts for each process.
            command.args(["-e", &format!("inject={call}:error=EIO:when={when}")]);
            command.arg(run.get_program()).args(run.get_args());
            for (key, value) in run.get_envs() {
                command.env(key, value.unwrap());
            }
            let output = command.stdin(Stdio::null()).output().unwrap();
            let what = format!("{call} {when}: {output:?}");
            assert!(began.elapsed() < Duration::from_mins(1), "{what}");
            match output.status.code() {
                // The command's own calls fail too, and then the shell says so with a status of its own.
                Some(3 | 2 | 127 | 126 | 1) => {}
                Some(125) => {
                    refused += 1;
                    assert!(stderr(&output).contains("oomshim: "), "{what}");
                }
                // A fault in the C library's start, before main.
                other => assert!(
                    other.is_some_and(|code| code > 128) || stderr(&output).contains("error while loading"),
                    "{what}"
                ),
            }
            if !job.cgroups().is_empty() {
                // Where the removal itself failed, the next one removes it.
                let _ = Job::new().run(&[], "true");
            }
            job.expect_gone();
        }
    }
    assert!(refused > 20, "only {refused} of the failures were seen");
}
