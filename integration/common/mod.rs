//! What the integration tests share: the built binaries, real runtimes, and bundles with a busybox in them.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and says why"
)]

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use oomshim::system::capabilities::ScorePrivilege;
use serde_json::{Value, json};

/// A built binary: from the directory in `OOMSHIM_BIN_DIR` (the static ones that are shipped), or the one of this test run.
pub fn binary(name: &str) -> PathBuf {
    if let Some(directory) = std::env::var_os("OOMSHIM_BIN_DIR") {
        let path = fs::canonicalize(Path::new(&directory).join(name));
        return path.unwrap_or_else(|error| panic!("OOMSHIM_BIN_DIR has no {name}: {error}"));
    }
    PathBuf::from(match name {
        "oomshim" => env!("CARGO_BIN_EXE_oomshim"),
        "oomshim-runc" => env!("CARGO_BIN_EXE_oomshim-runc"),
        "oomshim-hook" => env!("CARGO_BIN_EXE_oomshim-hook"),
        other => panic!("{other} is none of our binaries"),
    })
}

/// The first program of that name in PATH and the usual directories.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories: Vec<PathBuf> =
        std::env::split_paths(&path).chain(["/usr/sbin", "/usr/bin", "/bin"].map(PathBuf::from)).collect();
    directories.iter().map(|directory| directory.join(name)).find(|path| path.is_file())
}

/// Something that a test needs and the machine may lack: missing it fails in CI, and is said loudly to a person.
pub fn needed(name: &str) -> Option<PathBuf> {
    let found = program(name);
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "{name} is missing, and CI must not pass without it");
        eprintln!("\n*** NOT TESTED: {name} is missing; `make test` installs it ***\n");
    }
    found
}

/// A real runtime.
#[derive(Debug, Clone)]
pub struct Runtime {
    pub name: &'static str,
    pub path: PathBuf,
}

/// The real runtimes of this machine: runc and crun are needed, the others are tried where they are.
pub fn runtimes() -> Vec<Runtime> {
    let needed = ["runc", "crun"].into_iter().filter_map(|name| Some(Runtime { name, path: needed(name)? }));
    let found: Vec<Runtime> = needed.collect();
    assert!(std::env::var_os("CI").is_none() || found.len() == 2);
    found
}

