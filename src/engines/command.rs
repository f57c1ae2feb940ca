//! A command that is to be made immune: what it starts, as far as that can be known before it runs.

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::{Engine, Launch, shim_path};
use crate::text::escape;

/// Programs that become the command behind them and change nothing that an engine reads.
const WRAPPERS: [&str; 16] = [
    "catatonit",
    "chrt",
    "docker-init",
    "dumb-init",
    "env",
    "gosu",
    "ionice",
    "nice",
    "nohup",
    "numactl",
    "prlimit",
    "rootlesskit",
    "setsid",
    "su-exec",
    "taskset",
    "tini",
];

/// Programs that start engines, or jobs that are none of theirs, when they have run for a while.
const AGENTS: [&str; 16] = [
    "Runner.Listener",
    "agent",
    "buildkite-agent",
    "concourse",
    "drone-runner-docker",
    "gitlab-runner",
    "java",
    "k0s",
    "k3s",
    "kubelet",
    "nomad",
    "rke2",
    "runner",
    "supervisord",
    "systemd",
    "woodpecker-agent",
];

const SHELLS: [&str; 7] = ["ash", "bash", "busybox", "dash", "ksh", "sh", "zsh"];

/// What there is to say before a command is made immune. Nothing, where an engine is set up as it should be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// For each way by which an engine would hand its immunity on, a warning with what to do.
    pub leaks: Vec<String>,
    /// Why it is not known what the command will start.
    pub unknown: Option<Unknown>,
}

/// Why it is not known what a command will start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unknown {
    /// It surely starts something: a script, a wrapper, an agent.
    StartsOthers(String),
    /// It is some program.
    NoEngine(String),
}

impl Unknown {
    /// In a sentence.
    #[must_use]
    pub fn reason(&self) -> &str {
        let (Unknown::StartsOthers(reason) | Unknown::NoEngine(reason)) = self;
        reason
    }
}

/// Judges a command, before it runs, by its words and the configuration of the engine that it starts.
#[must_use]
pub fn judge(command: &[OsString]) -> Judgement {
    let Some(program) = command.first() else { return Judgement::default() };
    let found = command.iter().enumerate().find_map(|(at, word)| Some((at, Engine::of_program(word)?)));
    let leaks = found.map_or_else(Vec::new, |(at, engine)| {
        let mut launch = Launch::of_command(&command[at..]);
        // `env NAME=VALUE dockerd`
        launch.environment.extend(command[..at].iter().filter_map(assignment));
        of_launch(engine, &launch)
    });
    Judgement { leaks, unknown: unknown(program, command, found.map(|(at, _)| at)) }
}

/// Why it is not known what the command will start, if it is not; `at` is the engine's place in it.
fn unknown(program: &OsStr, command: &[OsString], at: Option<usize>) -> Option<Unknown> {
    let name = base_name(program);
    let shown = escape::text(&name);
    let is_script = |program: &OsStr| SHELLS.contains(&base_name(program).as_str()) || has_script(program);
    if let Some(script) =
        [Some(program), at.map(|at| command[at].as_os_str())].into_iter().flatten().find(|it| is_script(it))
    {
        return Some(Unknown::StartsOthers(format!(
            "{} is a script, and what it starts is not known: an engine would hand this oom_score_adj on to its steps unless \
             oomshim starts them. Name the engine itself, or call `oomshim protect` in the script",
            escape::text(&base_name(script))
        )));
    }
    if AGENTS.contains(&name.as_str()) {
        return Some(Unknown::StartsOthers(format!(
            "{shown} starts engines or jobs later. Known: they inherit its oom_score_adj, and what goes through oomshim gets that of \
             its class. Not known: what does. `oomshim doctor --only inherited` tells while they run"
        )));
    }
    let reason = format!("{shown} is no engine that is known here: what it starts would inherit its oom_score_adj");
    match at {
        Some(0) => None,
        Some(_) if WRAPPERS.contains(&name.as_str()) => None,
        Some(_) => Some(Unknown::StartsOthers(reason)),
        None => Some(Unknown::NoEngine(reason)),
    }
}

