//! What `oomshim doctor` says and what `hooks/` ships, done to the letter on podman with crun, with containers running before and
//! after. `/etc/containers` is a copy in a mount namespace of the scenario's own.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};

use super::support::docker_like::IMAGE;
use super::support::{Output, SAY_SCORE, Scenario, Suite, binary, run};

pub(crate) const NEEDS: &[&str] = &["podman", "conmon", "crun", "runc", "busybox", "unshare", "nsenter"];

pub(crate) fn scenarios(suite: &Arc<Suite>) -> Vec<Scenario> {
    let scenario = |name, run: fn(&Host) -> Result<()>| {
        let suite = Arc::clone(suite);
        Scenario::new(name, move || run(&Host::new(&suite, name)?))
    };
    vec![
        scenario("doctor's remedy keeps what runs and covers what comes", |host| remedy(host, "crun")),
        scenario("doctor's remedy does so with runc", with_runc),
        scenario("advice of old is taken back, with containers before and since", advice_of_old),
        scenario("install and uninstall, with containers before and after", install),
        scenario("the shipped containers.conf lets crun run without cgroups", without_cgroups),
        scenario("hooks_dir covers a restart, and --hooks-dir does not", hooks_dir),
    ]
}

/// A machine with podman whose `/etc/containers` may be changed, and our programs in a directory of it.
struct Host {
    directory: PathBuf,
    holder: Child,
}

const DROP_INS: &str = "/etc/containers/containers.conf.d";

impl Host {
    fn new(suite: &Suite, name: &str) -> Result<Host> {
        let number = name.len();
        let directory = suite.directory(&format!("doctor-{number}"))?;
        Suite::rootfs(&directory)?;
        let (etc, bin) = (directory.join("etc"), directory.join("bin"));
        run(Command::new("cp").args(["-a", "/etc/containers"]).arg(&etc))?.stdout()?;
        std::fs::create_dir_all(etc.join("containers.conf.d"))?;
        std::fs::create_dir_all(&bin)?;
        for program in ["oomshim", "oomshim-runc", "oomshim-hook"] {
            // By another process: one that forks here meanwhile would keep the copy open for writing, and so busy.
            run(Command::new("cp").arg(binary(program)?).arg(&bin))?.stdout()?;
        }
        // Without CAP_SYS_RESOURCE no hard limit can be raised. The search path is for conmon and what it starts.
        let limits = "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n[engine]\nevents_logger = \"file\"\n\
                      cgroup_manager = \"cgroupfs\"\n";
        std::fs::write(etc.join("containers.conf.d/00-suite.conf"), limits)?;
        let (root, run_root) = (directory.join("root"), directory.join("run"));
        let storage = format!(
            "[storage]\ndriver = \"vfs\"\ngraphroot = \"{}\"\nrunroot = \"{}\"\n",
            root.display(),
            run_root.display()
        );
        std::fs::write(etc.join("storage.conf"), storage)?;
        let unified = Path::new("/sys/fs/cgroup/unified/cgroup.procs").exists();
        // crun 1.8 refuses hybrid cgroups; see podman.rs.
        let hide = if unified { "mount -t tmpfs none /sys/fs/cgroup/unified && " } else { "" };
        let script = format!(
            "mount --bind \"$0\" /etc/containers && mount -t tmpfs none /var/lib && {hide}echo ready && exec sleep 600"
        );
        let mut command = Command::new(suite.program("unshare")?);
        let mut holder = command.args(["--mount", "sh", "-c", &script]).arg(&etc).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(holder.stdout.take().context("a pipe")?).read_line(&mut line)?;
        let host = Host { directory, holder };
        ensure!(line == "ready\n", "the mount namespace is not made: {line:?}");
        let tar = host.directory.join("rootfs.tar").display().to_string();
        host.podman(&["import", &tar, IMAGE])?.stdout()?;
        Ok(host)
    }

    fn command<A: AsRef<OsStr>>(&self, args: &[A]) -> Result<Output> {
        let pid = self.holder.id().to_string();
        run(Command::new("nsenter").args(["--mount", "--target", &pid, "--"]).args(args).env_remove("CONTAINER_HOST"))
    }

