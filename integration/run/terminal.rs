//! The terminal: the command has it, and job control works through it, as a person at a shell sees it.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::support::Job;
use crate::common::{binary, needed};

/// Runs a script in a terminal (script(1)), types what `keys` says, and gives what was shown.
fn in_terminal(script: &str, keys: &[(u64, &str)]) -> String {
    // As for a person at a terminal, also where the tests run in the background of a shell.
    let mut command = Command::new("env");
    command.arg("--default-signal").arg(needed("script").expect("script(1) of util-linux"));
    command.args(["-qec", script, "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for (pause, text) in keys {
        std::thread::sleep(Duration::from_millis(*pause));
        stdin.write_all(text.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }
    let mut shown = String::new();
    child.stdout.take().unwrap().read_to_string(&mut shown).unwrap();
    child.wait().unwrap();
    drop(stdin);
    shown
}

fn run(job: &Job) -> String {
    format!("{} run --name {} --class keep --", binary("oomshim").display(), job.name)
}

#[test]
fn the_command_has_the_terminal() {
    let job = Job::new();
    let script =
        format!("stty cols 91 rows 17; {} sh -c 'tty >/dev/null && stty size && read x && echo got-$x'", run(&job));
    let shown = in_terminal(&script, &[(700, "word\n")]);
    assert!(shown.contains("17 91") && shown.contains("got-word"), "{shown}");
}

#[test]
fn interrupt_reaches_the_command_once() {
    let job = Job::new();
    let inner = "n=0; trap \"n=\\$((n+1))\" INT; echo up; i=0; while [ $i -lt 15 ]; do sleep 0.1; i=$((i+1)); done; echo count-$n";
    let shown = in_terminal(&format!("{} sh -c '{inner}'; echo status-$?", run(&job)), &[(800, "\u{3}")]);
    assert!(shown.contains("count-1"), "{shown}");
    job.expect_gone();
}

#[test]
fn stop_and_continue_work_as_a_job() {
    let job = Job::new();
    // An interactive shell, in which ^Z stops the job and fg goes on with it.
    let shell = "PS1=\\> bash --norc --noprofile -i";
    let line = format!("{} sh -c 'echo first; sleep 1; echo second'\n", run(&job));
    let keys = [(500, line.as_str()), (700, "\u{1a}"), (500, "jobs; echo mark\n"), (500, "fg\n"), (2000, "exit\n")];
    let shown = in_terminal(shell, &keys);
    let mark = shown.find("mark\r").unwrap_or_else(|| panic!("{shown}"));
    assert!(shown[..mark].contains("Stopped"), "{shown}");
    assert!(shown[mark..].contains("second"), "{shown}");
    job.expect_gone();
}
