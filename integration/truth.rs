//! The truth table of the shim: subcommand x command line x policy x spec x bundle -> is the spec edited, is the runtime
//! started, at which score, and what does the engine's user see where. Each row is tried with the command lines of
//! containerd, buildkit, podman and CRI-O.
//!
//! The runtime here is a script, because the table is about the shim; `runtimes.rs` has the real ones.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "what was not tested is said")]

use crate::common;

use std::fs;
use std::path::Path;
use std::process::Output;

use common::Through::Shim;
use common::{Lab, Runtime, script, stderr};
use serde_json::Value;

/// The script's exit status: the runtime was started, and its status is the shim's.
const STARTED: i32 = 42;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Spec {
    Good,
    Done,
    Malformed,
    NotUtf8,
    Deep,
    NoProcess,
    Absent,
    Huge,
    Directory,
    NoBundle,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Policy {
    Plain,
    Strict,
    Broken,
    Keep,
    /// A class whose `oom_score_adj` the shim may not write: it has no `CAP_SYS_RESOURCE` in this suite.
    TooLow,
    TooLowStrict,
    NoRuntime,
    OomshimRuntime,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Bundle {
    Writable,
    ReadOnly,
}

use Bundle::{ReadOnly, Writable};
use Policy::{Broken, Keep, NoRuntime, OomshimRuntime, Plain, Strict, TooLow, TooLowStrict};
use Spec::{Absent, Deep, Directory, Done, Good, Huge, Malformed, NoBundle, NoProcess, NotUtf8};

/// What comes of it: `edited` and the runtime's own score, or the words of the refusal.
#[derive(Debug, Clone, Copy)]
enum Outcome {
    /// The spec says 500 now, the runtime runs at the score it was called at.
    Edited,
    /// The spec is as it was, the runtime runs at the score it was called at.
    Untouched,
    /// The spec is as it was, the runtime runs at 500 for the container to inherit.
    Raised,
    /// Nothing is started, and the engine's user reads this.
    Refused(&'static str),
}
use Outcome::{Edited, Raised, Refused, Untouched};

/// A tenant chooses how large: it must not be a way to no score.
const TOO_LARGE: &str = "config.json: larger than 64 MiB; a container is never started from one that cannot be edited";

const POLICY_IS_BROKEN: &str = "policy.toml:7:1: unknown key `oom_scor_adj`; did you mean `oom_score_adj`?";

#[rustfmt::skip]
const TABLE: &[(&str, Policy, Spec, Bundle, Outcome)] = &[
    // subcommand     policy          spec       bundle    outcome
    ("create",  Plain,          Good,      Writable, Edited),
    ("run",     Plain,          Good,      Writable, Edited),
    ("restore", Plain,          Good,      Writable, Edited),
    ("create",  Plain,          Done,      Writable, Untouched),
    ("create",  Plain,          Done,      ReadOnly, Untouched),
    ("create",  Plain,          Deep,      Writable, Edited),
    ("create",  Keep,           Good,      Writable, Untouched),
    ("create",  Keep,           Good,      ReadOnly, Untouched),

    // What cannot be edited is started all the same, and inherits the score.
    ("create",  Plain,          Good,      ReadOnly, Raised),
    ("run",     Plain,          Malformed, Writable, Raised),
    ("create",  Plain,          NotUtf8,   Writable, Edited),
    ("create",  Plain,          NoProcess, Writable, Untouched),
    ("create",  Plain,          Absent,    Writable, Raised),
    ("create",  Plain,          Huge,      Writable, Refused(TOO_LARGE)),
    ("create",  Plain,          Directory,    Writable, Raised),
    ("create",  Plain,          NoBundle,  Writable, Raised),
    ("create -",          Plain, Good,     Writable, Raised),
    ("create --new-flag", Plain, Good,     Writable, Raised),
    ("--new-flag create", Plain, Good,     Writable, Raised),

    // Strict: nothing is started that is not protected.
    ("create",  Strict,         Good,      Writable, Edited),
    ("create",  Strict,         Done,      ReadOnly, Untouched),
    ("create",  Strict,         Good,      ReadOnly, Refused("the file system is read-only (EROFS); the policy is strict")),
    ("run",     Strict,         Malformed, Writable, Refused("config.json is not JSON: line 1 column 14")),
    ("create",  Strict,         NotUtf8,   Writable, Edited),
    ("create",  Strict,         NoProcess, Writable, Refused("the spec has no process; the policy is strict")),
    ("create",  Strict,         Absent,    Writable, Refused("config.json: not found (ENOENT)")),
    ("create",  Strict,         Huge,      Writable, Refused(TOO_LARGE)),
    ("create",  Strict,         Directory,    Writable, Refused("config.json: not a regular file")),
    ("create",  Strict,         NoBundle,  Writable, Refused("cannot open ")),
    ("create --new-flag", Strict, Good,    Writable, Refused("cannot read the command line as runc does")),
    ("create",  TooLow,         Good,      Writable, Untouched),
    ("create",  TooLowStrict,   Good,      Writable, Refused("but this process may not go below")),

    // A broken policy stops containers from starting and nothing else.
    ("create",  Broken,         Good,      Writable, Refused(POLICY_IS_BROKEN)),
    ("run",     Broken,         Good,      Writable, Refused(POLICY_IS_BROKEN)),
    ("restore", Broken,         Good,      Writable, Refused(POLICY_IS_BROKEN)),
    ("create",  NoRuntime,      Good,      Writable, Refused("not found (ENOENT); set `path` under [runtime]")),
    ("create",  OomshimRuntime, Good,      Writable, Refused("is oomshim itself; set `path` under [runtime]")),
];

/// Subcommands that edit nothing, with every policy that still names a runtime.
const OTHER_SUBCOMMANDS: [&str; 10] =
    ["state", "kill", "delete", "start", "exec", "ps", "features", "--version", "frobnicate", "list"];

/// How an engine calls: the arguments before the subcommand, those behind it, and the log file if it gives one.
struct Engine {
    name: &'static str,
    before: &'static [&'static str],
    behind: &'static [&'static str],
    log: bool,
}

const ENGINES: [Engine; 4] = [
    Engine {
        name: "containerd",
        before: &["--log", "LOG", "--log-format", "json"],
        behind: &["--bundle", "BUNDLE", "--pid-file", "PID"],
        log: true,
    },
    Engine {
        name: "buildkit",
        before: &["--log", "LOG", "--log-format", "json"],
        behind: &["--bundle", "BUNDLE"],
        log: true,
    },
    Engine {
        name: "podman",
        before: &["--log-format=json", "--log", "LOG"],
        behind: &["--bundle", "BUNDLE", "--pid-file", "PID"],
        log: true,
    },
    Engine { name: "CRI-O", before: &[], behind: &["--bundle", "BUNDLE", "--pid-file", "PID"], log: false },
];

fn own_score() -> i64 {
    fs::read_to_string("/proc/self/oom_score_adj").unwrap().trim().parse().unwrap()
}

fn lab(policy: Policy) -> Lab {
    let mut lab = Lab::new(&Runtime { name: "runc", path: "/nowhere".into() });
    lab.runtime.path = lab.path().join("runc");
    script(&lab.runtime.path, "#!/bin/sh\ncat /proc/$$/oom_score_adj >\"$OUT\"\necho \"$@\" >>\"$OUT\"\nexit 42\n");
    let daemon = "[[rule]]\nclass = \"daemon\"\nmatch.bundle = \"*/oomshim-*\"\n";
    match policy {
        Plain => lab.policy(""),
        Strict => lab.policy("[apply]\nstrict = true\n"),
        Broken => lab.policy("[class.x]\noom_scor_adj = 5\n"),
        Keep => lab.policy("[default]\nclass = \"keep\"\n"),
        TooLow => lab.policy(daemon),
        TooLowStrict => lab.policy(&format!("[apply]\nstrict = true\n{daemon}")),
        NoRuntime => fs::write(lab.policy_path(), "[runtime]\npath = \"/nowhere/runc\"\n").unwrap(),
        OomshimRuntime => {
            let own = common::binary("oomshim-runc");
            fs::write(lab.policy_path(), format!("[runtime]\npath = \"{}\"\n", own.display())).unwrap();
        }
    }
    lab
}

fn bundle(lab: &Lab, spec: Spec) -> std::path::PathBuf {
    let bundle = lab.path().join("bundle");
    if spec == NoBundle {
        return bundle;
    }
    fs::create_dir(&bundle).unwrap();
    let config = bundle.join("config.json");
    let good = format!("{{\"process\": {{\"args\": [\"x\"], \"oomScoreAdj\": {}}}}}", own_score().min(0));
    match spec {
        Good => fs::write(config, good).unwrap(),
        Done => fs::write(config, "{\"process\": {\"oomScoreAdj\": 500}}").unwrap(),
        Malformed => fs::write(config, "{\"process\": {").unwrap(),
        NotUtf8 => fs::write(config, b"{\"process\": {\"args\": [\"\xff\"]}}").unwrap(),
        Deep => {
            let depth = 100_000;
            let text = format!("{{\"x\":{}{},\"process\":{{}}}}", "[".repeat(depth), "]".repeat(depth));
            fs::write(config, text).unwrap();
        }
        NoProcess => fs::write(config, "{\"process\": null}").unwrap(),
        Huge => fs::File::create(config).unwrap().set_len(64 * 1024 * 1024 + 1).unwrap(),
        Directory => fs::create_dir(config).unwrap(),
        Absent | NoBundle => {}
    }
    bundle
}

/// Calls the shim as that engine does; a read-only bundle is mounted so, which stops root too.
fn call(lab: &Lab, engine: &Engine, subcommand: &str, bundle: &Path, access: Bundle) -> Output {
    let log = lab.path().join("log.json");
    let fill = |word: &&str| match *word {
        "LOG" => log.to_str().unwrap().to_owned(),
        "BUNDLE" => bundle.to_str().unwrap().to_owned(),
        "PID" => lab.path().join("pid").to_str().unwrap().to_owned(),
        word => word.to_owned(),
    };
    let args: Vec<String> = engine
        .before
        .iter()
        .map(fill)
        .chain(subcommand.split(' ').map(str::to_owned))
        .chain(engine.behind.iter().map(fill))
        .chain(["id".to_owned()])
        .collect();
    let inner = lab.call(Shim, &args);
    let command = if access == ReadOnly {
        let mut command = std::process::Command::new("unshare");
        let mount = "mount --bind \"$0\" \"$0\" && mount -o remount,ro,bind \"$0\" && exec \"$@\"";
        command.args(["-m", "sh", "-c", mount]).arg(bundle).arg(inner.get_program()).args(inner.get_args());
        command.env("OOMSHIM_POLICY", lab.policy_path());
        command
    } else {
        inner
    };
    common::without_sys_resource(&command).env("OUT", lab.path().join("out")).current_dir(lab.path()).output().unwrap()
}

fn snapshot(bundle: &Path) -> Option<Vec<u8>> {
    fs::read(bundle.join("config.json")).ok()
}

#[test]
fn the_table_holds_for_every_engine() {
    for (subcommand, policy, spec, access, outcome) in TABLE {
        for engine in &ENGINES {
            let row = format!("{subcommand}, {policy:?}, {spec:?}, {access:?} as {} calls", engine.name);
            let lab = lab(*policy);
            let bundle = bundle(&lab, *spec);
            let before = snapshot(&bundle);
            let output = call(&lab, engine, subcommand, &bundle, *access);
            let log = fs::read_to_string(lab.path().join("log.json")).ok();
            let ran = fs::read_to_string(lab.path().join("out")).ok();
            assert_eq!(output.stdout, b"", "{row}: standard output belongs to the runtime");
            if bundle.exists() {
                let expected: &[&str] = if *spec == Absent { &[] } else { &["config.json"] };
                assert_eq!(common::names(&bundle), expected, "{row}: nothing is left in the bundle");
            }
            let edited = matches!(outcome, Edited);
            assert_eq!(snapshot(&bundle) != before, edited, "{row}: edited");
            match outcome {
                Refused(words) => {
                    assert_eq!(output.status.code(), Some(1), "{row}");
                    assert!(ran.is_none(), "{row}: the runtime was started");
                    refused(&row, words, &stderr(&output), log.as_deref(), engine.log);
                    if matches!(policy, Strict | TooLowStrict) {
                        let record = lab.records().pop().unwrap();
                        assert_eq!(record["level"], "error", "{row}: the administrator's log knows too");
                    }
                }
                started => {
                    assert_eq!(output.status.code(), Some(STARTED), "{row}: {output:?}");
                    assert_eq!(stderr(&output), "", "{row}: standard error belongs to the runtime");
                    assert_eq!(log, None, "{row}: the log belongs to the runtime");
                    let score: i64 = ran.unwrap().lines().next().unwrap().parse().unwrap();
                    let expected = if matches!(started, Raised) { 500 } else { own_score() };
                    assert_eq!(score, expected, "{row}: the runtime's score");
                }
            }
            if edited {
                let text = String::from_utf8_lossy(&fs::read(bundle.join("config.json")).unwrap()).into_owned();
                assert!(text.contains("\"oomScoreAdj\": 500") || text.contains("\"oomScoreAdj\":500"), "{row}");
            }
        }
    }
}

/// What the user sees: one line, the same in the log where the engine reads it, and nothing that an engine maps.
fn refused(row: &str, words: &str, stderr: &str, log: Option<&str>, has_log: bool) {
    assert!(stderr.starts_with("oomshim: ") && stderr.contains(words), "{row}: {stderr:?}");
    assert_eq!(stderr.lines().count(), 1, "{row}: {stderr:?}");
    for mapped in [
        "permission denied",
        "no such file or directory",
        "executable file not found",
        "does not exist",
        "not a directory",
    ] {
        assert!(!stderr.contains(mapped), "{row}: {stderr:?}");
    }
    if has_log {
        let entry: Value = serde_json::from_str(log.unwrap()).unwrap_or_else(|error| panic!("{row}: {error}: {log:?}"));
        assert_eq!(entry["level"], "error", "{row}");
        assert_eq!(entry["msg"].as_str(), Some(stderr.trim_end()), "{row}");
        assert!(entry["time"].as_str().unwrap().ends_with('Z'), "{row}");
    }
}

#[test]
fn subcommands_that_edit_nothing_pass_through_with_any_policy() {
    for policy in [Plain, Strict, Keep, TooLowStrict] {
        for subcommand in OTHER_SUBCOMMANDS {
            let lab = lab(policy);
            let bundle = bundle(&lab, Good);
            let before = snapshot(&bundle);
            let output = call(
                &lab,
                &Engine { name: "any", before: &[], behind: &[], log: false },
                subcommand,
                &bundle,
                Writable,
            );
            assert_eq!(output.status.code(), Some(STARTED), "{subcommand} with {policy:?}: {output:?}");
            assert_eq!((stderr(&output).as_str(), snapshot(&bundle)), ("", before), "{subcommand} with {policy:?}");
            let ran = fs::read_to_string(lab.path().join("out")).unwrap();
            assert!(ran.trim_end().ends_with(&format!("{subcommand} id")), "{ran}");
        }
    }
}

/// Another runtime would say that there is no such container, and engines take that for a success.
#[test]
fn subcommands_that_edit_nothing_go_to_the_same_runtime_when_the_policy_is_broken() {
    for subcommand in OTHER_SUBCOMMANDS {
        let lab = lab(Broken);
        let decoys = lab.path().join("decoys");
        fs::create_dir(&decoys).unwrap();
        script(&decoys.join("runc"), "#!/bin/sh\nexit 13\n");
        let mut call = lab.call(Shim, &[subcommand, "id"]);
        let output = call.env("PATH", decoys).env("OUT", lab.path().join("out")).output().unwrap();
        assert_eq!(output.status.code(), Some(STARTED), "{subcommand}: {output:?}");
    }
}

#[test]
fn a_line_that_cannot_be_read_stops_no_container_from_being_stopped() {
    for policy in [Plain, Strict, Broken] {
        for line in ["--new-flag kill id", "--new-flag state id", "--new-flag=1 delete id", "delete --new-flag id"] {
            let lab = lab(policy);
            let mut call = lab.call(Shim, &line.split(' ').collect::<Vec<_>>());
            let output = call.env("OUT", lab.path().join("out")).output().unwrap();
            assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(STARTED), ""), "{line}, {policy:?}");
            let ran = fs::read_to_string(lab.path().join("out")).unwrap();
            assert_eq!(ran.lines().next().unwrap(), own_score().to_string(), "{line}, {policy:?}");
        }
    }
}

