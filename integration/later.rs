//! Subcommands of a container that is there: they reach the runtime that made it, whatever has happened to the policy, and
//! none is guessed. Runtimes are scripts here, that say who they are.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::json;

use crate::common::Through::Shim;
use crate::common::{Lab, Runtime, names, script, stderr};

/// Everything that is done to a container by its id.
const LATER: [&str; 9] = ["state", "start", "kill", "exec", "pause", "resume", "ps", "update", "delete"];

/// A runtime that writes down its name, its score and its arguments.
fn runtime(lab: &Lab, name: &str) -> PathBuf {
    let path = lab.path().join(name);
    let text = format!(
        "#!/bin/sh\necho \"{name} $(cat /proc/$$/oom_score_adj) $*\" >>{}\nexit 42\n",
        lab.path().join("ran").display()
    );
    script(&path, &text);
    path
}

fn lab() -> Lab {
    let mut lab = Lab::new(&Runtime { name: "runc", path: "/nowhere".into() });
    lab.runtime.path = runtime(&lab, "runc");
    lab.policy("");
    let bundle = lab.path().join("b");
    fs::create_dir(&bundle).unwrap();
    fs::write(bundle.join("config.json"), r#"{"process":{"args":["make","secret"]}}"#).unwrap();
    lab
}

fn policy_of(lab: &Lab, path: &Path) {
    let text = format!("[runtime]\npath = \"{}\"\n[log]\nto = \"off\"\n", path.display());
    fs::write(lab.policy_path(), text).unwrap();
}

fn create(lab: &Lab, id: &str) {
    let output = lab.run(Shim, &["create", "--bundle", lab.path().join("b").to_str().unwrap(), id]);
    assert_eq!(output.status.code(), Some(42), "{output:?}");
}

/// The first word of what the last runtime said, or the error of oomshim.
fn who(lab: &Lab, output: &Output) -> String {
    match output.status.code() {
        Some(42) => {
            let ran = fs::read_to_string(lab.path().join("ran")).unwrap();
            ran.lines().last().unwrap().split(' ').next().unwrap().to_owned()
        }
        _ => stderr(output),
    }
}

#[test]
fn a_container_stays_with_its_maker() {
    let lab = lab();
    create(&lab, "c");
    let crun = runtime(&lab, "crun");
    policy_of(&lab, &crun);
    for subcommand in LATER {
        // Twice: a delete that the runtime refuses, as this one does, changes nothing.
        for _ in 0..2 {
            assert_eq!(who(&lab, &lab.run(Shim, &[subcommand, "c"])), "runc", "{subcommand}");
        }
        assert_eq!(who(&lab, &lab.run(Shim, &[subcommand, "other"])), "crun", "{subcommand} without a record");
    }
    assert_eq!(who(&lab, &lab.run(Shim, &["kill", "--all", "c", "9"])), "runc");
    assert_eq!(who(&lab, &lab.run(Shim, &["list"])), "crun");
    create(&lab, "c");
    assert_eq!(who(&lab, &lab.run(Shim, &["state", "c"])), "crun", "made anew by the other one");
}

#[test]
fn two_roots_are_two_containers() {
    let lab = lab();
    create(&lab, "c");
    let crun = runtime(&lab, "crun");
    policy_of(&lab, &crun);
    let mut elsewhere = std::process::Command::new(crate::common::binary("oomshim-runc"));
    elsewhere.arg("--root").arg(lab.path().join("elsewhere")).args(["state", "c"]);
    let output = elsewhere.env("OOMSHIM_POLICY", lab.policy_path()).output().unwrap();
    assert_eq!(who(&lab, &output), "crun");
    // The same root in other words.
    let mut same = std::process::Command::new(crate::common::binary("oomshim-runc"));
    same.args(["--root", "./state/", "state", "c"]).current_dir(lab.path());
    assert_eq!(who(&lab, &same.env("OOMSHIM_POLICY", lab.policy_path()).output().unwrap()), "runc");
}

#[test]
fn an_unreadable_policy_guesses_no_runtime() {
    type Break = fn(&Path);
    let break_policy: [(&str, Break); 5] = [
        ("is not UTF-8", |path| fs::write(path, b"# caf\xe9\n").unwrap()),
        ("is larger than 1 MiB", |path| fs::write(path, "#".repeat((1 << 20) + 1)).unwrap()),
        ("is not a regular file", |path| {
            fs::remove_file(path).unwrap();
            nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        }),
        ("is not a regular file", |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        }),
        ("not found (ENOENT)", |path| fs::remove_file(path).unwrap()),
    ];
    for (words, break_it) in break_policy {
        let lab = lab();
        create(&lab, "c");
        break_it(&lab.policy_path());
        // What PATH has says that there is no such container, which engines take for a success.
        fs::create_dir(lab.path().join("decoys")).unwrap();
        runtime(&lab, "decoys/runc");
        let call = |args: &[&str]| lab.call(Shim, args).env("PATH", lab.path().join("decoys")).output().unwrap();
        for subcommand in LATER {
            assert_eq!(who(&lab, &call(&[subcommand, "c"])), "runc", "{words}: {subcommand}");
            let error = who(&lab, &call(&[subcommand, "other"]));
            assert!(error.starts_with("oomshim: ") && error.contains(words), "{subcommand}: {error}");
            assert!(error.contains("none is guessed until it can be read"), "{subcommand}: {error}");
        }
        for line in [&["features"][..], &["--version"], &["create", "--bundle", "b", "new"]] {
            let error = who(&lab, &call(line));
            assert!(error.starts_with("oomshim: ") && error.contains(words), "{line:?}: {error}");
        }
    }
}

