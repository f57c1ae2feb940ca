//! dockerd: its embedded `BuildKit` starts a runtime itself and asks `daemon.json` nothing; its containers are started by
//! containerd, and always with a score of their own (moby `daemon/internal/builder-next/executor_linux.go`,
//! `daemon/runtime_unix.go`, `daemon/oci_linux.go`).

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{EngineError, Inherits, Launch, Route, Source, Starter, option, options};

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

fn read(launch: &Launch, path: &Path) -> Result<Value, EngineError> {
    let bytes = launch.read(path)?.unwrap_or_default();
    // dockerd takes an empty file for an empty object.
    if bytes.trim_ascii().is_empty() {
        return Ok(Value::Null);
    }
    let malformed =
        |error: serde_json::Error| EngineError::Malformed { path: path.to_owned(), message: error.to_string() };
    serde_json::from_slice(&bytes).map_err(malformed)
}

fn build_steps(launch: &Launch, shim: &Path) -> Route {
    let knows_variable = launch.program_mentions(VARIABLE) != Some(false);
    let (starter, source) = match launch.variable(VARIABLE).filter(|_| knows_variable) {
        Some(program) => (Starter::of(launch, program), Source::Variable(VARIABLE)),
        None => (Starter::of(launch, OsStr::new("runc")), Source::Default),
    };
    let shim = shim.display();
    let (before, setting) = if knows_variable {
        (String::new(), format!("{VARIABLE}={shim}"))
    } else {
        let path = launch.variable("PATH").unwrap_or(OsStr::new(super::launch::PATH));
        let path = crate::text::escape::bytes(path.as_bytes());
        // One directory of that name is enough when the link was made and the runtime behind it is gone.
        let path = path.strip_prefix(DIRECTORY).and_then(|rest| rest.strip_prefix(':')).unwrap_or(&path);
        let link = format!("mkdir -p {DIRECTORY} && ln -sfn {shim} {DIRECTORY}/runc");
        (format!("this dockerd does not know {VARIABLE}: run `{link}`, "), format!("PATH={DIRECTORY}:{path}"))
    };
    let advice = format!(
        "{before}add `Environment={setting}` under [Service] with `systemctl edit docker.service` and restart dockerd"
    );
    Route { workloads: "build steps", starter, source, inherits: Inherits::Engine, advice }
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
    let shim = shim.display();
    let advice = format!(
        "set `\"runtimes\": {{\"oomshim\": {{\"path\": \"{shim}\"}}}}, \"default-runtime\": \"oomshim\"` in {} and restart dockerd",
        file.display()
    );
    Route { workloads: "containers", starter, source, inherits: Inherits::Nobody, advice }
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
    use crate::engines::launch::tests::engine;

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
        assert!(steps.leaks_immunity() && steps.advice.contains("DOCKER_BUILDKIT_RUNC_COMMAND=/usr/bin/oomshim-runc"));
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
        for part in [
            "this dockerd does not know DOCKER_BUILDKIT_RUNC_COMMAND: ",
            "`mkdir -p /usr/local/lib/oomshim && ln -sfn /usr/bin/oomshim-runc /usr/local/lib/oomshim/runc`, ",
            "`Environment=PATH=/usr/local/lib/oomshim:/usr/bin`",
        ] {
            assert!(steps.advice.contains(part), "{}", steps.advice);
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
}
