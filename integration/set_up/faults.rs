//! Killed at every system call, and every call failed once: the files are as before or as after, and the next command ends it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};

use super::machine::Machine;
use crate::common::{needed, stderr};

/// One file that is changed and one that is made, in directories that are made, and a link.
const CASES: [&str; 2] = ["docker-crun-default", "cri-o-package"];

/// The calls that change something. Between two of them a kill leaves the same.
const CHANGES: [&str; 13] = [
    "openat",
    "write",
    "fsync",
    "linkat",
    "renameat2",
    "mkdir",
    "symlink",
    "unlink",
    "unlinkat",
    "rmdir",
    "fchown",
    "fchmod",
    "flock",
];

/// What a disk that is full, read-only or broken answers.
const ERRORS: [&str; 4] = ["ENOSPC", "EROFS", "EIO", "EACCES"];

fn traced(machine: &Machine, command: &str, inject: Option<&str>) -> Output {
    let mut strace = Command::new(needed("strace").unwrap());
    strace.args(["-f", "-qq", "-o"]).arg(machine.root().join("trace"));
    if let Some(inject) = inject {
        strace.args(["-e", &format!("inject={inject}")]);
    }
    let output = strace.args(machine.words(command)).output().unwrap();
    if inject.is_some() {
        fs::remove_file(machine.root().join("trace")).unwrap();
    }
    output
}

/// How often each of the calls is made.
fn calls(machine: &Machine, command: &str) -> Vec<(&'static str, usize)> {
    let output = traced(machine, command, None);
    assert!(output.status.success(), "{}", stderr(&output));
    let trace = machine.root().join("trace");
    let text = fs::read_to_string(&trace).unwrap();
    fs::remove_file(&trace).unwrap();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for line in text.lines() {
        let name = line.trim_start_matches(|it: char| it.is_ascii_digit() || it == ' ').split('(').next().unwrap();
        if let Some(known) = CHANGES.iter().find(|known| **known == name) {
            *counts.entry(known).or_default() += 1;
        }
    }
    assert!(counts.len() >= 6, "{text}");
    counts.into_iter().collect()
}

/// Makes each call fail, or be the last; `then` ends what was begun.
///
/// Each call gets one of the effects in turn, so that every kind of call meets each of them.
fn every_fault(effects: &[String], mut then: impl FnMut(&Machine, &str, &Output, &str)) -> usize {
    let mut tried = 0;
    for case in CASES {
        for command in ["install", "uninstall"] {
            let prepared = || {
                let machine = Machine::of(case);
                if command == "uninstall" {
                    assert!(machine.call("install", &[]).status.success());
                }
                machine
            };
            for (name, count) in calls(&prepared(), command) {
                for number in 1..=count {
                    let machine = prepared();
                    let effect = &effects[(tried + number) % effects.len()];
                    let inject = format!("{name}:{effect}:when={number}");
                    let output = traced(&machine, command, Some(&inject));
                    then(&machine, command, &output, &format!("{case}: {command}: {inject}"));
                    tried += 1;
                }
            }
        }
    }
    tried
}

#[test]
fn a_kill_at_any_call_loses_nothing() {
    let Some(_) = needed("strace") else { return };
    let states = |case: &str| {
        let machine = Machine::of(case);
        let before = machine.files();
        assert!(machine.call("install", &[]).status.success());
        (before, machine.files())
    };
    let known: BTreeMap<&str, _> = CASES.into_iter().map(|case| (case, states(case))).collect();
    let tried = every_fault(&["signal=SIGKILL".to_owned()], |machine, _, output, what| {
        let (before, after) = &known[what.split(':').next().unwrap()];
        assert_eq!(output.status.signal(), Some(9), "{what}: {output:?}");
        // No file that an engine reads is half of anything.
        for (path, (bytes, _)) in machine.files() {
            let is_hidden = path.file_name().unwrap().to_str().unwrap().starts_with('.');
            let fits = |files: &BTreeMap<_, (Vec<u8>, u32)>| files.get(&path).is_some_and(|(known, _)| *known == bytes);
            assert!(is_hidden || fits(before) || fits(after), "{what}: {} is neither old nor new", path.display());
        }
        // Whatever was killed, the same command again ends it, and the other one takes it back.
        let again = machine.call("install", &[]);
        assert!(again.status.success(), "{what}: install again: {}", stderr(&again));
        assert!(machine.files() == *after, "{what}: install again makes something else");
        let undone = machine.call("uninstall", &[]);
        assert!(undone.status.success(), "{what}: uninstall: {}", stderr(&undone));
        assert!(machine.files() == *before, "{what}: uninstall does not bring everything back");
        assert!(!machine.has_journal(), "{what}");
    });
    assert!(tried > 80, "only {tried} kills");
}

#[test]
fn a_failed_call_is_told_and_taken_back() {
    let Some(_) = needed("strace") else { return };
    let (errors, mut refused) = (ERRORS.map(|error| format!("error={error}")), 0);
    let tried = every_fault(&errors, |machine, command, output, what| {
        let before = Machine::of(what.split(':').next().unwrap()).files();
        match output.status.code() {
            // It went on without, as where the C library tries another file.
            Some(0) => {}
            // What could not be looked at is left to a person.
            Some(1) if String::from_utf8_lossy(&output.stdout).contains("left to you") => {}
            Some(2) => {
                refused += 1;
                assert!(stderr(output).starts_with("oomshim: "), "{what}: {output:?}");
                if command == "install" && !stderr(output).contains("could not be taken back") {
                    assert!(machine.files() == before, "{what}: it was not taken back: {}", stderr(output));
                }
            }
            // In the C library's start.
            Some(127) => return,
            _ => panic!("{what}: {output:?}"),
        }
        let _ = machine.call("uninstall", &[]);
        assert!(machine.files() == before, "{what}: {}", stderr(output));
    });
    assert!(tried > 80 && refused > 25, "{tried} tried, {refused} refused");
}
