//! Real containers on real runtimes, called directly first and then through the shim: the direct call judges the
//! machine, the other one the shim. The score is read inside the container.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "what was not tested is said")]

use crate::common;

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::Through::{Plain, Shim};
use common::{Lab, binary, names, not_utf8, runtimes, stderr, stdout};
use serde_json::json;

const SCORE: &[&str] = &["cat", "/proc/self/oom_score_adj"];

fn unchanged(_: &mut serde_json::Value) {}

/// Runs the same call directly and through the shim, each on a fresh copy of the spec; gives both scores.
fn both(lab: &Lab, bundle: &Path, args: &[&OsStr], directory: &Path) -> (String, String) {
    let config = bundle.join("config.json");
    let before = fs::read(&config).unwrap();
    let plain = stdout(&lab.call(Plain, args).current_dir(directory).stdin(Stdio::null()).output().unwrap());
    assert_eq!(fs::read(&config).unwrap(), before, "the runtime itself changes no spec");
    let shim = stdout(&lab.call(Shim, args).current_dir(directory).stdin(Stdio::null()).output().unwrap());
    fs::write(&config, before).unwrap();
    assert_eq!(names(bundle), ["config.json", "rootfs"], "nothing is left in the bundle");
    (plain, shim)
}

fn own_score() -> String {
    fs::read_to_string("/proc/self/oom_score_adj").unwrap().trim().to_owned()
}

#[test]
fn a_fresh_run_has_the_score_inside() {
    for runtime in runtimes() {
        let lab = Lab::new(&runtime);
        let bundle = lab.bundle("b", SCORE, unchanged);
        let id = lab.id("run");
        let args: Vec<&OsStr> = ["run".as_ref(), "--bundle".as_ref(), bundle.as_os_str(), id.as_ref()].to_vec();
        assert_eq!(both(&lab, &bundle, &args, lab.path()), (own_score(), "500".into()), "{runtime:?}");
        let record = lab.records().pop().unwrap();
        assert_eq!(
            (record["class"].as_str(), record["asked_oom_score_adj"].as_str()),
            (Some("build-step"), Some("500"))
        );
        assert_eq!(record["bundle"], json!(bundle));
    }
}

#[test]
fn create_and_start_have_it_too() {
    for runtime in runtimes() {
        for (through, expected) in [(Plain, own_score()), (Shim, "500".into())] {
            let lab = Lab::new(&runtime);
            let bundle = lab.bundle("b", SCORE, unchanged);
            let id = lab.id("create");
            let out = lab.path().join("out");
            let create = lab
                .call(through, &["create", "--bundle", bundle.to_str().unwrap(), &id])
                .stdin(Stdio::null())
                .stdout(File::create(&out).unwrap())
                .stderr(File::create(lab.path().join("err")).unwrap())
                .status()
                .unwrap();
            assert!(create.success(), "{}", fs::read_to_string(lab.path().join("err")).unwrap());
            stdout(&lab.run(through, &["start", &id]));
            until("the container ends", || stdout(&lab.run(through, &["state", &id])).contains("\"stopped\""));
            stdout(&lab.run(through, &["delete", &id]));
            assert_eq!(fs::read_to_string(&out).unwrap().trim(), expected, "{through:?} {runtime:?}");
        }
    }
}

#[test]
fn a_later_process_has_the_containers_score_and_not_the_engines() {
    for runtime in runtimes() {
        let lab = Lab::new(&runtime);
        lab.policy("[class.build-step]\noom_score_adj = 700\n");
        for (through, expected) in [(Plain, own_score()), (Shim, "700".into())] {
            let bundle = lab.bundle(format!("{through:?}"), &["sleep", "60"], unchanged);
            let id = lab.id(&format!("{through:?}"));
            let started = lab
                .call(through, &["run", "-d", "--bundle", bundle.to_str().unwrap(), &id])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            assert!(started.unwrap().success());
            let exec = lab.run(through, &["exec", &id, "cat", "/proc/self/oom_score_adj"]);
            assert_eq!(stdout(&exec), expected, "{through:?} {runtime:?}");
            stdout(&lab.run(through, &["delete", "--force", &id]));
        }
    }
}

