//! `oomshim install` and `uninstall` for engines that run, with containers before, during and after: each file is as it was
//! in the end, and each container has the oom_score_adj of its time.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, ensure};

use super::support::{Daemon, Output, Policy, SAY_SCORE, Scenario, Suite, binary, run};

pub(crate) const NEEDS: &[&str] = &[
    "dockerd",
    "docker",
    "containerd",
    "ctr",
    "runc",
    "busybox",
    "newest/dockerd",
    "newest/containerd",
    "newest/ctr",
    "newest/buildkitd",
    "newest/buildctl",
    "newest/runc",
];

/// Journals are in one directory of the machine: one installation after the other.
static MACHINE: Mutex<()> = Mutex::new(());

pub(crate) fn scenarios(suite: &Arc<Suite>) -> Vec<Scenario> {
    let scenario = |name, run: fn(&Suite) -> Result<()>| {
        let suite = Arc::clone(suite);
        Scenario::new(name, move || {
            let _one = MACHINE.lock();
            run(&suite)
        })
    };
    vec![
        scenario("docker 20.10, and a container that keeps the name", |suite| docker(suite, "")),
        scenario("the newest docker, and a container that keeps the name", |suite| docker(suite, "newest/")),
        scenario("buildkitd", buildkitd),
        scenario("containerd 1.6 with its CRI plugin", |suite| containerd(suite, "")),
        scenario("the newest containerd with its CRI plugin", |suite| containerd(suite, "newest/")),
    ]
}

/// An engine that is set up: its file with bytes that no writer would make, and its daemon.
struct Bench<'a> {
    suite: &'a Suite,
    directory: PathBuf,
    policy: Policy,
    target: &'static str,
    file: PathBuf,
    original: Vec<u8>,
}

impl<'a> Bench<'a> {
    fn new(suite: &'a Suite, name: &str, target: &'static str, file: &str, text: &str) -> Result<Bench<'a>> {
        let directory = suite.directory(&format!("i-{name}"))?;
        Suite::rootfs(&directory)?;
        let file = directory.join(file);
        let original = text.replace("DIR", &directory.display().to_string()).into_bytes();
        std::fs::write(&file, &original)?;
        Ok(Bench { policy: Policy::new(&directory)?, suite, directory, target, file, original })
    }

    fn oomshim(&self, words: &[&str], daemon: &Daemon) -> Result<Output> {
        let pid = daemon.pid().to_string();
        let mut command = Command::new(binary("oomshim")?);
        command.args(words).arg(self.target).env("OOMSHIM_POLICY", self.policy.path());
        command.env("PATH", self.suite.search_path(true)).env("DOCKER_CONFIG", self.directory.join("client"));
        if words[0] == "install" {
            command.args(["--pid", &pid]);
        }
        run(&mut command)
    }

    fn expect_original(&self) -> Result<()> {
        ensure!(std::fs::read(&self.file)? == self.original, "{} is not as it was", self.file.display());
        Ok(())
    }
}

impl Drop for Bench<'_> {
    /// dockerd leaves its data mounted where containers may go on without it.
    fn drop(&mut self) {
        let _ = nix::mount::umount2(&self.directory.join("data"), nix::mount::MntFlags::MNT_DETACH);
    }
}