    fn podman(&self, args: &[&str]) -> Result<Output> {
        self.command(&[&["podman"], args].concat())
    }

    /// Our program, and how it ended.
    fn oomshim(&self, args: &[&str]) -> Result<(Option<i32>, String)> {
        let program = self.directory.join("bin/oomshim").display().to_string();
        let output = self.command(&[&[program.as_str()], args].concat())?;
        Ok((output.code(), output.printed().to_owned()))
    }

    fn say(&self, args: &[&str]) -> Result<String> {
        Ok(self.podman(args)?.stdout()?.trim().to_owned())
    }

    fn start(&self, name: &str, options: &[&str]) -> Result<()> {
        let all = [&["run", "-d", "--network", "none", "--name", name][..], options, &[IMAGE, "sleep", "600"]].concat();
        self.say(&all).map(drop)
    }

    fn init_score(&self, name: &str) -> Result<i32> {
        let pid = self.say(&["inspect", "-f", "{{.State.Pid}}", name])?;
        Ok(std::fs::read_to_string(format!("/proc/{pid}/oom_score_adj"))?.trim().parse()?)
    }

    /// What doctor says of podman: its worst status and that one's remedy.
    fn doctor(&self) -> Result<(String, Option<String>)> {
        let oomshim = self.directory.join("bin/oomshim").display().to_string();
        let output = self.command(&[oomshim.as_str(), "doctor", "--only", "engines", "--format", "json"])?;
        let value: serde_json::Value = serde_json::from_str(output.printed())?;
        let findings = value["checks"][0]["findings"].as_array().context("findings")?.clone();
        let podman = |it: &&serde_json::Value| it["message"].as_str().is_some_and(|text| text.starts_with("podman: "));
        let of = |status: &str| findings.iter().filter(podman).find(|it| it["status"] == status);
        let finding = ["fail", "warn", "skipped", "pass"].into_iter().find_map(of).context("a finding about podman")?;
        let word = |key: &str| finding[key].as_str().map(str::to_owned);
        Ok((word("status").context("a status")?, word("remedy")))
    }