/// A shell that sets its own oom_score_adj first, as an engine has one, and then becomes the command.
fn at_score(score: i16, command: &Command, lab: &Lab) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", "echo $0 >/proc/self/oom_score_adj && exec \"$@\"", &score.to_string()]);
    shell.arg(command.get_program()).args(command.get_args()).env("OOMSHIM_POLICY", lab.policy_path());
    shell.stdin(Stdio::null());
    shell
}

/// crun takes a score of 0 for none. What runs has the score that its class gives or its engine asked for, at run, create
/// and exec, whatever its engine has itself.
#[test]
fn a_score_of_zero_holds_too() {
    for runtime in runtimes() {
        for (name, class, asked, wanted) in [
            ("class-0", "oom_score_adj = 0\nadjust = \"set\"", None, "0"),
            ("class-650", "oom_score_adj = 650", None, "650"),
            ("asked-0", "oom_score_adj = 0\nadjust = \"fill\"", Some(0), "0"),
        ] {
            let lab = Lab::new(&runtime);
            lab.policy(&format!("[class.build-step]\n{class}\n"));
            let spec = |spec: &mut serde_json::Value| {
                if let Some(score) = asked {
                    spec["process"]["oomScoreAdj"] = json!(score);
                }
            };
            let of = |args: &[&str]| at_score(300, &lab.call(Shim, args), &lab);
            let bundle = lab.bundle("run", SCORE, spec);
            let output = of(&["run", "--bundle", bundle.to_str().unwrap(), &lab.id("run")]).output().unwrap();
            assert_eq!(stdout(&output), wanted, "run, {name}, {runtime:?}");
            let record = lab.records().pop().unwrap();
            assert!(record["msg"].as_str().unwrap().contains("asked for") || asked.is_some(), "{record}");

            let bundle = lab.bundle("create", &["sleep", "60"], spec);
            let id = lab.id("create");
            let mut create = of(&["create", "--bundle", bundle.to_str().unwrap(), &id]);
            assert!(create.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success());
            stdout(&of(&["start", &id]).output().unwrap());
            let inside = of(&["exec", &id, "cat", "/proc/1/oom_score_adj"]).output().unwrap();
            assert_eq!(stdout(&inside), wanted, "create, {name}, {runtime:?}");
            let exec = of(&["exec", &id, "cat", "/proc/self/oom_score_adj"]).output().unwrap();
            assert_eq!(stdout(&exec), wanted, "exec, {name}, {runtime:?}");
            stdout(&lab.run(Shim, &["delete", "--force", &id]));
        }
    }
}

#[test]
fn every_way_to_name_the_bundle_is_understood() {
    for runtime in runtimes() {
        let lab = Lab::new(&runtime);
        let bundle = lab.bundle("b", SCORE, unchanged);
        let absolute = bundle.to_str().unwrap();
        let common = ["run --bundle @ ID", "run --bundle=@ ID", "run -b @ ID", "run --no-pivot=X --bundle @ ID"];
        let own: &[&str] = match runtime.name {
            "runc" => &[
                "run -bundle @ ID",
                "run -b=@ ID",
                "run ID --bundle @",
                "run --bundle /nowhere --bundle @ ID",
                "run -- ID",
            ],
            _ => &[
                "run --bund @ ID",
                "run -b@ ID",
                "run --conf=@/config.json -b @ ID",
                "run -f config.json -b @ ID",
                "run -- ID",
            ],
        };
        for form in common.iter().filter(|form| !form.contains("=X")).chain(own) {
            for (number, path) in [absolute, "b", "./b/", "b/../b"].iter().enumerate() {
                let id = lab.id(&format!("form{number}"));
                let in_bundle = !form.contains('@');
                let args: Vec<OsString> =
                    form.split(' ').map(|word| word.replace('@', path).replace("ID", &id).into()).collect();
                let args: Vec<&OsStr> = args.iter().map(OsString::as_os_str).collect();
                let directory = if in_bundle { bundle.as_path() } else { lab.path() };
                assert_eq!(
                    both(&lab, &bundle, &args, directory),
                    (own_score(), "500".into()),
                    "{} {form}",
                    runtime.name
                );
                if in_bundle {
                    break;
                }
            }
        }
    }
}

