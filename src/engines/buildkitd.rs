//! buildkitd: its OCI worker starts a runtime itself, its containerd worker lets containerd do it (`cmd/buildkitd`).

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::remedy::quoted;
use super::{Change, EngineError, Inherits, Launch, Remedy, Route, Source, Starter, option, route};

/// What the OCI worker looks for in PATH when nobody names a runtime (`executor/runcexecutor/executor.go`).
const DEFAULTS: [&str; 2] = ["buildkit-runc", "runc"];

const CONTAINERD_SOCKET: &str = "/run/containerd/containerd.sock";

/// It reads its file when it starts only, and its steps are its children.
const RESTART: &str = "then restart buildkitd; builds that run fail";

/// The ways by which this buildkitd starts build steps: one for each worker that is on.
///
/// # Errors
/// [`EngineError`] when buildkitd.toml is there and cannot be read.
pub fn routes(launch: &Launch, shim: &Path) -> Result<Vec<Route>, EngineError> {
    let file = config_file(launch);
    let config = launch.read_toml(&file)?.unwrap_or_default();
    let oci = oci_worker(launch, &config, &file, shim);
    Ok(oci.into_iter().chain(containerd_worker(launch, &config, &file, shim)).collect())
}

/// The configuration file that it reads.
#[must_use]
pub fn config_file(launch: &Launch) -> PathBuf {
    match option(&launch.args, "config") {
        Some(path) => PathBuf::from(path),
        None if launch.rootless => launch.user_config().join("buildkit/buildkitd.toml"),
        None => "/etc/buildkit/buildkitd.toml".into(),
    }
}

/// `worker.NAME.KEY`
fn setting<'a>(config: &'a Table, worker: &str, keys: &[&str]) -> Option<&'a Value> {
    let worker = config.get("worker")?.get(worker)?;
    keys.iter().try_fold(worker, |value, key| value.get(key))
}

/// Whether a worker is on: the option, the file, or (`None`) its own look at the machine.
fn switched(launch: &Launch, config: &Table, worker: &str) -> Option<bool> {
    let from_option = match option(&launch.args, &format!("{worker}-worker")).map(OsStr::as_encoded_bytes) {
        Some(b"auto") => return None,
        Some(word) => match word {
            b"1" | b"t" | b"T" | b"true" | b"TRUE" | b"True" => Some(true),
            b"0" | b"f" | b"F" | b"false" | b"FALSE" | b"False" => Some(false),
            _ => None,
        },
        None => None,
    };
    from_option.or_else(|| setting(config, worker, &["enabled"]).and_then(Value::as_bool))
}

fn oci_worker(launch: &Launch, config: &Table, file: &Path, shim: &Path) -> Option<Route> {
    let enabled = switched(launch, config, "oci");
    if enabled == Some(false) {
        return None;
    }
    let from_file = setting(config, "oci", &["binary"]).and_then(Value::as_str).filter(|name| !name.is_empty());
    let (starter, source) =
        if let Some(name) = option(&launch.args, "oci-worker-binary").filter(|name| !name.is_empty()) {
            (Starter::of(launch, name), Source::Option("--oci-worker-binary"))
        } else if let Some(name) = from_file {
            (Starter::of(launch, OsStr::new(name)), Source::File(file.to_owned()))
        } else {
            let found = DEFAULTS.iter().map(|name| Starter::of(launch, OsStr::new(name)));
            let found = found.into_iter().find(|starter| !matches!(starter, Starter::Missing(_)));
            // Without any runtime the worker that nobody asked for stays off.
            if found.is_none() && enabled.is_none() {
                return None;
            }
            (found.unwrap_or_else(|| Starter::Missing(DEFAULTS[1].into())), Source::Default)
        };
    let (path, commands) = route::shim_of(launch, shim, starter.flavor());
    let remedy = if let Source::Option(name) = source {
        let change = Change::Option(format!("{name}={}", path.display()));
        Remedy { commands, change, effect: RESTART.to_owned() }
    } else {
        let lines = vec!["[worker.oci]".to_owned(), format!("binary = {}", quoted(&path))];
        Remedy { commands, ..Remedy::set(file, lines, RESTART) }
    };
    Some(Route { workloads: "build steps".into(), starter, source, inherits: Inherits::Engine, remedy })
}

