//! podman and conmon, with crun and with runc: run, exec, build, hooks.d. conmon hands on little of the environment,
//! and `podman kill` next to nothing.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};

use super::support::docker_like::{self, DockerLike, IMAGE};
use super::support::{CLAMPED, Output, Policy, SAY_SCORE, Scenario, Shared, Suite, binary, run};

pub(crate) const NEEDS_CRUN: &[&str] = &["podman", "conmon", "crun", "busybox"];
pub(crate) const NEEDS_RUNC: &[&str] = &["podman", "conmon", "runc", "busybox"];

/// podman with a storage of its own.
struct Engine {
    directory: PathBuf,
    podman: PathBuf,
    real: PathBuf,
    /// The name of our runtime in the shipped containers.conf.
    shim: &'static str,
    policy: Policy,
    hides_unified: bool,
}

/// By what a container is started.
#[derive(Clone, Copy)]
enum Through<'a> {
    /// The real runtime.
    Plain,
    /// Our runtime.
    Shim,
    /// The real runtime, and the hooks of that directory.
    Hooks(&'a Path),
}
use Through::{Hooks, Plain, Shim};

pub(crate) fn scenarios_with_crun(suite: &Arc<Suite>) -> Vec<Scenario> {
    let engine = Shared::new(suite, |suite| Engine::start(suite, "crun", "oomshim-crun"));
    let mut all = scenarios(&engine);
    all.push(engine.scenario("an exec has the score 500, where crun's own has podman's", exec_of_crun));
    all
}

pub(crate) fn scenarios_with_runc(suite: &Arc<Suite>) -> Vec<Scenario> {
    let engine = Shared::new(suite, |suite| Engine::start(suite, "runc", "oomshim-runc"));
    scenarios(&engine)
}

fn scenarios(engine: &Shared<Engine>) -> Vec<Scenario> {
    vec![
        engine.scenario("a container has the score 500, and 0 without the shim", scores),
        engine.scenario("a step of podman build has the score 500, and 0 without the shim", build),
        engine.scenario("what is refused is said to podman's user", refused),
        engine.scenario(
            "a mistake in the policy is said to podman's user, and containers can still be stopped",
            docker_like::mistake,
        ),
        engine.scenario("a container lives its life: exec, pause, stop, start, kill, rm", docker_like::life),
        engine.scenario("podman info shows the real runtime's version", info),
        engine.scenario("the hook at createRuntime gives the score", create_runtime),
        engine.scenario("the hook at precreate gives the score", precreate),
    ]
}

impl Engine {
    fn start(suite: &Suite, runtime: &str, shim: &'static str) -> Result<Engine> {
        let directory = suite.directory(&format!("podman-{runtime}"))?;
        let (_, tar) = Suite::rootfs(&directory)?;
        let policy = Policy::new(&directory)?;
        let links = directory.join("bin");
        std::fs::create_dir_all(&links)?;
        std::os::unix::fs::symlink(binary("oomshim-runc")?, links.join("oomshim-crun"))?;
        let conf = Suite::snippet("podman/containers.conf")?
            .replace("/usr/local/bin/oomshim-crun", &links.join("oomshim-crun").display().to_string());
        // Without CAP_SYS_RESOURCE no hard limit can be raised, and podman asks for 1048576 files unless told otherwise.
        let conf = conf.replace(
            "[engine]\n",
            &format!(
                "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n[engine]\n\
                 conmon_env_vars = [\"PATH={}\", \"{}\"]\n",
                suite.search_path(false),
                policy.variable()
            ),
        );
        std::fs::write(directory.join("containers.conf"), conf)?;
        let hides_unified = runtime == "crun" && Path::new("/sys/fs/cgroup/unified/cgroup.procs").exists();
        let podman = suite.program("podman")?;
        let engine = Engine { real: suite.program(runtime)?, directory, podman, shim, policy, hides_unified };
        engine.podman(Plain, &["import".into(), tar.into(), IMAGE.into()])?.stdout()?;
        Ok(engine)
    }

    /// crun 1.8 refuses hybrid cgroups ("drop all controllers from cgroupv2"). Hiding the unified mount, for this command
    /// alone, lets such a machine pass for one with cgroup v1.
    fn command(&self) -> Command {
        if !self.hides_unified {
            return Command::new(&self.podman);
        }
        let mut command = Command::new("unshare");
        let script = "mount -t tmpfs none /sys/fs/cgroup/unified && exec \"$@\"";
        command.args(["--mount", "sh", "-c", script, "sh"]).arg(&self.podman);
        command
    }

