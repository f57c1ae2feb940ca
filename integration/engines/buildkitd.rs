//! buildkitd, the newest one, with its OCI worker: it calls `run`, and its users see the runtime's standard error.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail, ensure};

use super::support::{CLAMPED, Daemon, Output, Policy, SAY_SCORE, Scenario, Shared, Suite, binary, run};

pub(crate) const NEEDS: &[&str] = &["newest/buildkitd", "newest/buildctl", "runc", "busybox"];

/// Two daemons with the shipped configuration: one calls runc, the other the shim.
struct Engine {
    directory: PathBuf,
    buildctl: PathBuf,
    policy: Policy,
    plain: Server,
    shim: Server,
}

struct Server {
    daemon: Mutex<Daemon>,
    address: String,
}

pub(crate) fn scenarios(suite: &Arc<Suite>) -> Vec<Scenario> {
    let engine = Shared::new(suite, Engine::start);
    vec![
        engine.scenario("a step has the score 500, and 0 without the shim", a_step_has_the_score),
        engine.scenario("a step's exit code is the step's", exit_code),
        engine.scenario("what is refused is said to buildctl's user, and the next build works", refused),
        engine.scenario("a mistake in the policy is said to buildctl's user", mistake),
        engine.scenario("a build that is given up leaves no process", given_up),
    ]
}

impl Engine {
    fn start(suite: &Suite) -> Result<Engine> {
        let directory = suite.directory("buildkit")?;
        Suite::rootfs(&directory)?;
        let policy = Policy::new(&directory)?;
        let config = Suite::snippet("buildkit/buildkitd.toml")?;
        let shim = binary("oomshim-runc")?.display().to_string();
        let plain = config.replace(&shim, &suite.program("runc")?.display().to_string());
        ensure!(config != plain, "hooks/buildkit/buildkitd.toml names no oomshim-runc");
        let buildctl = suite.program("newest/buildctl")?;
        let server = |name: &str, config: &str| -> Result<Server> {
            let (file, root) = (directory.join(format!("{name}.toml")), directory.join(name));
            std::fs::write(&file, config)?;
            let address = format!("unix://{}", directory.join(format!("{name}.sock")).display());
            let mut command = Command::new(suite.program("newest/buildkitd")?);
            command.arg("--config").arg(&file).arg("--root").arg(root).args(["--addr", &address]);
            command.args(["--containerd-worker=false", "--oci-worker-snapshotter=native", "--oci-worker-net=host"]);
            command.env("OOMSHIM_POLICY", policy.path()).env("PATH", suite.search_path(false));
            let ready = || {
                let answer = run(Command::new(&buildctl).args(["--addr", &address, "debug", "workers"]));
                answer.is_ok_and(|answer| answer.stdout().is_ok())
            };
            let daemon = Daemon::start(&mut command, &directory.join(format!("{name}.log")), ready)?;
            Ok(Server { daemon: Mutex::new(daemon), address })
        };
        let (plain, shim) = (server("plain", &plain)?, server("shim", &config)?);
        Ok(Engine { directory, buildctl, policy, plain, shim })
    }

    /// Builds a Dockerfile with those steps.
    fn build(&self, server: &Server, name: &str, steps: &str, options: &[&str]) -> Result<Output> {
        run(&mut self.command(server, name, steps, options)?)
    }

    fn command(&self, server: &Server, name: &str, steps: &str, options: &[&str]) -> Result<Command> {
        let context = Suite::context(&self.directory, name, steps)?.display().to_string();
        let mut command = Command::new(&self.buildctl);
        command.args(["--addr", &server.address, "build", "--no-cache", "--progress", "plain"]);
        command.args(["--frontend", "dockerfile.v0"]);
        command.args(["--local", &format!("context={context}"), "--local", &format!("dockerfile={context}")]);
        command.args(options);
        Ok(command)
    }
}

fn a_step_has_the_score(engine: &Engine) -> Result<()> {
    let step = format!("RUN {SAY_SCORE}");
    let score = |server| engine.build(server, "score", &step, &[])?.score();
    ensure!(score(&engine.plain)? == 0, "runc itself should have left the score alone");
    let score = engine.policy.right(|| score(&engine.shim))?;
    ensure!(score == 500, "the step has {score}");
    ensure!(engine.policy.records()?.contains("/executor/"), "the record should name buildkitd's bundle");
    Ok(())
}

fn exit_code(engine: &Engine) -> Result<()> {
    for server in [&engine.plain, &engine.shim] {
        let seen = engine.policy.right(|| engine.build(server, "exit", "RUN exit 37", &[])?.refused())?;
        ensure!(seen.contains("exit code: 37"), "{seen}");
    }
    Ok(())
}

fn refused(engine: &Engine) -> Result<()> {
    let step = format!("RUN {SAY_SCORE}");
    let options = ["--opt", "cgroup-parent=/oomshim-immune"];
    engine.build(&engine.plain, "refused", &step, &options)?.score()?;
    let (seen, next) = engine.policy.right(|| {
        let seen = engine.build(&engine.shim, "refused", &step, &options)?.refused()?;
        Ok((seen, engine.build(&engine.shim, "next", &step, &[])?.score()?))
    })?;
    ensure!(seen.contains(CLAMPED) && seen.contains("the policy is strict"), "{seen}");
    ensure!(next == 500, "the next build's step has {next}");
    let lives = engine.shim.daemon.lock().map_err(|error| anyhow!("{error}"))?.lives();
    ensure!(lives, "buildkitd ended");
    Ok(())
}

fn mistake(engine: &Engine) -> Result<()> {
    let seen = engine.policy.wrong(|| engine.build(&engine.shim, "mistake", "RUN true", &[])?.refused())?;
    engine.policy.check_mistake(&seen)
}

/// buildctl is ended while a step runs: buildkitd then calls the runtime's `kill` and `delete` through the shim.
fn given_up(engine: &Engine) -> Result<()> {
    for (server, seconds) in [(&engine.plain, "10000001"), (&engine.shim, "10000002")] {
        let mut command = engine.command(server, seconds, &format!("RUN sleep {seconds}"), &[])?;
        let mut client = engine.policy.right(|| {
            let client = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
            wait(true, seconds).map(|()| client)
        })?;
        client.kill()?;
        client.wait()?;
        wait(false, seconds)?;
    }
    Ok(())
}

/// Waits until a process with that argument is there, or is not.
fn wait(there: bool, argument: &str) -> Result<()> {
    let began = Instant::now();
    while runs(argument)? != there {
        if began.elapsed() > Duration::from_mins(1) {
            bail!("after a minute the step `sleep {argument}` is {}there", if there { "not " } else { "still " });
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn runs(argument: &str) -> Result<bool> {
    for entry in std::fs::read_dir("/proc")? {
        // A process that has ended has no command line to read.
        let line = std::fs::read(entry?.path().join("cmdline")).unwrap_or_default();
        if line == format!("sleep\0{argument}\0").as_bytes() {
            return Ok(true);
        }
    }
    Ok(false)
}
