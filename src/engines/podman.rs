//! Podman: no daemon stands between it and the runtime, so a container inherits the score of whoever called podman.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{EngineError, Inherits, Launch, Route, Source, Starter, option};

/// The runtimes that it looks for by itself.
const DEFAULTS: [&str; 2] = ["crun", "runc"];

/// The way by which podman starts containers and the steps of its builds.
///
/// # Errors
/// [`EngineError`] when a containers.conf is there and cannot be read.
pub fn routes(launch: &Launch, shim: &Path) -> Result<Vec<Route>, EngineError> {
    let mut files: Vec<(PathBuf, Table)> = Vec::new();
    for path in config_files(launch) {
        if let Some(table) = launch.read_toml(&path)? {
            files.push((path, table));
        }
    }
    let engine = |key: &str| files.iter().rev().find_map(|(path, table)| Some((path, table.get("engine")?.get(key)?)));
    let (name, source) = match (option(&launch.args, "runtime"), engine("runtime")) {
        (Some(name), _) => (name.to_owned(), Source::Option("--runtime")),
        (None, Some((path, Value::String(name)))) => (OsString::from(name), Source::File(path.clone())),
        _ => (OsString::from(default(launch)), Source::Default),
    };
    // A name stands for the first of its paths that is there.
    let paths = files.iter().rev().find_map(|(path, table)| {
        let paths = table.get("engine")?.get("runtimes")?.get(name.to_str()?)?.as_array()?;
        let there = paths.iter().filter_map(Value::as_str).map(|path| Starter::of(launch, OsStr::new(path)));
        there
            .into_iter()
            .find(|starter| !matches!(starter, Starter::Missing(_)))
            .map(|starter| (starter, Source::File(path.clone())))
    });
    let (starter, source) = paths.unwrap_or_else(|| (Starter::of(launch, &name), source));
    let shown = crate::text::escape::bytes(name.as_encoded_bytes());
    let file = if launch.rootless {
        launch.user_config().join("containers/containers.conf")
    } else {
        "/etc/containers/containers.conf".into()
    };
    let advice = format!("set `{shown} = [\"{}\"]` under [engine.runtimes] in {}", shim.display(), file.display());
    Ok(vec![Route { workloads: "containers and build steps", starter, source, inherits: Inherits::Engine, advice }])
}

/// The configuration files, the later of which count more.
fn config_files(launch: &Launch) -> Vec<PathBuf> {
    if let Some(file) = launch.variable("CONTAINERS_CONF") {
        return vec![PathBuf::from(file)];
    }
    let mut directories = vec![PathBuf::from("/usr/share/containers"), PathBuf::from("/etc/containers")];
    if launch.rootless {
        directories.push(launch.user_config().join("containers"));
    }
    let mut files = Vec::new();
    for directory in directories {
        files.push(directory.join("containers.conf"));
        let drop_ins = launch.list(&directory.join("containers.conf.d"));
        files.extend(drop_ins.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "conf")));
    }
    files.extend(launch.variable("CONTAINERS_CONF_OVERRIDE").map(PathBuf::from));
    files
}

fn default(launch: &Launch) -> &'static str {
    DEFAULTS.into_iter().find(|name| launch.find_program(OsStr::new(name)).is_some()).unwrap_or(DEFAULTS[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engines::launch::tests::engine;

    fn of(line: &str, files: &[(&str, &str)]) -> Route {
        let (_root, launch) = engine(line, files);
        routes(&launch, Path::new("/usr/bin/oomshim-runc")).unwrap().remove(0)
    }

    #[test]
    fn the_runtime_is_named_by_an_option_or_by_containers_conf() {
        let etc = "/etc/containers/containers.conf";
        assert_eq!(of("podman", &[]).starter, Starter::Other("/usr/bin/runc".into()), "crun is not installed");
        let table =
            "[engine]\nruntime = \"crun\"\n[engine.runtimes]\ncrun = [\"/absent\", \"/usr/bin/oomshim-runc\"]\n";
        let route = of("podman", &[(etc, table)]);
        assert_eq!(
            (route.starter, route.source),
            (Starter::Oomshim("/usr/bin/oomshim-runc".into()), Source::File(etc.into()))
        );
        assert_eq!(of("podman --runtime linked", &[(etc, table)]).starter, Starter::Oomshim("/usr/bin/linked".into()));
        let drop_in = ("/etc/containers/containers.conf.d/a.conf", "[engine]\nruntime = \"/usr/bin/runc\"\n");
        assert_eq!(of("podman", &[(etc, table), drop_in]).starter, Starter::Other("/usr/bin/runc".into()));
    }
}