fn docker(suite: &Suite, kind: &str) -> Result<()> {
    let name = if kind.is_empty() { "docker" } else { "docker-newest" };
    // 20.10 does not start with a mark of the byte order.
    let mark = if kind.is_empty() { "" } else { "\u{feff}" };
    let text = format!("{mark}{{\r\n\t\"debug\": false}}");
    let bench = Bench::new(suite, name, "docker", "daemon.json", &text)?;
    let (directory, socket) = (&bench.directory, bench.directory.join("d.sock"));
    let start = || -> Result<Daemon> {
        let mut command = Command::new(suite.program(&format!("{kind}dockerd"))?);
        for (option, part) in
            [("--config-file", "daemon.json"), ("--data-root", "data"), ("--exec-root", "exec"), ("--pidfile", "pid")]
        {
            command.arg(option).arg(directory.join(part));
        }
        command.args(["--host", &format!("unix://{}", socket.display()), "--live-restore"]);
        command.args(["--bridge=none", "--iptables=false", "--ip6tables=false", "--storage-driver=vfs"]);
        command.env("PATH", suite.search_path(!kind.is_empty())).env("OOMSHIM_POLICY", bench.policy.path());
        command.env("DOCKER_MIN_API_VERSION", "1.24").env("HOME", directory);
        let ready = || client(suite, &bench, &["version"]).is_ok_and(|answer| answer.stdout().is_ok());
        Daemon::start(&mut command, &directory.join("log"), ready)
    };
    let daemon = start()?;
    let call = |words: &[&str]| client(suite, &bench, words)?.stdout();
    call(&["import", &directory.join("rootfs.tar").display().to_string(), "bb"])?;
    let score =
        |name: &str| -> Result<String> { Ok(call(&["exec", name, "cat", "/proc/1/oom_score_adj"])?.trim().to_owned()) };
    let sleep = |name: &str| call(&["run", "-d", "--name", name, "--network", "none", "bb", "sleep", "600"]).map(drop);
    sleep("before")?;
    // Without systemd the variable for builds is left to a person, and said so.
    let installed = bench.oomshim(&["install", "--only", "containers"], &daemon)?.stdout()?;
    ensure!(installed.contains("wrote ") && installed.contains("systemctl reload docker"), "{installed}");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(i32::try_from(daemon.pid())?), nix::sys::signal::Signal::SIGHUP)?;
    std::thread::sleep(std::time::Duration::from_secs(1));
    let check = bench.oomshim(&["install", "--check", "--only", "containers"], &daemon)?.stdout()?;
    ensure!(check.contains("a container of docker has oom_score_adj 500"), "{check}");
    sleep("during")?;
    ensure!(score("during")? == "500" && score("before")? == "0");

    let left = bench.oomshim(&["uninstall"], &daemon)?;
    ensure!(left.code() == Some(1) && left.printed().contains("need the name: during"), "{left:?}");
    drop(daemon);
    let daemon = start()?;
    ensure!(score("before")? == "0", "the container of before is gone");
    call(&["restart", "-t", "0", "during"])?;
    sleep("after")?;
    ensure!(score("during")? == "0" && score("after")? == "0");
    call(&["rm", "-f", "before", "during", "after"])?;
    bench.oomshim(&["uninstall"], &daemon)?.stdout()?;
    bench.expect_original()
}

fn client(suite: &Suite, bench: &Bench<'_>, words: &[&str]) -> Result<Output> {
    let mut command = Command::new(suite.program("docker")?);
    command.arg("--host").arg(format!("unix://{}", bench.directory.join("d.sock").display())).args(words);
    run(command.env_remove("DOCKER_CONTEXT").env("DOCKER_CONFIG", bench.directory.join("client")))
}

