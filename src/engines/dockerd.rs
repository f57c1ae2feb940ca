//! dockerd: its embedded `BuildKit` starts a runtime itself and asks `daemon.json` nothing; its containers are started by
//! containerd, and always with an oom_score_adj of their own (moby `daemon/internal/builder-next/executor_linux.go`,
//! `daemon/runtime_unix.go`, `daemon/oci_linux.go`).

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::remedy::quoted;
use super::{Change, EngineError, Inherits, Launch, Remedy, Route, Source, Starter, option, options, route};

/// What names the runtime of the embedded `BuildKit`; without it `runc` is looked for in PATH. dockerd 20.10 and older
/// do not know it.
const VARIABLE: &str = "DOCKER_BUILDKIT_RUNC_COMMAND";

/// The directory for a `runc` that an old dockerd finds before the real one.
const DIRECTORY: &str = "/usr/local/lib/oomshim";

/// The ways by which this dockerd starts processes: build steps, and containers.
///
/// # Errors
/// [`EngineError`] when daemon.json is there and cannot be read.
pub fn routes(launch: &Launch, shim: &Path) -> Result<Vec<Route>, EngineError> {
    let file = config_file(launch);
    let config = read(launch, &file)?;
    Ok(vec![build_steps(launch, shim), containers(launch, &config, &file, shim)])
}

/// The configuration file that it reads.
#[must_use]
pub fn config_file(launch: &Launch) -> PathBuf {
    match option(&launch.args, "config-file") {
        Some(path) => PathBuf::from(path),
        None if launch.variable("ROOTLESSKIT_STATE_DIR").is_some() => launch.user_config().join("docker/daemon.json"),
        None => "/etc/docker/daemon.json".into(),
    }
}

/// What its file says; nothing where there is none.
///
/// # Errors
/// [`EngineError`] when daemon.json is there and cannot be read.
pub fn config(launch: &Launch) -> Result<Value, EngineError> {
    read(launch, &config_file(launch))
}

fn read(launch: &Launch, path: &Path) -> Result<Value, EngineError> {
    let bytes = launch.read(path)?.unwrap_or_default();
    // dockerd takes a mark of the byte order at the beginning (moby `daemon/config/config.go`).
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    // dockerd takes an empty file for an empty object.
    if bytes.trim_ascii().is_empty() {
        return Ok(Value::Null);
    }
    let malformed =
        |error: serde_json::Error| EngineError::Malformed { path: path.to_owned(), message: error.to_string() };
    serde_json::from_slice(bytes).map_err(malformed)
}

fn build_steps(launch: &Launch, shim: &Path) -> Route {
    let knows_variable = launch.program_mentions(VARIABLE) != Some(false);
    let (starter, source) = match launch.variable(VARIABLE).filter(|_| knows_variable) {
        Some(program) => (Starter::of(launch, program), Source::Variable(VARIABLE)),
        None => (Starter::of(launch, OsStr::new("runc")), Source::Default),
    };
    let (path, mut commands) = route::shim_of(launch, shim, starter.flavor());
    let setting = if knows_variable {
        format!("{VARIABLE}={}", path.display())
    } else {
        commands.push(format!("mkdir -p {DIRECTORY} && ln -sfn {} {DIRECTORY}/runc", path.display()));
        format!("PATH={DIRECTORY}:{}", launch.safe_path())
    };
    let lines = vec!["[Service]".to_owned(), format!("Environment={setting}")];
    let mut effect =
        "then restart docker; builds that run fail, and containers stop unless `live-restore` is true".to_owned();
    if !knows_variable {
        effect.push_str(&format!(". This dockerd does not know {VARIABLE}, and takes the first runc in PATH"));
    }
    let remedy = Remedy { commands, change: Change::Unit { unit: "docker.service".to_owned(), lines }, effect };
    Route { workloads: "build steps".into(), starter, source, inherits: Inherits::Engine, remedy }
}