/// For each way by which an engine that was started like that hands its immunity on, a warning with what to do.
#[must_use]
pub fn of_launch(engine: Engine, launch: &Launch) -> Vec<String> {
    match engine.routes(launch, &shim_path()) {
        Ok(routes) => routes.iter().filter(|route| route.leaks_immunity()).map(|route| route.warning(engine)).collect(),
        Err(error) => {
            vec![format!("cannot tell whether what {} starts would inherit its immunity: {error}", engine.name())]
        }
    }
}

fn base_name(program: &OsStr) -> String {
    Path::new(program).file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn assignment(word: &OsString) -> Option<(OsString, OsString)> {
    let at =
        word.as_bytes().iter().position(|&byte| byte == b'=').filter(|&at| at > 0 && word.as_bytes()[0] != b'-')?;
    let (name, value) = word.as_bytes().split_at(at);
    Some((OsStr::from_bytes(name).to_owned(), OsStr::from_bytes(&value[1..]).to_owned()))
}

/// Whether the program's file begins with `#!`.
fn has_script(program: &OsStr) -> bool {
    let launch = Launch::of_command(&[]);
    let begins = || {
        let found = launch.find_program(program)?;
        let mut bytes = [0; 2];
        launch.files.open_file(&found.path).ok()?.read_exact(&mut bytes).ok()?;
        Some(bytes)
    };
    begins() == Some(*b"#!")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Judgement {
        judge(&line.split(' ').map(OsString::from).collect::<Vec<_>>())
    }

    fn warnings(line: &str) -> Vec<String> {
        let judgement = of(line);
        assert_eq!(judgement.unknown, None, "{line}");
        judgement.leaks
    }

    #[test]
    fn an_engines_leaks_are_named_with_remedies() {
        let options = "--config /absent --oci-worker=true --containerd-worker=false --oci-worker-binary /bin/sh";
        for before in ["", "tini -- ", "env A=b nice -n 5 "] {
            let [warning] = <[String; 1]>::try_from(warnings(&format!("{before}/x/buildkitd {options}"))).unwrap();
            let begins = "build steps of buildkitd would inherit its immunity: /bin/sh starts them (option --oci-worker-binary); \
                          start it with --oci-worker-binary=";
            assert!(warning.starts_with(begins), "{warning}");
        }
        let [warning] = <[String; 1]>::try_from(warnings("dockerd --config-file /proc/self/mem")).unwrap();
        assert!(warning.contains("cannot tell whether what dockerd starts"), "{warning}");
        let by_env = warnings("env DOCKER_BUILDKIT_RUNC_COMMAND=/bin/sh /x/dockerd --config-file /absent");
        assert!(by_env[0].contains("/bin/sh starts them (environment variable"), "{by_env:?}");
    }

    #[test]
    fn what_cannot_be_known_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let script = directory.path().join("dockerd-entrypoint.sh");
        std::fs::write(&script, "#!/bin/sh\nexec dockerd \"$@\"\n").unwrap();
        std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let wrapped = directory.path().join("buildkitd");
        std::fs::copy(&script, &wrapped).unwrap();
        for (line, said, expected) in [
            ("sh -c exec_dockerd", "sh is a script", true),
            (script.to_str().unwrap(), "dockerd-entrypoint.sh is a script", true),
            (&format!("{} dockerd", script.display()), "is a script", true),
            (wrapped.to_str().unwrap(), "buildkitd is a script", true),
            ("/usr/bin/nomad agent", "nomad starts engines or jobs later", true),
            ("unshare -m dockerd", "unshare is no engine", true),
            ("/bin/cat", "cat is no engine", false),
        ] {
            let unknown = of(line).unknown.unwrap();
            let starts_others = matches!(unknown, Unknown::StartsOthers(_));
            assert!(unknown.reason().contains(said) && starts_others == expected, "{line}: {unknown:?}");
        }
    }
}