fn containerd_worker(launch: &Launch, config: &Table, file: &Path, shim: &Path) -> Option<Route> {
    let address = option(&launch.args, "containerd-worker-addr").and_then(OsStr::to_str);
    let address = address.or_else(|| setting(config, "containerd", &["address"]).and_then(Value::as_str));
    let socket = Path::new(address.unwrap_or(CONTAINERD_SOCKET));
    if !switched(launch, config, "containerd").unwrap_or_else(|| launch.files.exists(socket)) {
        return None;
    }
    let binary = setting(config, "containerd", &["runtime", "options", "BinaryName"]).and_then(Value::as_str);
    let source = if binary.is_some() { Source::File(file.to_owned()) } else { Source::Default };
    let starter = Starter::of(launch, OsStr::new(binary.unwrap_or("runc")));
    let (path, commands) = route::shim_of(launch, shim, starter.flavor());
    let lines = vec![
        "[worker.containerd.runtime]".to_owned(),
        "name = \"io.containerd.runc.v2\"".to_owned(),
        format!("options = {{ BinaryName = {} }}", quoted(&path)),
    ];
    let remedy = Remedy { commands, ..Remedy::set(file, lines, RESTART) };
    let workloads = "build steps of its containerd worker".into();
    Some(Route { workloads, starter, source, inherits: Inherits::Containerd, remedy })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engines::launch::tests::engine;
    use crate::engines::remedy::tests::follow;

    const SHIM: &str = "/usr/bin/oomshim-runc";
    const FILE: &str = "/etc/buildkit/buildkitd.toml";

    fn of(line: &str, files: &[(&str, &str)]) -> Vec<Route> {
        let (_root, launch) = engine(line, files);
        routes(&launch, Path::new(SHIM)).unwrap()
    }

    #[test]
    fn the_runtime_of_the_oci_worker_is_the_one_that_buildkitd_would_start() {
        let with = |text| [(FILE, text)];
        let oomshim = Starter::Oomshim(SHIM.into());
        let runc = Starter::Other("/usr/bin/runc".into());
        let file = || Source::File(FILE.into());
        let cases = [
            ("buildkitd", with(""), runc.clone(), Source::Default),
            ("buildkitd", with("[worker.oci]\nbinary = \"/usr/bin/oomshim-runc\""), oomshim.clone(), file()),
            ("buildkitd", with("[worker.oci]\nbinary = \"oomshim-runc\""), oomshim.clone(), file()),
            (
                "buildkitd",
                with("[worker.oci]\nbinary = \"linked\""),
                Starter::Oomshim("/usr/bin/linked".into()),
                file(),
            ),
            ("buildkitd", with("[worker.oci]\nbinary = \"absent\""), Starter::Missing("absent".into()), file()),
            ("buildkitd --oci-worker-binary oomshim-runc", with(""), oomshim, Source::Option("--oci-worker-binary")),
            (
                "buildkitd --oci-worker-binary=runc",
                with("[worker.oci]\nbinary = \"oomshim-runc\""),
                runc.clone(),
                Source::Option("--oci-worker-binary"),
            ),
            ("buildkitd --config /other", with("[worker.oci]\nbinary = \"oomshim-runc\""), runc, Source::Default),
        ];
        for (line, files, starter, source) in cases {
            let [route] = <[Route; 1]>::try_from(of(line, &files)).unwrap();
            assert_eq!((&route.starter, &route.source), (&starter, &source), "{line} {files:?}");
            assert_eq!(route.leaks_immunity(), !matches!(starter, Starter::Oomshim(_)), "{line} {files:?}");
        }
    }

    #[test]
    fn a_worker_that_is_off_starts_nothing() {
        let off = [(FILE, "[worker.oci]\nenabled = false\n[worker.containerd]\nenabled = false")];
        assert_eq!(of("buildkitd", &off), []);
        assert_eq!(of("buildkitd --oci-worker=false", &[]), []);
        assert_eq!(of("buildkitd --oci-worker=true", &off).len(), 1, "the option counts more than the file");
        let containerd = of("buildkitd --oci-worker=false", &[("/run/containerd/containerd.sock", "")]);
        assert_eq!(containerd.len(), 1);
        assert!(!containerd[0].leaks_immunity(), "they are children of containerd: {containerd:?}");
        let named = of(
            "buildkitd --oci-worker=false --containerd-worker=true",
            &[(FILE, "[worker.containerd.runtime]\noptions = { BinaryName = \"/usr/bin/oomshim-runc\" }")],
        );
        assert_eq!(named[0].starter, Starter::Oomshim(SHIM.into()));
    }

    #[test]
    fn the_remedy_is_for_the_file_that_buildkitd_reads() {
        let set = |file: &str, path: &str| {
            format!(
                "set in {file}:\n    [worker.oci]\n    binary = \"{path}\"\nthen restart buildkitd; builds that run fail"
            )
        };
        assert_eq!(of("buildkitd --config /etc/b.toml", &[])[0].remedy.to_string(), set("/etc/b.toml", SHIM));
        let crun = of("buildkitd", &[(FILE, "[worker.oci]\nbinary = \"/usr/bin/crun\"")]);
        let link = "run `ln -s oomshim-runc /usr/bin/oomshim-crun`, and ";
        assert_eq!(crun[0].remedy.to_string(), link.to_owned() + &set(FILE, "/usr/bin/oomshim-crun"));
        let option = &of("buildkitd --oci-worker-binary=runc", &[])[0].remedy;
        assert!(
            option.to_string().starts_with("start it with --oci-worker-binary=/usr/bin/oomshim-runc; "),
            "{option}"
        );
        let (_root, mut launch) = engine("buildkitd", &[]);
        launch.rootless = true;
        launch.environment = vec![("HOME".into(), "/home/u".into())];
        assert_eq!(config_file(&launch), Path::new("/home/u/.config/buildkit/buildkitd.toml"));
    }

    #[test]
    fn the_remedy_makes_oomshim_the_runtime() {
        let other = [(FILE, "debug = true\n[worker.oci]\nbinary = \"runc\"\n[worker.containerd]\nenabled = true\n")];
        for files in [&[][..], &[("/run/containerd/containerd.sock", "")], &other] {
            let (root, launch) = engine("buildkitd", files);
            for route in routes(&launch, Path::new(SHIM)).unwrap() {
                follow(&route.remedy, root.path(), Path::new(FILE));
            }
            let after = routes(&launch, Path::new(SHIM)).unwrap();
            assert!(!after.is_empty() && after.iter().all(Route::is_oomshim), "{after:?}");
        }
    }

    #[test]
    fn a_file_that_buildkitd_cannot_read_is_no_answer() {
        let (_root, launch) = engine("buildkitd", &[(FILE, "[worker.oci\n")]);
        assert!(matches!(routes(&launch, Path::new(SHIM)), Err(EngineError::Malformed { .. })));
    }
}