#[test]
fn containers_may_be_called_like_subcommands() {
    for runtime in runtimes() {
        let lab = Lab::new(&runtime);
        let bundle = lab.bundle("b", SCORE, unchanged);
        for id in ["run", "create", "exec", "--"] {
            let args: Vec<&OsStr> =
                vec!["run".as_ref(), "--bundle".as_ref(), bundle.as_os_str(), "--".as_ref(), id.as_ref()];
            assert_eq!(both(&lab, &bundle, &args, lab.path()), (own_score(), "500".into()), "{} {id}", runtime.name);
        }
    }
}

#[test]
fn a_path_need_not_be_utf8() {
    for runtime in runtimes() {
        let lab = Lab::new(&runtime);
        // runc hands the root's path to its init as JSON, so only the bundle may have any bytes.
        let root = lab.bundle("root", SCORE, unchanged).join("rootfs");
        let bundle = lab.bundle(not_utf8(b"b\xff\xfe"), SCORE, |spec| spec["root"]["path"] = json!(root));
        let id = lab.id("bytes");
        let args: [&OsStr; 4] = ["run".as_ref(), "--bundle".as_ref(), bundle.as_os_str(), id.as_ref()];
        // crun starts the container, fails on its name, and may kill it before or after it has spoken.
        let [plain, shim] = [Plain, Shim].map(|through| {
            let output = lab.run(through, &args);
            let _ = lab.run(Plain, &["delete", "--force", &id]);
            output
        });
        assert_eq!((plain.status, stderr(&plain)), (shim.status, stderr(&shim)), "{runtime:?}");
        if plain.status.success() {
            assert_eq!((stdout(&plain), stdout(&shim)), (own_score(), "500".into()), "{runtime:?}");
        }
        let spec = fs::read_to_string(bundle.join("config.json")).unwrap();
        assert!(spec.contains("\"oomScoreAdj\": 500"), "{spec}");
        assert!(lab.records().last().unwrap()["bundle"].as_str().unwrap().ends_with("b\u{fffd}\u{fffd}"));
    }
}

#[test]
fn the_runtimes_exit_status_is_the_containers() {
    for runtime in runtimes() {
        let lab = Lab::new(&runtime);
        let bundle = lab.bundle("b", &["sh", "-c", "exit 7"], unchanged);
        for through in [Plain, Shim] {
            let output =
                lab.run(through, &["run", "--bundle", bundle.to_str().unwrap(), &lab.id(&format!("{through:?}"))]);
            assert_eq!(output.status.code(), Some(7), "{through:?} {output:?}");
        }
    }
}

#[test]
fn inherited_descriptors_reach_the_container() {
    for runtime in runtimes() {
        let lab = Lab::new(&runtime);
        let bundle = lab.bundle("b", &["sh", "-c", "cat <&3"], unchanged);
        for through in [Plain, Shim] {
            let id = lab.id(&format!("{through:?}"));
            let inner = lab.call(through, &["run", "--preserve-fds", "1", "--bundle", bundle.to_str().unwrap(), &id]);
            // A shell hands descriptor 3 on, as conmon and systemd do.
            let mut shell = std::process::Command::new("sh");
            shell
                .args(["-c", "exec 3<<X\npassed on\nX\nexec \"$@\"", "sh"])
                .arg(inner.get_program())
                .args(inner.get_args());
            shell.env("OOMSHIM_POLICY", lab.policy_path());
            assert_eq!(stdout(&shell.output().unwrap()), "passed on", "{through:?} {runtime:?}");
        }
    }
}

#[test]
fn a_signal_to_the_runtime_reaches_the_container() {
    for runtime in runtimes() {
        for through in [Plain, Shim] {
            let lab = Lab::new(&runtime);
            let script = "trap 'echo got it; exit 3' TERM; echo ready; while :; do sleep 0.1; done";
            let bundle = lab.bundle("b", &["sh", "-c", script], unchanged);
            let out = lab.path().join("out");
            let mut child = lab
                .call(through, &["run", "--bundle", bundle.to_str().unwrap(), &lab.id("signal")])
                .stdin(Stdio::null())
                .stdout(File::create(&out).unwrap())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            until("the container is ready", || fs::read_to_string(&out).unwrap().contains("ready"));
            let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
            assert_eq!(child.wait().unwrap().code(), Some(3), "{through:?} {runtime:?}");
            assert!(fs::read_to_string(&out).unwrap().contains("got it"));
        }
    }
}

