//! oomshim that finds oomshim in the place of its runtime: one round, then a clear error. And wrappers that are none of
//! that: in front of it and behind it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::common::{Lab, Runtime, binary, script, stderr};

const WORDS: &str = "oomshim was started again by what it had started";

/// Another build of oomshim: the same program, in other bytes.
fn build(lab: &Lab, directory: &str) -> PathBuf {
    let path = lab.path().join(directory).join("runc");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut bytes = fs::read(binary("oomshim-runc")).unwrap();
    bytes.extend(directory.as_bytes());
    fs::write(&path, bytes).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn lab(policy: &str) -> Lab {
    let lab = Lab::new(&Runtime { name: "runc", path: "/nowhere".into() });
    fs::write(lab.policy_path(), format!("{policy}\n[log]\nto = \"off\"\n")).unwrap();
    fs::create_dir(lab.path().join("bundle")).unwrap();
    fs::write(lab.path().join("bundle/config.json"), "{\"process\":{}}").unwrap();
    lab
}

/// The output of a call that ends by itself, which a loop does not.
fn ends(mut command: Command) -> Output {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begin = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begin.elapsed() > Duration::from_mins(1) {
            child.kill().unwrap();
            panic!("it goes round: {:?}", child.wait_with_output());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.wait_with_output().unwrap()
}

fn call(lab: &Lab, program: &Path, path: &str, line: &str) -> Command {
    let mut command = Command::new(program);
    // A container that another test made belongs to that test's runtime.
    let id = lab.id("x");
    command.args(line.split(' ').map(|word| if word == "x" { &id } else { word })).current_dir(lab.path()).env_clear();
    command.env("PATH", path).env("OOMSHIM_POLICY", lab.policy_path());
    command
}

/// Every kind of subcommand ends with the error, where its engine looks.
fn is_broken(lab: &Lab, program: &Path, path: &str) {
    for line in ["state x", "features", "create --bundle bundle x", "exec x sh", "--new-option delete x"] {
        let output = ends(call(lab, program, path, line));
        let text = stderr(&output);
        assert!(text.contains(WORDS) && text.lines().count() == 1, "{line}: {output:?}");
        assert!(output.stdout.is_empty() && output.status.code().is_some_and(|code| code != 0), "{line}: {output:?}");
    }
    let log = lab.path().join("log.json");
    ends(call(lab, program, path, "--log log.json --log-format json state x"));
    assert!(fs::read_to_string(&log).unwrap().contains(WORDS));
}

#[test]
fn two_builds_that_find_each_other() {
    let lab = lab("");
    let (one, other) = (build(&lab, "one"), build(&lab, "other"));
    let path = format!("{}:{}", one.parent().unwrap().display(), other.parent().unwrap().display());
    is_broken(&lab, &one, &path);
    is_broken(&lab, &binary("oomshim-runc"), &path);
}

#[test]
fn a_wrapper_that_finds_oomshim() {
    let lab = lab("");
    let shim = build(&lab, "shim");
    let wrapper = lab.path().join("wrapper");
    script(&wrapper, "#!/bin/sh\nexec runc \"$@\"\n");
    let policy = format!("[runtime]\npath = \"{}\"\n[log]\nto = \"off\"\n", wrapper.display());
    fs::write(lab.policy_path(), policy).unwrap();
    is_broken(&lab, &binary("oomshim-runc"), &format!("{}:/usr/bin:/bin", shim.parent().unwrap().display()));
}

/// nvidia-container-runtime with `path` pointing to it and its own `runtimes` pointing to oomshim.
#[test]
fn nvidia_on_both_sides_is_a_loop() {
    let lab = lab("");
    let nvidia = lab.path().join("nvidia-container-runtime");
    script(&nvidia, &format!("#!/bin/sh\nexec {} \"$@\"\n", binary("oomshim-runc").display()));
    let policy = format!("[runtime]\npath = \"{}\"\n[log]\nto = \"off\"\n", nvidia.display());
    fs::write(lab.policy_path(), policy).unwrap();
    is_broken(&lab, &binary("oomshim-runc"), "/usr/bin:/bin");
    is_broken(&lab, &nvidia, "/usr/bin:/bin");
}

#[test]
fn nvidia_on_one_side_is_none() {
    let lab = lab("");
    let runc = lab.path().join("runc");
    script(&runc, "#!/bin/sh\nexit 42\n");
    let nvidia = lab.path().join("nvidia-container-runtime");
    let policy = |path: &Path| {
        let text = format!("[runtime]\npath = \"{}\"\n[log]\nto = \"off\"\n", path.display());
        fs::write(lab.policy_path(), text).unwrap();
    };
    for (front, runtime) in [(true, &runc), (false, &nvidia)] {
        let behind = if front { binary("oomshim-runc") } else { runc.clone() };
        script(&nvidia, &format!("#!/bin/sh\nexec {} \"$@\"\n", behind.display()));
        policy(runtime);
        let first = if front { nvidia.clone() } else { binary("oomshim-runc") };
        for line in ["state x", "create --bundle bundle x"] {
            let output = ends(call(&lab, &first, "/usr/bin:/bin", line));
            assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(42), ""), "{line} front {front}");
        }
    }
}

#[test]
fn without_proc_it_does_not_find_itself_for_ever() {
    let lab = lab("");
    let shim = build(&lab, "shim");
    let script = "mount -t tmpfs none /proc && exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", script, "sh"]).arg(&shim).args(["state", "x"]).env_clear();
    let path = format!("{}:/usr/bin:/bin", shim.parent().unwrap().display());
    command.env("PATH", path).env("OOMSHIM_POLICY", lab.policy_path());
    let output = ends(command);
    assert!(stderr(&output).contains(WORDS), "{output:?}");
}