    fn podman(&self, through: Through<'_>, args: &[OsString]) -> Result<Output> {
        let mut command = self.command();
        command.arg("--root").arg(self.directory.join("root")).arg("--runroot").arg(self.directory.join("run"));
        command.args(["--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--events-backend=file"]);
        match through {
            Plain => command.arg("--runtime").arg(&self.real),
            Shim => command.args(["--runtime", self.shim]),
            Hooks(directory) => command.arg("--runtime").arg(&self.real).arg("--hooks-dir").arg(directory),
        };
        command.env("CONTAINERS_CONF", self.directory.join("containers.conf")).env_remove("CONTAINER_HOST");
        // For `podman build`, which calls the runtime itself; conmon does not hand it on.
        command.env("OOMSHIM_POLICY", self.policy.path()).current_dir(&self.directory);
        run(command.args(args))
    }

    fn call(&self, through: Through<'_>, args: &[&str]) -> Result<Output> {
        self.podman(through, &args.iter().map(OsString::from).collect::<Vec<_>>())
    }

    fn build(&self, through: Through<'_>, name: &str, options: &[&str]) -> Result<Output> {
        let context = Suite::context(&self.directory, name, &format!("RUN {SAY_SCORE}"))?;
        let context = context.to_str().context("the path is text")?;
        let before = ["build", "--isolation", "oci", "--network", "none", "--no-cache"];
        self.call(through, &[&before[..], options, &[context]].concat())
    }
}

impl DockerLike for Engine {
    const CLIENT: &'static str = "podman";

    fn client(&self, shim: bool, args: &[&str]) -> Result<Output> {
        self.call(if shim { Shim } else { Plain }, args)
    }

    fn build_image(&self, shim: bool, name: &str) -> Result<Output> {
        self.build(if shim { Shim } else { Plain }, name, &[])
    }

    fn policy(&self) -> &Policy {
        &self.policy
    }
}

impl Drop for Engine {
    /// What a failed scenario left.
    fn drop(&mut self) {
        if let Err(error) = self.call(Plain, &["rm", "-a", "-f", "-t", "0"]).and_then(Output::stdout) {
            eprintln!("engines: podman could not remove its containers: {error:#}");
        }
    }
}

fn scores(engine: &Engine) -> Result<()> {
    let cases: [(&[&str], i32, i32); 5] = [
        (&[], 0, 500),
        (&["--oom-score-adj", "0"], 0, 500),
        (&["--oom-score-adj", "800"], 800, 800),
        (&["--annotation", "io.kubernetes.cri.container-type=sandbox"], 0, 500),
        (&["--annotation", "io.kubernetes.cri-o.ContainerType=sandbox"], 0, 500),
    ];
    docker_like::scores(engine, &cases)?;
    ensure!(engine.policy.records()?.contains("/userdata\""), "the record should name podman's bundle");
    Ok(())
}

fn build(engine: &Engine) -> Result<()> {
    let plain = engine.build(Plain, "plain", &[])?.score()?;
    ensure!(plain == 0, "with the runtime itself the step has {plain}");
    let score = engine.policy.right(|| engine.build(Shim, "shim", &[])?.score())?;
    ensure!(score == 500, "through the shim the step has {score}");
    let seen =
        engine.policy.right(|| engine.build(Shim, "refused", &["--cgroup-parent", "/oomshim-immune"])?.refused())?;
    ensure!(seen.contains(CLAMPED) && seen.contains("the policy is strict"), "{seen}");
    Ok(())
}

fn refused(engine: &Engine) -> Result<()> {
    for options in
        [["--cgroup-parent", "/oomshim-immune"], ["--annotation", "io.kubernetes.cri.container-name=buildkitd"]]
    {
        engine.say_score(false, &options)?.score()?;
        let output = engine.policy.right(|| engine.say_score(true, &options))?;
        ensure!(output.code() == Some(126), "podman's exit code is {:?}", output.code());
        let seen = output.refused()?;
        ensure!(seen.contains(CLAMPED) && seen.contains("the policy is strict"), "{seen}");
    }
    Ok(())
}

/// crun's exec sets no score: it has the caller's, whatever the container's is.
fn exec_of_crun(engine: &Engine) -> Result<()> {
    for (through, expected) in [(Plain, 0), (Shim, 700)] {
        engine.policy.right(|| {
            let options = ["--name", "exec", "--network", "none", "--oom-score-adj", "700"];
            engine.call(through, &[&["run", "-d"], &options[..], &[IMAGE, "sleep", "600"]].concat())?.stdout()?;
            let score = engine.call(through, &["exec", "exec", "sh", "-c", SAY_SCORE])?.score()?;
            engine.call(through, &["rm", "-f", "-t", "0", "exec"])?.stdout()?;
            ensure!(score == expected, "the container has 700 and exec {score}");
            Ok(())
        })?;
    }
    Ok(())
}