fn buildkitd(suite: &Suite) -> Result<()> {
    let text = "root = \"DIR/root\" # ours\r\n[grpc]\r\n  address = [\"unix://DIR/b.sock\"]\r\n[worker.oci]\r\n  snapshotter = \
                \"native\"\r\n  networkMode = \"host\"\r\n[worker.containerd]\r\n  enabled = false";
    let bench = Bench::new(suite, "buildkitd", "buildkitd", "buildkitd.toml", text)?;
    let directory = &bench.directory;
    let build = |name: &str| -> Result<i32> {
        let context = Suite::context(directory, name, &format!("RUN {SAY_SCORE}"))?;
        let mut command = Command::new(suite.program("newest/buildctl")?);
        command.arg("--addr").arg(format!("unix://{}", directory.join("b.sock").display()));
        command.args(["build", "--frontend", "dockerfile.v0", "--progress", "plain", "--no-cache"]);
        for local in ["context", "dockerfile"] {
            command.args(["--local", &format!("{local}={}", context.display())]);
        }
        run(&mut command)?.score()
    };
    let start = || -> Result<Daemon> {
        let mut command = Command::new(suite.program("newest/buildkitd")?);
        command.arg("--config").arg(&bench.file).env("PATH", suite.search_path(true));
        command.env("OOMSHIM_POLICY", bench.policy.path());
        let address = format!("unix://{}", directory.join("b.sock").display());
        let client = suite.program("newest/buildctl")?;
        let ready = || {
            let answer = run(Command::new(&client).args(["--addr", &address, "debug", "workers"]));
            answer.is_ok_and(|answer| answer.stdout().is_ok())
        };
        Daemon::start(&mut command, &directory.join("log"), ready)
    };
    let daemon = start()?;
    ensure!(build("before")? == 0);
    bench.oomshim(&["install"], &daemon)?.stdout()?;
    // It was not restarted, and so it does not work: that is what --check is for.
    let check = bench.oomshim(&["install", "--check"], &daemon)?;
    ensure!(check.code() == Some(1) && check.printed().contains("was it restarted since"), "{check:?}");
    drop(daemon);
    let daemon = start()?;
    let check = bench.oomshim(&["install", "--check"], &daemon)?.stdout()?;
    ensure!(check.contains("a build step has oom_score_adj 500"), "{check}");
    ensure!(build("during")? == 500);
    bench.oomshim(&["uninstall"], &daemon)?.stdout()?;
    bench.expect_original()?;
    drop(daemon);
    let _daemon = start()?;
    ensure!(build("after")? == 0);
    Ok(())
}

fn containerd(suite: &Suite, kind: &str) -> Result<()> {
    let name = if kind.is_empty() { "containerd" } else { "containerd-newest" };
    // Debian's 1.6 knows version 2; the newest one reads both.
    let text = "version = 2\nroot = \"DIR/root\"\nstate = \"DIR/state\"\nimports = [\"DIR/conf.d/*.toml\"]\n\
                disabled_plugins = [\"io.containerd.internal.v1.opt\", \"io.containerd.nri.v1.nri\"]\n[grpc]\naddress = \
                \"DIR/c.sock\"\n[plugins.\"io.containerd.grpc.v1.cri\".containerd]\nsnapshotter = \"native\"\n\
                [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc]\nruntime_type = \"io.containerd.runc.v2\"\n\
                [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc.options]\nSystemdCgroup = false # kept";
    let bench = Bench::new(suite, name, "containerd", "config.toml", text)?;
    let (directory, socket) = (&bench.directory, bench.directory.join("c.sock"));
    let start = || -> Result<Daemon> {
        let mut command = Command::new(suite.program(&format!("{kind}containerd"))?);
        command.arg("--config").arg(&bench.file).env("PATH", suite.search_path(!kind.is_empty()));
        command.env("OOMSHIM_POLICY", bench.policy.path());
        let ctr = suite.program(&format!("{kind}ctr"))?;
        let ready = || {
            let answer = run(Command::new(&ctr).arg("--address").arg(&socket).arg("version"));
            answer.is_ok_and(|answer| answer.stdout().is_ok())
        };
        Daemon::start(&mut command, &directory.join("log"), ready)
    };
    let daemon = start()?;
    let dump = |words: &[&str]| -> Result<String> {
        let mut command = Command::new(suite.program(&format!("{kind}containerd"))?);
        run(command.arg("--config").arg(&bench.file).args(words))?.stdout()
    };
    let before = dump(&["config", "dump"])?;
    bench.oomshim(&["install"], &daemon)?.stdout().context("install")?;
    let during = dump(&["config", "dump"])?;
    ensure!(during.contains("runtimes.oomshim") && during.contains("runtimes.runc"), "{during}");
    drop(daemon);
    let daemon = start()?;
    let check = bench.oomshim(&["install", "--check"], &daemon)?.stdout().context("--check")?;
    ensure!(check.contains("a container of containerd has oom_score_adj 500"), "{check}");
    bench.oomshim(&["uninstall"], &daemon)?.stdout().context("uninstall")?;
    bench.expect_original()?;
    ensure!(!directory.join("conf.d").exists(), "a directory is left");
    ensure!(dump(&["config", "dump"])? == before);
    drop(daemon);
    start().map(drop)
}