#[test]
fn a_score_below_the_floor_is_clamped_recorded_and_the_container_runs() {
    for runtime in runtimes() {
        let lab = Lab::new(&runtime);
        lab.policy("[[rule]]\nclass = \"daemon\"\nmatch.bundle = \"*/oomshim-*\"\n");
        let bundle = lab.bundle("b", SCORE, unchanged);
        let call = lab.call(Shim, &["run", "--bundle", bundle.to_str().unwrap(), &lab.id("daemon")]);
        let output = common::without_sys_resource(&call).stdin(Stdio::null()).output().unwrap();
        let record = lab.records().pop().unwrap();
        assert_eq!(stdout(&output), own_score(), "{runtime:?}");
        assert_eq!((record["level"].as_str(), record["clamped_from"].as_str()), (Some("warn"), Some("-1000")));
        assert_eq!(own_score(), fs::read_to_string("/proc/self/oom_score_adj").unwrap().trim());
    }
}

#[test]
fn the_hook_gives_the_score_where_nobody_edited_the_spec() {
    for runtime in runtimes() {
        let lab = Lab::new(&runtime);
        for (name, extra, expected) in [("rules", vec![], "500"), ("class", vec!["--class", "victim"], "900")] {
            lab.policy("[class.victim]\noom_score_adj = 900\n");
            let bundle = lab.bundle(name, SCORE, |spec| {
                let mut args = vec!["oomshim-hook", "createRuntime"];
                args.extend(&extra);
                let env = [format!("OOMSHIM_POLICY={}", lab.policy_path().display())];
                spec["hooks"] = json!({"createRuntime": [{"path": binary("oomshim-hook"), "args": args, "env": env}]});
            });
            let output = lab.run(Plain, &["run", "--bundle", bundle.to_str().unwrap(), &lab.id(name)]);
            assert_eq!(stdout(&output), expected, "{runtime:?} {:?}", lab.records());
        }
    }
}

#[test]
fn the_hook_at_a_wrong_stage_touches_nothing_and_stops_nothing() {
    for runtime in runtimes() {
        let lab = Lab::new(&runtime);
        let bundle = lab.bundle("b", SCORE, |spec| {
            let env = [format!("OOMSHIM_POLICY={}", lab.policy_path().display())];
            spec["hooks"] =
                json!({"createContainer": [{"path": binary("oomshim-hook"), "args": ["oomshim-hook"], "env": env}]});
        });
        let before = fs::read_to_string("/proc/1/oom_score_adj").unwrap();
        let output = lab.run(Plain, &["run", "--bundle", bundle.to_str().unwrap(), &lab.id("stage")]);
        assert_eq!(stdout(&output), own_score(), "{runtime:?}");
        assert_eq!(fs::read_to_string("/proc/1/oom_score_adj").unwrap(), before, "the host's init is left alone");
        let message = lab.records().pop().unwrap()["msg"].as_str().unwrap().to_owned();
        assert!(message.contains("belongs to the stage createRuntime"), "{message}");
    }
}

#[test]
fn a_strict_policy_starts_nothing_that_it_cannot_protect() {
    for runtime in runtimes() {
        let lab = Lab::new(&runtime);
        lab.policy("[apply]\nstrict = true\n");
        let bundle = lab.bundle("b", SCORE, unchanged);
        fs::write(bundle.join("config.json"), "{\"process\": {").unwrap();
        let id = lab.id("strict");
        let output = lab.run(Shim, &["run", "--bundle", bundle.to_str().unwrap(), &id]);
        assert_eq!(output.status.code(), Some(1));
        let text = stderr(&output);
        assert!(
            text.starts_with("oomshim: ")
                && text.contains("config.json is not JSON: line 1")
                && text.lines().count() == 1,
            "{text}"
        );
        assert!(!lab.run(Plain, &["state", &id]).status.success(), "no container was made");
    }
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < Duration::from_mins(1), "waited a minute until {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