fn containers(launch: &Launch, config: &Value, file: &Path, shim: &Path) -> Route {
    let chosen =
        option(&launch.args, "default-runtime").map(|name| (name.to_owned(), Source::Option("--default-runtime")));
    let from_file =
        || config.get("default-runtime")?.as_str().map(|name| (OsString::from(name), Source::File(file.to_owned())));
    let (name, source) = chosen.or_else(from_file).unwrap_or_else(|| ("runc".into(), Source::Default));
    let starter = match runtime(launch, config, &name) {
        Some(program) => Starter::of(launch, &program),
        // A name that nobody defined is a runtime of containerd, or `runc` itself, which nobody can redefine.
        None => Starter::of(launch, &name),
    };
    let (path, commands) = route::shim_of(launch, shim, starter.flavor());
    let effect =
        "; containers that exist keep the runtime that they were made with: keep the name as long as one of them lives";
    let remedy = if let Source::Option(_) = source {
        // An option and the file may not both say it: dockerd would not start.
        let options = format!("--add-runtime=oomshim={} --default-runtime=oomshim", path.display());
        Remedy { commands, change: Change::Option(options), effect: format!("then restart docker{effect}") }
    } else {
        let runtime = format!("  \"runtimes\": {{ \"oomshim\": {{ \"path\": {} }} }},", quoted(&path));
        let lines = ["{", &runtime, "  \"default-runtime\": \"oomshim\"", "}"].map(str::to_owned).to_vec();
        Remedy { commands, ..Remedy::set(file, lines, format!("then `systemctl reload docker`{effect}")) }
    };
    Route { workloads: "containers".into(), starter, source, inherits: Inherits::Nobody, remedy }
}