#[test]
fn a_maker_that_is_gone_is_named() {
    let lab = lab();
    create(&lab, "c");
    fs::remove_file(&lab.runtime.path).unwrap();
    policy_of(&lab, &runtime(&lab, "crun"));
    let error = who(&lab, &lab.run(Shim, &["delete", "--force", "c"]));
    assert!(error.contains("/runc, which is no longer there, and no other runc is configured"), "{error}");
    policy_of(&lab, &runtime(&lab, "runc-2"));
    assert_eq!(who(&lab, &lab.run(Shim, &["delete", "--force", "c"])), "runc-2", "its state is read by any runc");
}

#[test]
fn an_oversized_spec_is_refused() {
    let lab = lab();
    let config = lab.path().join("b/config.json");
    // As Go writes it: `<` is six bytes.
    let text = format!("{{\"process\":{{\"env\":[\"A={}\"]}}}}", "\\u003c".repeat(6 << 20));
    fs::write(&config, &text).unwrap();
    create(&lab, "large");
    assert!(fs::read_to_string(&config).unwrap().contains("\"oomScoreAdj\":500"), "36 MiB are edited");
    fs::File::options().write(true).open(&config).unwrap().set_len(65 << 20).unwrap();
    let output = lab.run(Shim, &["create", "--bundle", lab.path().join("b").to_str().unwrap(), "huge"]);
    let error = who(&lab, &output);
    assert!(error.contains("larger than 64 MiB") && output.status.code() == Some(1), "{error}");
}

#[test]
fn an_exec_never_fails_open() {
    let of = |lab: &Lab, args: &[&str]| {
        let output = lab.run(Shim, args);
        assert_eq!(output.status.code(), Some(42), "{output:?}");
        let ran = fs::read_to_string(lab.path().join("ran")).unwrap();
        ran.lines().last().unwrap().split(' ').nth(1).unwrap().to_owned()
    };
    for (state, words) in [
        ("", "is not JSON"),
        ("{\"init_process_pid\":", "is not JSON"),
        ("{}", "has no number `init_process_pid`"),
        ("{\"init_process_pid\":2147483000}", "has no number `init_process_start`"),
    ] {
        let lab = lab();
        lab.policy("[class.build-step]\noom_score_adj = 640\n");
        create(&lab, "c");
        fs::create_dir_all(lab.path().join("state/c")).unwrap();
        fs::write(lab.path().join("state/c/state.json"), state).unwrap();
        assert_eq!(of(&lab, &["exec", "c", "sh"]), "640", "{state:?}");
        let record = lab.records().pop().unwrap();
        assert_eq!(record["level"], json!("warn"));
        assert!(record["msg"].as_str().unwrap().contains(words), "{record}");
    }
    let gone = lab();
    gone.policy("[class.build-step]\noom_score_adj = 640\n");
    create(&gone, "c");
    gone.policy("[class.build-step]\noom_score_adj = 700\n");
    // Nothing is known of the one, and the other's state is gone.
    for (id, score) in [("nobody", "700"), ("c", "640")] {
        assert_eq!(of(&gone, &["exec", id, "sh"]), score);
        let message = format!("exec in container {id}: oom_score_adj {score}, its init is not found");
        let record = gone.records().pop().unwrap();
        assert_eq!((&record["level"], &record["msg"]), (&json!("info"), &json!(message)));
    }
    let lab = lab();
    for line in [&["--new-option", "exec", "c", "sh"][..], &["exec", "--new-option", "c", "sh"]] {
        assert_eq!(of(&lab, line), "500", "{line:?}");
        assert!(lab.records().pop().unwrap()["msg"].as_str().unwrap().contains("--new-option"));
    }
}