/// A directory for one test, with a policy and a runtime's state directory. Its containers are named after it.
pub struct Lab {
    directory: tempfile::TempDir,
    pub runtime: Runtime,
    number: u32,
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Lab {
    pub fn new(runtime: &Runtime) -> Lab {
        let directory = tempfile::Builder::new().prefix("oomshim-").tempdir().unwrap();
        let lab = Lab { directory, runtime: runtime.clone(), number: NUMBER.fetch_add(1, Ordering::Relaxed) };
        lab.policy("");
        lab
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Writes the policy, with the runtime and a log file besides `text`.
    pub fn policy(&self, text: &str) {
        let runtime = self.runtime.path.display();
        let log = self.path().join("log");
        let policy =
            format!("[runtime]\npath = \"{runtime}\"\n[log]\nto = \"{}\"\nlevel = \"debug\"\n{text}", log.display());
        fs::write(self.policy_path(), policy).unwrap();
    }

    pub fn policy_path(&self) -> PathBuf {
        self.path().join("policy.toml")
    }

    /// The records that were written so far, as JSON.
    pub fn records(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.path().join("log")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// A container id that no other test uses.
    pub fn id(&self, name: &str) -> String {
        format!("oomshim-{}-{}-{name}", std::process::id(), self.number)
    }

    /// A bundle whose container runs `args` in a busybox.
    pub fn bundle(&self, name: impl AsRef<OsStr>, args: &[&str], change: impl FnOnce(&mut Value)) -> PathBuf {
        let bundle = self.path().join(Path::new(name.as_ref()));
        fs::create_dir_all(bundle.join("rootfs/bin")).unwrap();
        for directory in ["proc", "dev", "sys", "tmp"] {
            fs::create_dir_all(bundle.join("rootfs").join(directory)).unwrap();
        }
        let busybox = needed("busybox").expect("busybox-static is needed for any container");
        fs::copy(busybox, bundle.join("rootfs/bin/busybox")).unwrap();
        for applet in ["sh", "cat", "sleep", "ls", "kill", "true", "echo"] {
            symlink("busybox", bundle.join("rootfs/bin").join(applet)).unwrap();
        }
        let mut spec = spec(args);
        spec["linux"]["cgroupsPath"] = json!(format!("/oomshim-test/{}-{}", std::process::id(), self.number));
        change(&mut spec);
        // Indented, as no engine writes it: what the shim does not name must stay as it is.
        fs::write(bundle.join("config.json"), serde_json::to_string_pretty(&spec).unwrap()).unwrap();
        bundle
    }

    /// A call of the runtime itself, or of the shim in its place.
    pub fn call<A: AsRef<OsStr>>(&self, through: Through, args: &[A]) -> Command {
        let program = match through {
            Through::Plain => self.runtime.path.clone(),
            Through::Shim => binary("oomshim-runc"),
        };
        let mut all = vec![program.into_os_string(), "--root".into(), self.path().join("state").into_os_string()];
        all.extend(args.iter().map(|arg| arg.as_ref().to_owned()));
        let mut command = in_this_machines_cgroups(&self.runtime, &all);
        command.env("OOMSHIM_POLICY", self.policy_path());
        command
    }

    pub fn run<A: AsRef<OsStr>>(&self, through: Through, args: &[A]) -> Output {
        self.call(through, args).stdin(Stdio::null()).output().unwrap()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // Containers that a failed test left running.
        for entry in fs::read_dir(self.path().join("state")).into_iter().flatten().flatten() {
            let args = [OsString::from("delete"), "--force".into(), entry.file_name()];
            let _ = self.run(Through::Plain, &args);
        }
    }
}

/// Whether a runtime is called itself or through the shim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Through {
    Plain,
    Shim,
}

/// crun refuses a hybrid cgroup layout whose v2 part has controllers, so it gets a mount namespace without that part.
fn in_this_machines_cgroups(runtime: &Runtime, all: &[OsString]) -> Command {
    let hybrid = Path::new("/sys/fs/cgroup/unified/cgroup.controllers").exists();
    if runtime.name == "crun" && hybrid {
        let mut command = Command::new("unshare");
        let script = "mount -t tmpfs none /sys/fs/cgroup/unified && exec \"$@\"";
        command.args(["-m", "sh", "-c", script, "sh"]).args(all);
        return command;
    }
    let mut command = Command::new(&all[0]);
    command.args(&all[1..]);
    command
}

/// The same call without `CAP_SYS_RESOURCE`, as root in a container makes it: an `oom_score_adj` below its floor cannot be
/// had then, whoever runs the tests.
pub fn without_sys_resource(call: &Command) -> Command {
    let mut command = Command::new(needed("setpriv").expect("setpriv, of util-linux, is needed to drop a capability"));
    if ScorePrivilege::own(Path::new("/proc")) == ScorePrivilege::Full {
        command.arg("--bounding-set=-sys_resource");
    }
    command.arg("--").arg(call.get_program()).args(call.get_args());
    for (name, value) in call.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    if let Some(directory) = call.get_current_dir() {
        command.current_dir(directory);
    }
    command
}

/// A spec as `runc spec` writes it, without a terminal and with `args`.
pub fn spec(args: &[&str]) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/specs/runc-spec.json");
    let mut spec: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    spec["process"]["terminal"] = json!(false);
    spec["process"]["args"] = json!(args);
    // Raising the number of open files needs a right that a test machine may lack.
    spec["process"].as_object_mut().unwrap().remove("rlimits");
    spec["root"]["readonly"] = json!(false);
    spec
}

/// Standard output without the white space around it, of a call that succeeded.
#[track_caller]
pub fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Writes a program and makes it executable.
pub fn script(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Copies a program to be started. By another process: a thread that forks while this one had the copy open for writing would
/// hand the descriptor on, and the copy would be busy (ETXTBSY).
pub fn copy_program(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg(from).arg(to).status().unwrap().success());
}

/// The names in a directory, sorted.
pub fn names(directory: &Path) -> Vec<OsString> {
    let mut names: Vec<OsString> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}

/// What the tests call a path that is not UTF-8.
pub fn not_utf8(text: &[u8]) -> OsString {
    OsStr::from_bytes(text).to_owned()
}