fn info(engine: &Engine) -> Result<()> {
    let version = |through| engine.call(through, &["info", "--format", "{{.Host.OCIRuntime.Version}}"])?.stdout();
    let (plain, shim) = (version(Plain)?, version(Shim)?);
    ensure!(!plain.trim().is_empty() && plain == shim, "{plain:?} is not {shim:?}");
    let path = engine.call(Shim, &["info", "--format", "{{.Host.OCIRuntime.Path}}"])?.stdout()?;
    ensure!(path.contains("oomshim-"), "{path}");
    Ok(())
}

/// A directory with one of the shipped hooks.d files, whose hook is the built one and reads the suite's policy.
fn hooks_dir(engine: &Engine, name: &str) -> Result<PathBuf> {
    let directory = engine.directory.join(name);
    std::fs::create_dir_all(&directory)?;
    let mut file: serde_json::Value = serde_json::from_str(&Suite::snippet(&format!("hooks.d/{name}"))?)?;
    file["hook"]["env"] = serde_json::json!([engine.policy.variable()]);
    std::fs::write(directory.join(name), serde_json::to_vec(&file)?)?;
    Ok(directory)
}

const JOB: [&str; 2] = ["--annotation", "ci.job=7"];
const SANDBOX: [&str; 2] = ["--annotation", "io.kubernetes.cri.container-type=sandbox"];
const IMMUNE: [&str; 2] = ["--cgroup-parent", "/oomshim-immune"];

/// The score through the hook where the policy decides, and where the file's `when` and its class do.
fn scores_of_hooks(engine: &Engine, by_policy: &Path, by_class: &Path) -> Result<()> {
    let cases: [(&Path, &[&str], i32); 7] = [
        (by_policy, &[], 500),
        (by_policy, &["--oom-score-adj", "800"], 800),
        (by_policy, &SANDBOX, 500),
        (by_class, &[], 0),
        (by_class, &JOB, 500),
        // The class was named, so that no rule is asked: not even the strict one.
        (by_class, &[JOB[0], JOB[1], SANDBOX[0], SANDBOX[1]], 500),
        (by_class, &[JOB[0], JOB[1], IMMUNE[0], IMMUNE[1]], 500),
    ];
    for (directory, options, expected) in cases {
        let score = engine.policy.right(|| engine.call(Hooks(directory), &docker_like::say_score(options))?.score())?;
        ensure!(score == expected, "{options:?}: with {} it has {score}", directory.display());
    }
    Ok(())
}

fn create_runtime(engine: &Engine) -> Result<()> {
    let directory = hooks_dir(engine, "oomshim.json")?;
    scores_of_hooks(engine, &directory, &hooks_dir(engine, "oomshim-class.json")?)?;
    let seen = engine.policy.right(|| engine.call(Hooks(&directory), &docker_like::say_score(&IMMUNE))?.refused())?;
    let message = "oom_score_adj -1000 cannot be set";
    // crun throws away what a hook says, and names the hook; runc repeats it.
    let shown = if engine.shim == "oomshim-crun" { "oomshim-hook" } else { message };
    ensure!(seen.contains(shown), "{seen}");
    ensure!(engine.policy.records()?.contains(message));
    let seen = engine.policy.wrong(|| engine.call(Hooks(&directory), &docker_like::say_score(&[]))?.refused())?;
    ensure!(engine.shim == "oomshim-crun" || seen.contains("levle"), "{seen}");
    Ok(())
}

fn precreate(engine: &Engine) -> Result<()> {
    let directory = hooks_dir(engine, "oomshim-precreate.json")?;
    scores_of_hooks(engine, &directory, &hooks_dir(engine, "oomshim-precreate-class.json")?)?;
    // podman shows only which hook it was; why is in the record.
    let seen = engine.policy.right(|| engine.call(Hooks(&directory), &docker_like::say_score(&IMMUNE))?.refused())?;
    ensure!(seen.contains("oomshim-hook precreate"), "{seen}");
    ensure!(engine.policy.records()?.contains("oom_score_adj -1000 cannot be set"));
    // A spec that was edited before the runtime read it counts for later processes too.
    engine.policy.right(|| {
        let start = ["run", "-d", "--name", "precreated", "--network", "none", IMAGE, "sleep", "600"];
        engine.call(Hooks(&directory), &start)?.stdout()?;
        let shown = engine.call(Plain, &["inspect", "-f", "{{.HostConfig.OomScoreAdj}}", "precreated"])?.stdout()?;
        engine.call(Plain, &["rm", "-f", "-t", "0", "precreated"])?.stdout()?;
        ensure!(shown.trim() == "500", "podman inspect shows {shown}");
        Ok(())
    })
}