#[test]
fn an_exec_that_cannot_be_read_has_the_score_of_a_step_and_is_recorded() {
    for policy in [Plain, Strict] {
        let lab = lab(policy);
        let mut call = lab.call(Shim, &["exec", "--new-option", "id", "sh"]);
        let output = call.env("OUT", lab.path().join("out")).output().unwrap();
        assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(STARTED), ""), "{policy:?}");
        assert!(fs::read_to_string(lab.path().join("out")).unwrap().starts_with("500\n"), "{policy:?}");
        let record = lab.records().pop().unwrap();
        assert_eq!(record["level"], "warn", "{record}");
        assert!(record["msg"].as_str().unwrap().contains("--new-option"), "{record}");
    }
}

#[test]
fn an_empty_argument_list_is_the_runtimes_business() {
    let lab = lab(Plain);
    let mut none = lab.call(Shim, &[] as &[&str]);
    assert_eq!(none.env("OUT", lab.path().join("out")).output().unwrap().status.code(), Some(STARTED));
    // Not even a name: execve(2) takes an empty vector, to which Linux adds an empty string since 5.18.
    let program = common::binary("oomshim-runc");
    let code = format!(
        "import os\nos.environ['OUT']={:?}\nos.environ['OOMSHIM_POLICY']={:?}\n\
         import ctypes\nlibc=ctypes.CDLL(None)\nlibc.execve({:?}.encode(), (ctypes.c_char_p*1)(None), (ctypes.c_char_p*3)(b'OUT='+os.environ['OUT'].encode(), b'OOMSHIM_POLICY='+os.environ['OOMSHIM_POLICY'].encode(), None))",
        lab.path().join("out"),
        lab.policy_path(),
        program.to_str().unwrap()
    );
    if let Some(python) = common::needed("python3") {
        let output = std::process::Command::new(python).args(["-c", &code]).output().unwrap();
        assert_eq!(output.status.code(), Some(STARTED), "{output:?}");
    }
}
