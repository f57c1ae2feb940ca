//! dockerd: Debian's 20.10 and the newest one. `docker run` takes its runtime from daemon.json; the embedded `BuildKit`
//! from `DOCKER_BUILDKIT_RUNC_COMMAND`, or where dockerd does not know that (20.10), from PATH.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};

use super::support::{CLAMPED, Daemon, Output, Policy, SAY_SCORE, Scenario, Shared, Suite, binary, run};

pub(crate) const NEEDS: &[&str] =
    &["dockerd", "docker", "containerd", "containerd-shim-runc-v2", "docker-init", "runc", "busybox"];
// The newest dockerd asks for a time namespace, which Debian 12's runc does not know.
pub(crate) const NEEDS_NEWEST: &[&str] = &[
    "newest/dockerd",
    "newest/containerd",
    "newest/containerd-shim-runc-v2",
    "newest/runc",
    "docker",
    "docker-init",
    "busybox",
];

const IMAGE: &str = "localhost/busybox";

/// Two daemons: one as it comes, and one with the shipped daemon.json and the shim for builds.
struct Engine {
    folder: PathBuf,
    docker: PathBuf,
    policy: Policy,
    version: String,
    _daemons: [Daemon; 2],
}

/// Which of the daemons.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Through {
    Plain,
    Shim,
}
use Through::{Plain, Shim};

pub(crate) fn scenarios_of_debian(suite: &Arc<Suite>) -> Vec<Scenario> {
    scenarios(suite, |suite| Engine::start(suite, ""))
}

pub(crate) fn scenarios_of_newest(suite: &Arc<Suite>) -> Vec<Scenario> {
    scenarios(suite, |suite| Engine::start(suite, "newest/"))
}

fn scenarios(suite: &Arc<Suite>, start: fn(&Suite) -> Result<Engine>) -> Vec<Scenario> {
    let engine = Shared::new(suite, start);
    vec![
        engine.scenario("docker's explicit 0 becomes 500, and a higher score stays", scores),
        engine.scenario("a step of docker build has the score 500, and 0 without the shim", build),
        engine.scenario("what is refused is said to docker's user", refused),
        engine
            .scenario("a mistake in the policy is said to docker's user, and containers can still be stopped", mistake),
        engine.scenario("a container lives its life: exec, pause, stop, start, kill, rm", life),
        engine.scenario("docker info and docker version show the real runtime's version", versions),
    ]
}

impl Engine {
    fn start(suite: &Suite, kind: &str) -> Result<Engine> {
        let newest = !kind.is_empty();
        let folder = suite.folder(if newest { "docker-newest" } else { "docker" })?;
        Suite::rootfs(&folder)?;
        let policy = Policy::new(&folder)?;
        let docker = suite.program("docker")?;
        let dockerd = suite.program(&format!("{kind}dockerd"))?;
        let version = run(Command::new(&dockerd).arg("--version"))?.stdout()?;
        let client = |name: &str| client(&docker, &folder.join(format!("{name}.sock")));
        let daemon = |name: &str, path: &str, config: &str| -> Result<Daemon> {
            let own = folder.join(name);
            std::fs::create_dir_all(&own)?;
            let [data, exec, pid, file] = ["data", "exec", "pid", "daemon.json"].map(|part| own.join(part));
            std::fs::write(&file, config)?;
            let mut command = Command::new(&dockerd);
            command.arg("--config-file").arg(&file).arg("--data-root").arg(data).arg("--exec-root").arg(exec);
            command.arg("--pidfile").arg(pid);
            command.args(["--host", &format!("unix://{}", folder.join(format!("{name}.sock")).display())]);
            command.args(["--bridge=none", "--iptables=false", "--ip6tables=false", "--storage-driver=vfs"]);
            command.env("PATH", path).env("HOME", &own).env("OOMSHIM_POLICY", policy.path());
            // Debian's client is older than what the newest daemon talks to unless it is told to.
            command.env("DOCKER_MIN_API_VERSION", "1.24");
            if name == "shim" {
                command.env("DOCKER_BUILDKIT_RUNC_COMMAND", binary("oomshim-runc")?);
            }
            let ready = || run(client(name).arg("version")).is_ok_and(|answer| answer.stdout().is_ok());
            let daemon = Daemon::start(&mut command, &folder.join(format!("{name}.log")), ready)?;
            run(client(name).arg("import").arg(folder.join("rootfs.tar")).arg(IMAGE))?.stdout()?;
            Ok(daemon)
        };
        let path = suite.search_path(newest);
        let shimmed = if version.contains(" 20.10.") {
            // hooks/systemd/docker.service.d/oomshim.conf says so for a dockerd that does not know the variable.
            let links = folder.join("links");
            std::fs::create_dir_all(&links)?;
            std::os::unix::fs::symlink(binary("oomshim-runc")?, links.join("runc"))?;
            format!("{}:{path}", links.display())
        } else {
            path.clone()
        };
        let daemons =
            [daemon("plain", &path, "{}")?, daemon("shim", &shimmed, &Suite::snippet("docker/daemon.json")?)?];
        Ok(Engine { docker, policy, version, folder, _daemons: daemons })
    }

    fn docker(&self, through: Through, args: &[&str]) -> Result<Output> {
        let name = if through == Shim { "shim" } else { "plain" };
        let mut command = client(&self.docker, &self.folder.join(format!("{name}.sock")));
        run(command.args(args))
    }

    fn say_score(&self, through: Through, options: &[&str]) -> Result<Output> {
        let before = ["run", "--rm", "--network", "none"];
        self.docker(through, &[&before[..], options, &[IMAGE, "sh", "-c", SAY_SCORE]].concat())
    }

