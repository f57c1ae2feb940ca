//! What a person at a terminal sees, and nobody else: colour, a progress bar, and nothing that the terminal obeys.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::formats::FILES;
use super::tool::{lint, run};

/// What the shell line shows on a terminal, which script(1) makes; `None`, loudly, where there is no script(1).
fn on_a_terminal(line: &str) -> Option<String> {
    let mut command = Command::new("script");
    command.env_remove("NO_COLOR").env("TERM", "xterm").args(["-qec", line, "/dev/null"]).stdin(Stdio::null());
    match command.output() {
        Ok(output) => Some(String::from_utf8(output.stdout).unwrap()),
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "script(1), of the package bsdutils, cannot be started: {error}");
            eprintln!("SKIPPED: script(1), of the package bsdutils, makes a terminal and cannot be started: {error}");
            None
        }
    }
}

fn tool() -> String {
    lint([""; 0]).get_program().to_str().unwrap().to_owned()
}

// Standard error is not the terminal in what follows: on a machine that is busy enough there would be a progress bar.

#[test]
fn colour_is_for_terminals_only() {
    assert!(!run([FILES[0]]).out.contains('\x1b'), "a pipe");
    let shown =
        |environment: &str| on_a_terminal(&format!("env {environment} {} lint {} 2> /dev/null", tool(), FILES[0]));
    let Some(plain) = shown("") else { return };
    assert!(plain.contains("\x1b[31merror[duplicate-keys]"), "{plain}");
    assert!(!shown("NO_COLOR=1").unwrap().contains('\x1b'));
    assert!(shown("NO_COLOR=").unwrap().contains('\x1b'), "an empty NO_COLOR says nothing");
}

#[test]
fn a_diff_holds_nothing_that_a_terminal_obeys_and_every_byte_for_a_pipe() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s.json");
    let spec = "{\n\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"r\"},\n\"process\":{\n\"cwd\":\"/\u{202e}\u{9b}2J\",\"args\":[\"x\"]}}\n";
    fs::write(&path, spec).unwrap();
    let piped = run([Path::new("--diff"), &path]).out;
    assert!(piped.contains(" \"cwd\":\"/\u{202e}\u{9b}2J\""), "{piped:?}");
    let Some(shown) = on_a_terminal(&format!("{} lint --diff {} 2> /dev/null", tool(), path.display())) else { return };
    assert!(shown.contains("+\"oomScoreAdj\":500,") || shown.contains("\"oomScoreAdj\": 500"), "{shown:?}");
    assert!(shown.contains("/\\u{202e}\\u{9b}2J") && !shown.contains(['\u{202e}', '\u{9b}', '\x1b']), "{shown:?}");
}

/// Slow files are large ones: as many names of one file as it takes to keep the tool busy for some seconds.
#[test]
fn who_waits_at_a_terminal_sees_a_progress_bar() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: String| directory.path().join("bundles").join(name);
    fs::create_dir(directory.path().join("bundles")).unwrap();
    let notes: Vec<String> = (0..150_000).map(|number| format!("\"note{number}\":\"of many\"")).collect();
    let spec =
        format!("{{\"ociVersion\":\"1.3.0\",\"root\":{{\"path\":\"/r\"}},\"annotations\":{{{}}}}}", notes.join(","));
    fs::write(at("0.json".into()), spec).unwrap();
    let begun = Instant::now();
    let line = |rest: &str| format!("{} lint {} {rest}", tool(), at(String::new()).display());
    let (out, err) = (directory.path().join("out"), directory.path().join("err"));
    let Some(shown) = on_a_terminal(&line(&format!("> {}", out.display()))) else { return };
    let one = begun.elapsed();
    assert!(one > Duration::from_secs(1) || !shown.contains("files"), "nobody waits for a second: {shown}");

    let cores = std::thread::available_parallelism().unwrap().get() as u128;
    let count = (Duration::from_secs(6).as_millis() * cores / one.as_millis().max(1)).clamp(4, 20_000);
    for number in 1..count {
        fs::hard_link(at("0.json".into()), at(format!("{number}.json"))).unwrap();
    }
    let shown = on_a_terminal(&line(&format!("> {}", out.display()))).unwrap();
    assert!(shown.contains(&format!("/{count} files, ")), "{shown}");
    let shown = on_a_terminal(&line(&format!("> {} 2> {}", out.display(), err.display()))).unwrap();
    assert_eq!((shown.as_str(), fs::read_to_string(&err).unwrap().as_str()), ("", ""), "a file needs no bar");
    assert!(fs::read_to_string(&out).unwrap().ends_with(&format!("in {count} files\n")));
}