#[test]
fn a_users_state_is_not_asked_as_root() {
    let lab = lab();
    let user = lab.path().join("user");
    fs::create_dir_all(user.join("runc/planted")).unwrap();
    // A process of the user's, at a score that he chose.
    let mut planted = std::process::Command::new("sleep").arg("60").spawn().unwrap();
    fs::write(format!("/proc/{}/oom_score_adj", planted.id()), "77").unwrap();
    let stat = fs::read_to_string(format!("/proc/{}/stat", planted.id())).unwrap();
    let started = stat.rsplit(')').next().unwrap().split_whitespace().nth(19).unwrap();
    let state = format!("{{\"init_process_pid\":{},\"init_process_start\":{started}}}", planted.id());
    fs::write(user.join("runc/planted/state.json"), state).unwrap();
    let mut call = std::process::Command::new(crate::common::binary("oomshim-runc"));
    call.args(["exec", "planted", "sh"]).env("OOMSHIM_POLICY", lab.policy_path()).env("XDG_RUNTIME_DIR", &user);
    assert_eq!(call.output().unwrap().status.code(), Some(42));
    planted.kill().unwrap();
    planted.wait().unwrap();
    let ran = fs::read_to_string(lab.path().join("ran")).unwrap();
    assert!(!ran.contains(" 77 "), "{ran}");
}

#[test]
fn arguments_are_gone_with_a_delete() {
    let lab = lab();
    create(&lab, "c");
    let record = || {
        let directory = Path::new("/run/oomshim");
        let of_lab = |text: &[u8]| {
            text.windows(lab.path().as_os_str().len()).any(|it| it == lab.path().as_os_str().as_encoded_bytes())
        };
        let files = names(directory).into_iter().filter_map(|name| fs::read(directory.join(name)).ok());
        let mut ours: Vec<Vec<u8>> = files.filter(|text| of_lab(text)).collect();
        assert_eq!(ours.len(), 1);
        String::from_utf8(ours.remove(0)).unwrap()
    };
    assert!(record().ends_with("\0make\0secret\0"));
    lab.run(Shim, &["delete", "c"]);
    assert!(record().ends_with("\0make\0"), "{:?}", record());
}

#[test]
fn few_descriptors_and_old_filters_stop_nothing() {
    let lab = lab();
    let config = lab.path().join("b/config.json");
    let before = fs::read(&config).unwrap();
    let bundle = lab.path().join("b");
    let call = |setup: &str, id: &str| {
        fs::write(&config, &before).unwrap();
        let inner = lab.call(Shim, &["create", "--bundle", bundle.to_str().unwrap(), id]);
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &format!("{setup} exec \"$@\""), "sh"]).arg(inner.get_program()).args(inner.get_args());
        let output = shell.env("OOMSHIM_POLICY", lab.policy_path()).output().unwrap();
        let edited = fs::read_to_string(&config).unwrap().contains("\"oomScoreAdj\":500");
        (output, edited)
    };
    // The record does not fit into what may be written; the spec does. A log that has grown is no reason to die.
    fs::write(lab.path().join("log"), " \n".repeat(4096)).unwrap();
    let (output, edited) = call("ulimit -f 1;", "limited");
    assert!(edited && output.status.code() != Some(1) && output.status.code().is_some(), "{output:?}");
    fs::write(lab.path().join("log"), "").unwrap();
    if let Some(strace) = crate::common::needed("strace") {
        let injected = "-qq -o /dev/null -e inject=faccessat2,renameat2,statx,openat2:error=EPERM";
        let (output, edited) = call(&format!("set -- {} {injected} \"$@\";", strace.display()), "filtered");
        assert!(edited && output.status.code() == Some(42), "{output:?}");
    }
}