    /// Writes a file as this machine names it.
    fn write(&self, path: &str, text: &str) -> Result<()> {
        self.command(&["sh", "-c", "mkdir -p \"${0%/*}\" && printf %s \"$1\" >\"$0\"", path, text])?.stdout().map(drop)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Err(error) = self.podman(&["rm", "-a", "-f", "-t", "0"]).and_then(Output::stdout) {
            eprintln!("engines: podman could not remove its containers: {error:#}");
        }
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// "run `COMMAND`, and set in FILE:", lines that are indented by four spaces, and what then happens.
fn follow(host: &Host, remedy: &str) -> Result<()> {
    let (first, rest) = remedy.split_once('\n').context("lines")?;
    let (command, file) = match first.strip_prefix("run `").and_then(|rest| rest.split_once("`, and set in ")) {
        Some((command, file)) => (Some(command), file),
        None => (None, first.strip_prefix("set in ").with_context(|| first.to_owned())?),
    };
    if let Some(command) = command {
        host.command(&["sh", "-c", command])?.stdout()?;
    }
    let lines: Vec<&str> = rest.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    host.write(file.strip_suffix(':').context("a file")?, &format!("{}\n", lines.join("\n")))
}

fn with_runc(host: &Host) -> Result<()> {
    host.write(&format!("{DROP_INS}/10-runc.conf"), "[engine]\nruntime = \"runc\"\n")?;
    remedy(host, "runc")
}

fn remedy(host: &Host, family: &str) -> Result<()> {
    host.start("running", &[])?;
    host.start("restarted", &[])?;
    let pid = host.say(&["inspect", "-f", "{{.State.Pid}}", "running"])?;
    let (status, remedy) = host.doctor()?;
    ensure!(status == "warn", "{status}");
    follow(host, &remedy.context("a remedy")?)?;
    let (status, remedy) = host.doctor()?;
    ensure!(status == "pass" && remedy.is_none(), "after its remedy: {status} {remedy:?}");
    // What ran before is the old runtime's, and can be used, restarted and stopped.
    let runtime = |name: &str| host.say(&["inspect", "-f", "{{.OCIRuntime}}", name]);
    ensure!(runtime("running")? == family, "{}", runtime("running")?);
    host.say(&["exec", "running", "true"])?;
    host.say(&["restart", "-t", "0", "restarted"])?;
    ensure!(runtime("restarted")? == family && host.init_score("restarted")? == 0);
    host.say(&["stop", "-t", "0", "running"])?;
    ensure!(!Path::new("/proc").join(&pid).exists(), "podman stop left {pid} alive");
    host.say(&["rm", "-f", "-t", "0", "running", "restarted"])?;
    // What comes is oomshim's, by a command line that the old one reads.
    host.start("new", &[])?;
    ensure!(
        runtime("new")? == format!("oomshim-{family}") && host.init_score("new")? == 500,
        "{}",
        host.init_score("new")?
    );
    let exec = host.podman(&["exec", "new", "sh", "-c", SAY_SCORE])?.score()?;
    ensure!(exec == 500, "exec has {exec}");
    if family == "crun" {
        host.say(&["run", "--rm", "--cgroups=disabled", "--network", "none", IMAGE, "true"])?;
    }
    host.say(&["rm", "-f", "-t", "0", "new"]).map(drop)
}

/// `crun = [".../oomshim-runc"]`, as doctor said once: by that name the shim becomes runc, which knows nothing of what crun
/// made.
fn advice_of_old(host: &Host) -> Result<()> {
    let pid = |name: &str| host.say(&["inspect", "-f", "{{.State.Pid}}", name]);
    host.start("before", &[])?;
    let shim = host.directory.join("bin/oomshim-runc").display().to_string();
    host.write(&format!("{DROP_INS}/50-old.conf"), &format!("[engine.runtimes]\ncrun = [\"{shim}\"]\n"))?;
    host.start("since", &[])?;
    ensure!(host.init_score("since")? == 500, "{}", host.init_score("since")?);
    host.podman(&["exec", "before", "true"])?.refused()?;
    let (status, remedy) = host.doctor()?;
    ensure!(status == "fail", "{status} {remedy:?}");
    follow(host, &remedy.context("a remedy")?)?;
    let (status, remedy) = host.doctor()?;
    ensure!(status == "pass" && remedy.is_none(), "after its remedy: {status} {remedy:?}");
    host.start("new", &[])?;
    ensure!(host.init_score("new")? == 500, "{}", host.init_score("new")?);
    for name in ["before", "since", "new"] {
        host.say(&["exec", name, "true"])?;
        let process = Path::new("/proc").join(pid(name)?);
        host.say(&["stop", "-t", "0", name])?;
        ensure!(!process.exists(), "podman stop left {name} alive");
        host.say(&["rm", "-f", "-t", "0", name])?;
    }
    Ok(())
}

fn install(host: &Host) -> Result<()> {
    let files = || {
        host.command(&[
            "sh",
            "-c",
            "cd /etc/containers && find . -exec ls -ld {} + && find . -type f -exec sha256sum {} +",
        ])?
        .stdout()
    };
    let runtime = |name: &str| host.say(&["inspect", "-f", "{{.OCIRuntime}}", name]);
    let original = files()?;
    host.start("before", &[])?;
    let (code, diff) = host.oomshim(&["install", "--dry-run", "podman"])?;
    ensure!(code == Some(1) && diff.contains("\n+runtime = \"oomshim-crun\"\n"), "{code:?} {diff}");
    ensure!(host.oomshim(&["install", "--check", "podman"])?.0 == Some(1));
    ensure!(files()? == original, "--dry-run or --check changed something");
    let (code, said) = host.oomshim(&["install", "podman"])?;
    ensure!(code == Some(0) && said.contains("wrote /"), "{code:?} {said}");
    let installed = files()?;
    for args in [&["install", "--check", "podman"][..], &["install", "podman"]] {
        ensure!(host.oomshim(args)?.0 == Some(0) && files()? == installed, "{args:?}");
    }
    host.start("new", &[])?;
    ensure!(runtime("new")? == "oomshim-crun" && host.init_score("new")? == 500);
    ensure!(runtime("before")? == "crun");
    host.say(&["exec", "before", "true"])?;
    // The name stays for the container that was made with it, and leads to crun itself.
    let (code, said) = host.oomshim(&["uninstall", "podman"])?;
    ensure!(code == Some(1) && said.contains("containers need the name: new"), "{code:?} {said}");
    host.start("after", &[])?;
    ensure!(runtime("after")? == "crun" && host.init_score("after")? == 0);
    host.say(&["exec", "new", "true"])?;
    host.say(&["restart", "-t", "0", "new"])?;
    // It can be set up again from there, and taken back again.
    ensure!(
        host.oomshim(&["install", "podman"])?.0 == Some(0) && files()?.lines().count() == installed.lines().count()
    );
    ensure!(host.oomshim(&["uninstall", "podman"])?.0 == Some(1));
    host.say(&["rm", "-f", "-t", "0", "new"])?;
    let (code, said) = host.oomshim(&["uninstall", "podman"])?;
    ensure!(code == Some(0), "{code:?} {said}");
    let (now, was) = (without_times(&files()?), without_times(&original));
    ensure!(now == was, "after uninstall:\n{now}\nand before:\n{was}");
    ensure!(!host.directory.join("bin/oomshim-crun").is_symlink(), "the link is left");
    host.say(&["rm", "-f", "-t", "0", "before", "after"]).map(drop)
}

/// The listing without the directories' times, which any change of a name in them moves.
fn without_times(listing: &str) -> String {
    let is_directory = |line: &&str| line.starts_with('d');
    listing.lines().filter(|line| !is_directory(line)).collect::<Vec<_>>().join("\n")
}

/// The effect of `runtime_supports_nocgroup`: without it podman refuses.
fn without_cgroups(host: &Host) -> Result<()> {
    let bin = host.directory.join("bin");
    host.command(&["ln", "-s", "oomshim-runc", &bin.join("oomshim-crun").display().to_string()])?.stdout()?;
    let shipped = Suite::snippet("podman/containers.conf")?;
    let shipped = shipped.replace("/usr/local/bin/oomshim-crun", &bin.join("oomshim-crun").display().to_string());
    let call = ["run", "--rm", "--cgroups=disabled", "--network", "none", IMAGE, "sh", "-c", SAY_SCORE];
    host.write(&format!("{DROP_INS}/oomshim.conf"), &shipped)?;
    let score = host.podman(&call)?.score()?;
    ensure!(score == 500, "{score}");
    let without = shipped.replace("\nruntime_supports_nocgroup =", "\nruntime_supports_nocgroups =");
    ensure!(without != shipped, "the shipped file does not set runtime_supports_nocgroup");
    host.write(&format!("{DROP_INS}/oomshim.conf"), &without)?;
    let refused = host.podman(&call)?.refused()?;
    ensure!(refused.contains("NoCgroups"), "{refused}");
    Ok(())
}

fn hooks_dir(host: &Host) -> Result<()> {
    let directory = host.directory.join("hooks.d").display().to_string();
    let hook = Suite::snippet("hooks.d/oomshim.json")?;
    host.write(&format!("{directory}/oomshim.json"), &hook)?;
    let scores = |options: &[&str]| -> Result<(i32, i32)> {
        let call = [options, &["run", "-d", "--network", "none", "--name", "hooked", IMAGE, "sleep", "600"]].concat();
        host.podman(&call)?.stdout()?;
        let first = host.init_score("hooked")?;
        host.say(&["restart", "-t", "0", "hooked"])?;
        let second = host.init_score("hooked")?;
        host.say(&["rm", "-f", "-t", "0", "hooked"])?;
        Ok((first, second))
    };
    let by_option = scores(&["--hooks-dir", &directory])?;
    ensure!(by_option == (500, 0), "by --hooks-dir: {by_option:?}");
    let text = format!("[engine]\nhooks_dir = [\"{directory}\"]\n");
    host.write(&format!("{DROP_INS}/50-hooks.conf"), &text)?;
    let by_file = scores(&[])?;
    ensure!(by_file == (500, 500), "by hooks_dir: {by_file:?}");
    Ok(())
}
