//! Colours in every command: on demand, on a terminal, and never in a pipe.

use std::process::Command;

fn said(args: &[&str], colour: &str) -> String {
    let mut command = Command::new(crate::common::binary("oomshim"));
    command.env_remove("NO_COLOR").env("TERM", "xterm").args(args).args(["--color", colour]);
    let output = command.output().unwrap_or_else(|error| panic!("{args:?}: {error}"));
    // Findings make another exit status than 0.
    String::from_utf8_lossy(&output.stdout).into_owned()
}

const LOG: &str = "testdata/report/logs/47-5.4-sysrq.log";

/// Commands whose output does not change from one call to the next.
const SAME: [&[&str]; 3] = [
    &["report", "--from", LOG],
    &["policy", "check", "testdata/lint/policy-rule-shadowed/fires.toml"],
    &["lint", "testdata/lint/oom-score-adj-unset/fires.json"],
];

#[test]
fn colours_are_added_and_nothing_else() {
    for args in SAME {
        let (plain, coloured) = (said(args, "never"), said(args, "always"));
        assert!(coloured.contains('\u{1b}') && !plain.contains('\u{1b}'), "{args:?} {coloured}");
        assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain, "{args:?}");
        assert_eq!(said(args, "auto"), plain, "a pipe is no terminal: {args:?}");
    }
}

#[test]
fn what_changes_is_coloured_too() {
    for args in [&["rank", "-n", "3"][..], &["doctor", "--only", "daemons"]] {
        assert!(said(args, "always").contains('\u{1b}'), "{args:?}");
        assert!(!said(args, "auto").contains('\u{1b}'), "{args:?}");
    }
}

#[test]
fn json_has_no_colours() {
    for args in [&["rank", "-n", "1", "--format", "json"][..], &["report", "--from", LOG, "--format", "json"]] {
        assert!(!said(args, "always").contains('\u{1b}'), "{args:?}");
    }
}
