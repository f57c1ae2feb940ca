//! containerd and its `ctr`: Debian's 1.6 and the newest 2.x. containerd shows the last error of the runtime's log.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};

use super::support::{CLAMPED, Daemon, Output, Policy, SAY_SCORE, Scenario, Shared, Suite, binary, run};

pub(crate) const NEEDS: &[&str] = &["containerd", "ctr", "containerd-shim-runc-v2", "runc", "busybox"];
pub(crate) const NEEDS_NEWEST: &[&str] =
    &["newest/containerd", "newest/ctr", "newest/containerd-shim-runc-v2", "runc", "busybox"];

/// A containerd. Which runtime is called is said for each container.
struct Engine {
    directory: PathBuf,
    ctr: PathBuf,
    runc: PathBuf,
    policy: Policy,
    _daemon: Daemon,
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
        engine.scenario("a container has the score 500, and containerd's own plus one without the shim", score),
        engine.scenario("an annotation alone makes no sandbox", sandbox),
        engine.scenario("what is refused is said to ctr's user", refused),
        engine.scenario("a mistake in the policy is said to ctr's user, and containers can still be ended", mistake),
        engine.scenario("a container lives its life: exec, ps, pause, resume, kill, rm", life),
        engine.scenario("the hook in a base spec gives the score too", hook),
    ]
}

impl Engine {
    fn start(suite: &Suite, kind: &str) -> Result<Engine> {
        let newest = !kind.is_empty();
        let directory = suite.directory(if newest { "containerd-newest" } else { "containerd" })?;
        Suite::rootfs(&directory)?;
        let policy = Policy::new(&directory)?;
        let config = directory.join("config.toml");
        let shown = directory.display();
        // Kubernetes' plugin wants a network and a registry; opt is a plugin that makes /opt/containerd.
        std::fs::write(
            &config,
            format!(
                "version = 2\nroot = \"{shown}/root\"\nstate = \"{shown}/state\"\n\
                 disabled_plugins = [\"io.containerd.grpc.v1.cri\", \"io.containerd.cri.v1.runtime\", \
                 \"io.containerd.cri.v1.images\", \"io.containerd.internal.v1.opt\", \"io.containerd.nri.v1.nri\"]\n\
                 [grpc]\naddress = \"{shown}/c.sock\"\n"
            ),
        )?;
        let ctr = suite.program(&format!("{kind}ctr"))?;
        let mut command = Command::new(suite.program(&format!("{kind}containerd"))?);
        command
            .arg("--config")
            .arg(&config)
            .env("OOMSHIM_POLICY", policy.path())
            .env("PATH", suite.search_path(newest));
        let address = directory.join("c.sock");
        let ready = || {
            let answer = run(Command::new(&ctr).arg("--address").arg(&address).arg("version"));
            answer.is_ok_and(|answer| answer.stdout().is_ok())
        };
        let daemon = Daemon::start(&mut command, &directory.join("containerd.log"), ready)?;
        Ok(Engine { runc: suite.program("runc")?, directory, ctr, policy, _daemon: daemon })
    }

    fn ctr(&self, args: &[&str]) -> Result<Output> {
        run(Command::new(&self.ctr).arg("--address").arg(self.directory.join("c.sock")).args(args))
    }

    /// `ctr run` with the shim, or with runc itself.
    fn run(&self, shim: bool, options: &[&str], id: &str, command: &[&str]) -> Result<Output> {
        let runtime = if shim { binary("oomshim-runc")? } else { self.runc.clone() };
        let (runtime, root) = (runtime.display().to_string(), self.directory.join("rootfs").display().to_string());
        let before = ["run", "--runc-binary", &runtime];
        let behind = ["--rootfs", &root, id];
        self.ctr(&[&before[..], options, &behind[..], command].concat())
    }

    fn say_score(&self, shim: bool, options: &[&str], id: &str) -> Result<Output> {
        self.run(shim, &[&["--rm"], options].concat(), id, &["/bin/sh", "-c", SAY_SCORE])
    }
}

impl Drop for Engine {
    /// Containers outlive their containerd.
    fn drop(&mut self) {
        let names = self.ctr(&["task", "ls", "-q"]).and_then(Output::stdout).unwrap_or_default();
        for name in names.split_whitespace() {
            let _ = self.ctr(&["task", "rm", "--force", name]);
        }
    }
}

/// The containerd shim gives itself one more than containerd has, which containers inherit.
const INHERITED: i32 = 1;

fn score(engine: &Engine) -> Result<()> {
    let plain = engine.say_score(false, &[], "plain")?.score()?;
    ensure!(plain == INHERITED, "with runc itself the container has {plain}");
    let score = engine.policy.right(|| engine.say_score(true, &[], "shim")?.score())?;
    ensure!(score == 500, "through the shim it has {score}");
    ensure!(engine.policy.records()?.contains("io.containerd.runtime.v2.task/default/shim"), "no record of the bundle");
    Ok(())
}

