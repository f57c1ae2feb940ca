//! What docker and podman share: their command lines, and so the scenarios that are the same words to both.

use anyhow::{Context, Result, ensure};

use super::{Output, Policy, SAY_SCORE};

pub(crate) const IMAGE: &str = "localhost/busybox";

/// An engine with docker's command line and [`IMAGE`].
pub(crate) trait DockerLike {
    /// The client's name.
    const CLIENT: &'static str;

    /// Runs the client with containers that the shim starts, or that the real runtime does.
    fn client(&self, shim: bool, args: &[&str]) -> Result<Output>;

    /// Builds an image of that name whose step says its score.
    fn build_image(&self, shim: bool, name: &str) -> Result<Output>;

    fn policy(&self) -> &Policy;

    /// Runs a container that says its score.
    fn say_score(&self, shim: bool, options: &[&str]) -> Result<Output> {
        self.client(shim, &say_score(options))
    }
}

/// The arguments that run a container which says its score.
pub(crate) fn say_score<'a>(options: &[&'a str]) -> Vec<&'a str> {
    [&["run", "--rm", "--network", "none"], options, &[IMAGE, "sh", "-c", SAY_SCORE]].concat()
}

/// For each of some options: the score that the container has with the real runtime and through the shim.
pub(crate) fn scores<E: DockerLike>(engine: &E, cases: &[(&[&str], i32, i32)]) -> Result<()> {
    for (options, plain, shim) in cases {
        let score = engine.say_score(false, options)?.score()?;
        ensure!(score == *plain, "{options:?}: with the runtime itself the container has {score}");
        let score = engine.policy().right(|| engine.say_score(true, options)?.score())?;
        ensure!(score == *shim, "{options:?}: through the shim it has {score}");
    }
    Ok(())
}

pub(crate) fn mistake<E: DockerLike>(engine: &E) -> Result<()> {
    let call = |args: &[&str]| engine.client(true, args)?.stdout();
    engine.policy().right(|| call(&["run", "-d", "--name", "before", "--network", "none", IMAGE, "sleep", "600"]))?;
    let (run, build) = engine.policy().wrong(|| {
        let run = engine.say_score(true, &[])?.refused()?;
        let build = engine.build_image(true, "mistake")?.refused()?;
        call(&["exec", "before", "true"])?;
        call(&["stop", "-t", "0", "before"])?;
        call(&["rm", "before"])?;
        Ok((run, build))
    })?;
    engine.policy().check_mistake(&run).with_context(|| format!("{} run", E::CLIENT))?;
    engine.policy().check_mistake(&build).with_context(|| format!("{} build", E::CLIENT))
}

pub(crate) fn life<E: DockerLike>(engine: &E) -> Result<()> {
    for (shim, expected) in [(false, 0), (true, 500)] {
        engine.policy().right(|| {
            let call = |args: &[&str]| engine.client(shim, args);
            let say = |args: &[&str]| call(args)?.stdout();
            let state = || say(&["inspect", "-f", "{{.State.Status}}", "life"]).map(|state| state.trim().to_owned());
            say(&["run", "-d", "--name", "life", "--network", "none", IMAGE, "sleep", "600"])?;
            let init = say(&["exec", "life", "cat", "/proc/1/oom_score_adj"])?;
            ensure!(init.trim() == expected.to_string(), "init has {init}");
            let score = call(&["exec", "life", "sh", "-c", SAY_SCORE])?.score()?;
            ensure!(score == expected, "exec has {score}");
            let failed = call(&["exec", "life", "sh", "-c", "exit 37"])?;
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
