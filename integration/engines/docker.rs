//! dockerd: Debian's 20.10 and the newest one. `docker run` takes its runtime from daemon.json; the embedded `BuildKit`
//! from `DOCKER_BUILDKIT_RUNC_COMMAND`, or where dockerd does not know that (20.10), from PATH.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};

use super::support::docker_like::{self, DockerLike, IMAGE};
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

/// Two daemons: one as it comes, and one with the shipped daemon.json and the shim for builds.
struct Engine {
    directory: PathBuf,
    docker: PathBuf,
    policy: Policy,
    version: String,
    _daemons: [Daemon; 2],
}

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
        engine.scenario(
            "a mistake in the policy is said to docker's user, and containers can still be stopped",
            docker_like::mistake,
        ),
        engine.scenario("a container lives its life: exec, pause, stop, start, kill, rm", docker_like::life),
        engine.scenario("docker info and docker version show the real runtime's version", versions),
    ]
}

impl Engine {
    fn start(suite: &Suite, kind: &str) -> Result<Engine> {
        let newest = !kind.is_empty();
        let directory = suite.directory(if newest { "docker-newest" } else { "docker" })?;
        Suite::rootfs(&directory)?;
        let policy = Policy::new(&directory)?;
        let docker = suite.program("docker")?;
        let dockerd = suite.program(&format!("{kind}dockerd"))?;
        let version = run(Command::new(&dockerd).arg("--version"))?.stdout()?;
        let client = |name: &str| client(&docker, &directory.join(format!("{name}.sock")));
        let daemon = |name: &str, path: &str, config: &str| -> Result<Daemon> {
            let own = directory.join(name);
            std::fs::create_dir_all(&own)?;
            let [data, exec, pid, file] = ["data", "exec", "pid", "daemon.json"].map(|part| own.join(part));
            std::fs::write(&file, config)?;
            let mut command = Command::new(&dockerd);
            command.arg("--config-file").arg(&file).arg("--data-root").arg(data).arg("--exec-root").arg(exec);
            command.arg("--pidfile").arg(pid);
            command.args(["--host", &format!("unix://{}", directory.join(format!("{name}.sock")).display())]);
            command.args(["--bridge=none", "--iptables=false", "--ip6tables=false", "--storage-driver=vfs"]);
            command.env("PATH", path).env("HOME", &own).env("OOMSHIM_POLICY", policy.path());
            // Debian's client is older than what the newest daemon talks to unless it is told to.
            command.env("DOCKER_MIN_API_VERSION", "1.24");
            if name == "shim" {
                command.env("DOCKER_BUILDKIT_RUNC_COMMAND", binary("oomshim-runc")?);
            }
            let ready = || run(client(name).arg("version")).is_ok_and(|answer| answer.stdout().is_ok());
            let daemon = Daemon::start(&mut command, &directory.join(format!("{name}.log")), ready)?;
            run(client(name).arg("import").arg(directory.join("rootfs.tar")).arg(IMAGE))?.stdout()?;
            Ok(daemon)
        };
        let path = suite.search_path(newest);
        let shimmed = if version.contains(" 20.10.") {
            // hooks/systemd/docker.service.d/oomshim.conf says so for a dockerd that does not know the variable.
            let links = directory.join("links");
            std::fs::create_dir_all(&links)?;
            std::os::unix::fs::symlink(binary("oomshim-runc")?, links.join("runc"))?;
            format!("{}:{path}", links.display())
        } else {
            path.clone()
        };
        let daemons =
            [daemon("plain", &path, "{}")?, daemon("shim", &shimmed, &Suite::snippet("docker/daemon.json")?)?];
        Ok(Engine { docker, policy, version, directory, _daemons: daemons })
    }
}

impl DockerLike for Engine {
    const CLIENT: &'static str = "docker";

    fn client(&self, shim: bool, args: &[&str]) -> Result<Output> {
        let socket = if shim { "shim.sock" } else { "plain.sock" };
        run(client(&self.docker, &self.directory.join(socket)).args(args))
    }

    fn build_image(&self, shim: bool, name: &str) -> Result<Output> {
        let context = Suite::context(&self.directory, name, &format!("RUN {SAY_SCORE}"))?;
        let context = context.to_str().context("the path is text")?;
        self.client(shim, &["build", "--network", "none", "--no-cache", "--progress", "plain", context])
    }

    fn policy(&self) -> &Policy {
        &self.policy
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
    docker_like::scores(engine, &cases)
}

fn build(engine: &Engine) -> Result<()> {
    let plain = engine.build_image(false, "plain-build")?.score()?;
    ensure!(plain == 0, "with runc itself the step has {plain}");
    let score = engine.policy.right(|| engine.build_image(true, "shim-build")?.score())?;
    ensure!(score == 500, "{}: through the shim the step has {score}", engine.version);
    ensure!(engine.policy.records()?.contains("/buildkit/executor/"), "the record should name BuildKit's bundle");
    Ok(())
}

fn refused(engine: &Engine) -> Result<()> {
    let options = ["--cgroup-parent", "/oomshim-immune"];
    engine.say_score(false, &options)?.score()?;
    let seen = engine.policy.right(|| engine.say_score(true, &options)?.refused())?;
    ensure!(seen.contains(CLAMPED) && seen.contains("the policy is strict"), "{seen}");
    Ok(())
}

fn versions(engine: &Engine) -> Result<()> {
    let version = |shim, format| engine.client(shim, &["version", "--format", format])?.stdout();
    let components = "{{range .Server.Components}}{{.Name}} {{.Version}}\n{{end}}";
    let of_runc = |text: String| text.lines().find(|line| line.contains("runc")).map(str::to_owned);
    let plain = of_runc(version(false, components)?).context("docker version names no runc")?;
    let shim = version(true, components)?;
    ensure!(shim.contains(plain.split(' ').next_back().unwrap_or("runc")), "{plain:?} is not in {shim:?}");
    let info =
        engine.client(true, &["info", "--format", "{{.DefaultRuntime}} {{json .Runtimes}} {{json .Warnings}}"])?;
    let info = info.stdout()?;
    let path = binary("oomshim-runc")?.display().to_string();
    ensure!(info.starts_with("oomshim ") && info.contains(&path), "{info}");
    engine.client(true, &["info"])?.stdout()?;
    Ok(())
}