fn sandbox(engine: &Engine) -> Result<()> {
    let options = ["--annotation", "io.kubernetes.cri.container-type=sandbox"];
    let score = engine.policy.right(|| engine.say_score(true, &options, "sandbox")?.score())?;
    ensure!(score == 500, "what only calls itself a sandbox has {score}");
    Ok(())
}

fn refused(engine: &Engine) -> Result<()> {
    for (id, options) in [
        ("cgroup", ["--cgroup", "/oomshim-immune/x"]),
        ("pod", ["--annotation", "io.kubernetes.cri.container-name=buildkitd"]),
    ] {
        engine.say_score(false, &options, id)?.score()?;
        let seen = engine.policy.right(|| engine.say_score(true, &options, id)?.refused())?;
        ensure!(seen.contains(&format!("OCI runtime create failed: {CLAMPED}")), "{seen}");
        ensure!(seen.contains("the policy is strict, so the container is not started"), "{seen}");
    }
    Ok(())
}

fn mistake(engine: &Engine) -> Result<()> {
    engine.policy.right(|| engine.run(true, &["--detach"], "before", &["/bin/sleep", "600"])?.stdout())?;
    let seen = engine.policy.wrong(|| {
        let seen = engine.say_score(true, &[], "mistake")?.refused()?;
        engine.ctr(&["task", "exec", "--exec-id", "e", "before", "/bin/true"])?.stdout()?;
        engine.ctr(&["task", "rm", "--force", "before"])?.stdout()?;
        Ok(seen)
    })?;
    ensure!(seen.contains("OCI runtime create failed: oomshim: "), "{seen}");
    engine.policy.check_mistake(&seen)
}

fn life(engine: &Engine) -> Result<()> {
    for (id, shim, expected) in [("life-plain", false, INHERITED), ("life-shim", true, 500)] {
        engine.policy.right(|| {
            engine.run(shim, &["--detach"], id, &["/bin/sleep", "600"])?.stdout()?;
            let state = || engine.ctr(&["task", "ls"])?.stdout().map(|list| status(&list, id));
            ensure!(state()?.as_deref() == Some("RUNNING"));
            let score = engine.ctr(&["task", "exec", "--exec-id", "e", id, "/bin/sh", "-c", SAY_SCORE])?.score()?;
            ensure!(score == expected, "exec has {score}");
            let of_init = engine.ctr(&["task", "exec", "--exec-id", "f", id, "/bin/cat", "/proc/1/oom_score_adj"])?;
            ensure!(of_init.stdout()?.trim() == expected.to_string());
            engine.ctr(&["task", "ps", id])?.stdout()?;
            engine.ctr(&["task", "pause", id])?.stdout()?;
            ensure!(state()?.as_deref() == Some("PAUSED"));
            engine.ctr(&["task", "resume", id])?.stdout()?;
            engine.ctr(&["task", "kill", "-s", "KILL", id])?.stdout()?;
            engine.ctr(&["task", "rm", "--force", id])?.stdout()?;
            engine.ctr(&["container", "rm", id])?.stdout()?;
            ensure!(state()?.is_none(), "the task is still listed");
            Ok(())
        })?;
    }
    Ok(())
}

/// The third word of the line of `ctr task ls` that begins with the id.
fn status(list: &str, id: &str) -> Option<String> {
    let line = list.lines().find(|line| line.split_whitespace().next() == Some(id))?;
    line.split_whitespace().nth(2).map(str::to_owned)
}

/// What `base_runtime_spec` is for: a complete spec, with our hook in it as `hooks/containerd/*.toml` says.
fn hook(engine: &Engine) -> Result<()> {
    let mut spec: serde_json::Value = serde_json::from_str(&engine.ctr(&["oci", "spec"])?.stdout()?)?;
    spec["root"]["path"] = engine.directory.join("rootfs").display().to_string().into();
    spec["process"]["args"] = serde_json::json!(["/bin/sh", "-c", SAY_SCORE]);
    // The template has every container in the cgroup /default.
    spec["linux"]["cgroupsPath"] = "/default/base-spec".into();
    let write = |name: &str, spec: &serde_json::Value| -> Result<String> {
        let path = engine.directory.join(name);
        std::fs::write(&path, serde_json::to_vec(spec)?)?;
        path.to_str().map(str::to_owned).context("the path is text")
    };
    let without = write("without.json", &spec)?;
    let hook = binary("oomshim-hook")?;
    spec["hooks"]["createRuntime"] = serde_json::json!([
        {"path": hook, "args": [hook.file_name().and_then(OsStr::to_str)], "env": [engine.policy.variable()], "timeout": 10}
    ]);
    let with = write("with.json", &spec)?;
    let run = |file: &str, id: &str| engine.ctr(&["run", "--rm", "--config", file, id])?.score();
    ensure!(run(&without, "hook-without")? == INHERITED);
    let score = engine.policy.right(|| run(&with, "hook-with"))?;
    ensure!(score == 500, "with the hook it has {score}");
    Ok(())
}