    fn build(&self, through: Through, name: &str) -> Result<Output> {
        let context = Suite::context(&self.folder, name, &format!("RUN {SAY_SCORE}"))?;
        let context = context.to_str().context("the path is text")?;
        self.docker(through, &["build", "--network", "none", "--no-cache", "--progress", "plain", context])
    }
}

fn client(docker: &std::path::Path, socket: &std::path::Path) -> Command {
    let mut command = Command::new(docker);
    command.arg("--host").arg(format!("unix://{}", socket.display())).env("DOCKER_BUILDKIT", "1");
    command.env_remove("DOCKER_CONTEXT").env("DOCKER_CONFIG", socket.with_extension("client"));
    command
}

fn scores(engine: &Engine) -> Result<()> {
    let cases: [(&[&str], i32, i32); 4] = [
        (&[], 0, 500),
        (&["--oom-score-adj", "0"], 0, 500),
        (&["--oom-score-adj", "800"], 800, 800),
        (&["--memory", "64m"], 0, 500),
    ];
    for (options, plain, shim) in cases {
        let score = engine.say_score(Plain, options)?.score()?;
        ensure!(score == plain, "{options:?}: with runc itself the container has {score}");
        let score = engine.policy.right(|| engine.say_score(Shim, options)?.score())?;
        ensure!(score == shim, "{options:?}: through the shim it has {score}");
    }
    Ok(())
}

fn build(engine: &Engine) -> Result<()> {
    let plain = engine.build(Plain, "plain-build")?.score()?;
    ensure!(plain == 0, "with runc itself the step has {plain}");
    let score = engine.policy.right(|| engine.build(Shim, "shim-build")?.score())?;
    ensure!(score == 500, "{}: through the shim the step has {score}", engine.version);
    ensure!(engine.policy.records()?.contains("/buildkit/executor/"), "the record should name BuildKit's bundle");
    Ok(())
}

fn refused(engine: &Engine) -> Result<()> {
    let options = ["--cgroup-parent", "/oomshim-immune"];
    engine.say_score(Plain, &options)?.score()?;
    let seen = engine.policy.right(|| engine.say_score(Shim, &options)?.refused())?;
    ensure!(seen.contains(CLAMPED) && seen.contains("the policy is strict"), "{seen}");
    Ok(())
}

fn mistake(engine: &Engine) -> Result<()> {
    let start = ["run", "-d", "--name", "before", "--network", "none", IMAGE, "sleep", "600"];
    engine.policy.right(|| engine.docker(Shim, &start)?.stdout())?;
    let (run, build) = engine.policy.wrong(|| {
        let run = engine.say_score(Shim, &[])?.refused()?;
        let build = engine.build(Shim, "mistake")?.refused()?;
        engine.docker(Shim, &["exec", "before", "true"])?.stdout()?;
        engine.docker(Shim, &["stop", "-t", "0", "before"])?.stdout()?;
        engine.docker(Shim, &["rm", "before"])?.stdout()?;
        Ok((run, build))
    })?;
    engine.policy.check_mistake(&run).context("docker run")?;
    engine.policy.check_mistake(&build).context("docker build")
}

fn life(engine: &Engine) -> Result<()> {
    for (through, expected) in [(Plain, 0), (Shim, 500)] {
        engine.policy.right(|| {
            let say = |args: &[&str]| engine.docker(through, args)?.stdout();
            let state = || say(&["inspect", "-f", "{{.State.Status}}", "life"]).map(|state| state.trim().to_owned());
            say(&["run", "-d", "--name", "life", "--network", "none", IMAGE, "sleep", "600"])?;
            let score = engine.docker(through, &["exec", "life", "sh", "-c", SAY_SCORE])?.score()?;
            ensure!(score == expected, "exec has {score}");
            let init = say(&["exec", "life", "cat", "/proc/1/oom_score_adj"])?;
            ensure!(init.trim() == expected.to_string(), "init has {init}");
            let failed = engine.docker(through, &["exec", "life", "sh", "-c", "exit 37"])?;
            ensure!(failed.code() == Some(37), "exec's exit code is {:?}", failed.code());
            say(&["pause", "life"])?;
            ensure!(state()? == "paused");
            say(&["unpause", "life"])?;
            say(&["stop", "-t", "0", "life"])?;
            ensure!(state()? == "exited");
            say(&["start", "life"])?;
            ensure!(state()? == "running");
            say(&["kill", "-s", "KILL", "life"])?;
            say(&["rm", "-f", "life"])?;
            Ok(())
        })?;
    }
    Ok(())
}

fn versions(engine: &Engine) -> Result<()> {
    let version = |through, format| engine.docker(through, &["version", "--format", format])?.stdout();
    let components = "{{range .Server.Components}}{{.Name}} {{.Version}}\n{{end}}";
    let of_runc = |text: String| text.lines().find(|line| line.contains("runc")).map(str::to_owned);
    let plain = of_runc(version(Plain, components)?).context("docker version names no runc")?;
    let shim = version(Shim, components)?;
    ensure!(shim.contains(plain.split(' ').next_back().unwrap_or("runc")), "{plain:?} is not in {shim:?}");
    let info =
        engine.docker(Shim, &["info", "--format", "{{.DefaultRuntime}} {{json .Runtimes}} {{json .Warnings}}"])?;
    let info = info.stdout()?;
    let path = binary("oomshim-runc")?.display().to_string();
    ensure!(info.starts_with("oomshim ") && info.contains(&path), "{info}");
    engine.docker(Shim, &["info"])?.stdout()?;
    Ok(())
}
