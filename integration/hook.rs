//! `oomshim-hook` as a program: what becomes of a container when the hook cannot do its work.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::common::{Lab, Runtime, binary, stderr};

fn lab() -> Lab {
    Lab::new(&Runtime { name: "runc", path: "/nowhere".into() })
}

fn call(lab: &Lab, args: &[&str], stdin: impl Into<Stdio>, stdout: impl Into<Stdio>) -> Output {
    let mut command = Command::new(binary("oomshim-hook"));
    command.args(args).env("OOMSHIM_POLICY", lab.policy_path()).stdin(stdin).stdout(stdout);
    command.stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap()
}

fn file(lab: &Lab, text: &[u8]) -> fs::File {
    let path = lab.path().join("stdin");
    fs::File::create(&path).unwrap().write_all(text).unwrap();
    fs::File::open(path).unwrap()
}

#[test]
fn a_filter_never_takes_the_spec_away() {
    let lab = lab();
    let directory = || fs::File::open(lab.path()).unwrap();
    for args in [&["precreate"][..], &["PreCreate"], &["precreate", "--new-option"]] {
        // Reading a directory fails with EISDIR.
        let output = call(&lab, args, directory(), Stdio::piped());
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{args:?}: {output:?}");
        assert!(stderr(&output).starts_with("oomshim: "), "{args:?}: {output:?}");
        let output = call(&lab, args, Stdio::null(), Stdio::piped());
        assert_eq!(output.status.code(), Some(1), "{args:?}, empty: {output:?}");
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = call(&lab, args, file(&lab, b"{\"process\":{}}"), full);
        assert_eq!(output.status.code(), Some(1), "{args:?}, a full disk: {output:?}");
    }
}

#[test]
fn a_filter_hands_on_what_it_cannot_edit() {
    let lab = lab();
    for (args, text) in
        [(&["precreate"][..], "not json"), (&["PreCreate"], "{}"), (&["precreate", "--new-option"], "{}")]
    {
        let output = call(&lab, args, file(&lab, text.as_bytes()), Stdio::piped());
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), text.as_bytes()), "{args:?}");
    }
    let output = call(&lab, &["precreate"], file(&lab, b"{\"process\":{}}"), Stdio::piped());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "{\"process\":{\"oomScoreAdj\":500}}");
    lab.policy("[apply]\nstrict = true\n");
    let output = call(&lab, &["precreate"], file(&lab, b"not json"), Stdio::piped());
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{output:?}");
}

#[test]
fn what_is_no_state_stops_no_container() {
    let lab = lab();
    for text in ["not json", "{}", r#"{"status":"creating","pid":1}"#, r#"{"status":"running","pid":77}"#] {
        let output = call(&lab, &[], file(&lab, text.as_bytes()), Stdio::piped());
        assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""), "{text}: {output:?}");
        assert!(lab.records().pop().unwrap()["msg"].as_str().unwrap().starts_with("hook: "), "{text}");
    }
}