/// The program of a named runtime. dockerd keeps names in lower case.
fn runtime(launch: &Launch, config: &Value, name: &OsStr) -> Option<OsString> {
    let from_option = options(&launch.args, "add-runtime").filter_map(|pair| {
        let at = pair.as_bytes().iter().position(|&byte| byte == b'=')?;
        let (key, path) = pair.as_bytes().split_at(at);
        key.eq_ignore_ascii_case(name.as_bytes()).then(|| OsStr::from_bytes(&path[1..]).to_owned())
    });
    from_option.last().or_else(|| {
        let runtime = config.get("runtimes")?.get(name.to_str()?)?;
        // A runtime of containerd (`runtimeType`) may still name its program.
        let path = runtime.get("path").or_else(|| runtime.get("options")?.get("BinaryName"))?;
        path.as_str().map(OsString::from)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    use crate::engines::launch::tests::engine;
    use crate::engines::remedy::tests::follow;

    const SHIM: &str = "/usr/bin/oomshim-runc";
    const FILE: &str = "/etc/docker/daemon.json";

    fn of(line: &str, environment: &[(&str, &str)], files: &[(&str, &str)]) -> [Route; 2] {
        let (_root, mut launch) = engine(line, files);
        launch.environment = environment.iter().map(|(name, value)| (name.into(), value.into())).collect();
        routes(&launch, Path::new(SHIM)).unwrap().try_into().unwrap()
    }

    #[test]
    fn build_steps_ask_the_environment_only() {
        let all = [(FILE, r#"{"runtimes":{"oomshim":{"path":"/usr/bin/oomshim-runc"}},"default-runtime":"oomshim"}"#)];
        let [steps, containers] = of("dockerd", &[], &all);
        let unit = "add with `systemctl edit docker.service`:\n    [Service]\n    Environment=DOCKER_BUILDKIT_RUNC_COMMAND=/usr/bin/oomshim-runc\n";
        assert!(steps.leaks_immunity() && steps.remedy.to_string().starts_with(unit), "{}", steps.remedy);
        assert_eq!(containers.starter, Starter::Oomshim(SHIM.into()));
        let [steps, _] = of("dockerd", &[(VARIABLE, SHIM)], &[]);
        assert_eq!(
            (&steps.starter, steps.source, steps.inherits),
            (&Starter::Oomshim(SHIM.into()), Source::Variable(VARIABLE), Inherits::Engine)
        );
        let [steps, _] = of("dockerd", &[(VARIABLE, "")], &[]);
        assert_eq!(steps.source, Source::Default);
    }

    #[test]
    fn an_old_dockerd_does_not_know_the_variable() {
        let (_root, mut launch) = engine("dockerd", &[("/usr/bin/runc", "no such name")]);
        launch.args = vec!["/usr/bin/runc".into()];
        launch.environment = vec![(VARIABLE.into(), SHIM.into()), ("PATH".into(), "/usr/bin".into())];
        let steps = build_steps(&launch, Path::new(SHIM));
        assert_eq!((&steps.starter, &steps.source), (&Starter::Other("/usr/bin/runc".into()), &Source::Default));
        assert!(steps.leaks_immunity());
        let remedy = steps.remedy.to_string();
        for part in [
            "run `mkdir -p /usr/local/lib/oomshim && ln -sfn /usr/bin/oomshim-runc /usr/local/lib/oomshim/runc`, and add",
            "\n    Environment=PATH=/usr/local/lib/oomshim:/usr/bin\n",
            "This dockerd does not know DOCKER_BUILDKIT_RUNC_COMMAND",
        ] {
            assert!(remedy.contains(part), "{remedy}");
        }
        let (_root, mut launch) = engine("dockerd", &[("/usr/bin/runc", VARIABLE)]);
        launch.args = vec!["/usr/bin/runc".into()];
        launch.environment = vec![(VARIABLE.into(), SHIM.into())];
        assert_eq!(build_steps(&launch, Path::new(SHIM)).starter, Starter::Oomshim(SHIM.into()));
    }

    #[test]
    fn containers_have_the_default_runtime_and_never_inherit() {
        let shim = Starter::Oomshim(SHIM.into());
        let cases = [
            ("dockerd", "", Starter::Other("/usr/bin/runc".into())),
            ("dockerd --add-runtime Oom=/usr/bin/oomshim-runc --default-runtime=oom", "", shim.clone()),
            ("dockerd --default-runtime oom", r#"{"runtimes":{"oom":{"path":"oomshim-runc"}}}"#, shim.clone()),
            (
                "dockerd",
                r#"{"runtimes":{"o":{"runtimeType":"io.containerd.runc.v2","options":{"BinaryName":"linked"}}},"default-runtime":"o"}"#,
                Starter::Oomshim("/usr/bin/linked".into()),
            ),
            (
                "dockerd",
                r#"{"default-runtime":"io.containerd.runsc.v1"}"#,
                Starter::Missing("io.containerd.runsc.v1".into()),
            ),
        ];
        for (line, json, starter) in cases {
            let [_, containers] = of(line, &[], &[(FILE, json)]);
            assert_eq!((containers.starter.clone(), containers.leaks_immunity()), (starter, false), "{line} {json}");
        }
    }

    #[test]
    fn the_file_is_the_one_that_dockerd_reads() {
        let (_root, mut launch) = engine("dockerd --config-file=/d.json", &[("/d.json", "{")]);
        assert_eq!(config_file(&launch), Path::new("/d.json"));
        assert!(matches!(routes(&launch, Path::new(SHIM)), Err(EngineError::Malformed { .. })));
        launch.args.truncate(1);
        launch.environment = vec![("ROOTLESSKIT_STATE_DIR".into(), "/x".into()), ("HOME".into(), "/h".into())];
        assert_eq!(config_file(&launch), Path::new("/h/.config/docker/daemon.json"));
    }
    #[test]
    fn the_remedy_makes_oomshim_the_default_runtime() {
        for json in ["", r#"{"debug":true,"runtimes":{"crun":{"path":"/usr/bin/crun"}},"default-runtime":"crun"}"#] {
            let (root, launch) = engine("dockerd", &[(FILE, json)]);
            let before = routes(&launch, Path::new(SHIM)).unwrap().remove(1);
            follow(&before.remedy, root.path(), Path::new(""));
            let after = routes(&launch, Path::new(SHIM)).unwrap().remove(1);
            let expected = if json.is_empty() { SHIM } else { "/usr/bin/oomshim-crun" };
            assert_eq!(after.starter, Starter::Oomshim(expected.into()), "{}", before.remedy);
        }
        let [_, by_option] = of("dockerd --default-runtime=runc", &[], &[]);
        let option = "start it with --add-runtime=oomshim=/usr/bin/oomshim-runc --default-runtime=oomshim; then restart docker; ";
        assert!(by_option.remedy.to_string().starts_with(option), "{}", by_option.remedy);
    }

    #[test]
    fn nvidias_runtime_is_not_replaced() {
        let json = r#"{"runtimes":{"nvidia":{"path":"/usr/bin/nvidia-container-runtime"}},"default-runtime":"nvidia"}"#;
        let (root, launch) = engine("dockerd", &[(FILE, json), ("/usr/bin/nvidia-container-runtime", "x")]);
        let program = root.path().join("usr/bin/nvidia-container-runtime");
        std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let before = crate::engines::Engine::Dockerd.routes(&launch, Path::new(SHIM)).unwrap().remove(1);
        assert_eq!(before.starter, Starter::Nvidia("/usr/bin/nvidia-container-runtime".into()));
        let begins = "set in /etc/nvidia-container-runtime/config.toml:\n    [nvidia-container-runtime]\n    \
                      runtimes = [\"/usr/bin/oomshim-runc\", \"docker-runc\", \"runc\", \"crun\"]\n";
        assert!(before.remedy.to_string().starts_with(begins), "{}", before.remedy);
        follow(&before.remedy, root.path(), Path::new(""));
        assert!(routes(&launch, Path::new(SHIM)).unwrap()[1].is_oomshim());
    }
}
