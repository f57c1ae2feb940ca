//! Podman: no daemon stands between it and the runtime, so a container inherits the oom_score_adj of whoever called podman.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::remedy::quoted;
use super::{EngineError, Inherits, Launch, Remedy, Route, Source, Starter, option, route};
use crate::runtime::flavor::Flavor;

/// The runtimes that it looks for by itself.
const DEFAULTS: [&str; 2] = ["crun", "runc"];

/// The names of runtimes from which it reads errors as JSON, and those that it lets run with `--cgroups=disabled`
/// (containers.conf(5); the key is `runtime_supports_nocgroup`, whatever the manual calls it).
const SUPPORT_JSON: [&str; 6] = ["crun", "runc", "kata", "runsc", "youki", "krun"];
const SUPPORT_NO_CGROUP: [&str; 2] = ["crun", "krun"];

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
    let remedy = remedy(launch, &files, starter.flavor(), shim);
    let workloads = "containers and build steps".into();
    Ok(vec![Route { workloads, starter, source, inherits: Inherits::Engine, remedy }])
}

/// A name of a runtime that leads to oomshim by the name of another family, as older advice had it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misnamed {
    /// The runtime's name, by which podman knows containers.
    pub name: String,
    /// The path that it leads to.
    pub path: PathBuf,
    /// The file that says so.
    pub file: PathBuf,
    /// What makes containers that were made by that name stoppable again, and keeps those that were made since.
    pub remedy: Remedy,
}

/// The names in `[engine.runtimes]` by which podman would ask one runtime to stop what another one started.
///
/// # Errors
/// [`EngineError`] when a containers.conf is there and cannot be read.
pub fn misnamed(launch: &Launch, shim: &Path) -> Result<Vec<Misnamed>, EngineError> {
    let mut last: BTreeMap<String, (PathBuf, PathBuf)> = BTreeMap::new();
    for file in config_files(launch) {
        let Some(table) = launch.read_toml(&file)? else { continue };
        let runtimes = table.get("engine").and_then(|engine| engine.get("runtimes")).and_then(Value::as_table);
        for (name, paths) in runtimes.into_iter().flatten() {
            let paths = paths.as_array().into_iter().flatten().filter_map(Value::as_str);
            let mut there = paths.map(|path| Starter::of(launch, OsStr::new(path)));
            match there.find(|starter| !matches!(starter, Starter::Missing(_))) {
                Some(Starter::Oomshim(path)) => drop(last.insert(name.clone(), (path, file.clone()))),
                // A later file has put another program there.
                _ => drop(last.remove(name)),
            }
        }
    }
    // `oomshim-crun` becomes crun.
    let plain = |name: &OsStr| {
        OsStr::from_bytes(name.as_bytes().strip_prefix(b"oomshim-").unwrap_or(name.as_bytes())).to_owned()
    };
    let family = |name: &OsStr| Flavor::of_runtime(&plain(name));
    let all = last.into_iter().filter_map(|(name, (path, file))| {
        let is_known = SUPPORT_JSON.contains(&name.as_str());
        let wanted = family(OsStr::new(&name));
        if !is_known || wanted == family(path.file_name().unwrap_or_default()) {
            return None;
        }
        let (right, commands) = route::shim_of(launch, shim, wanted);
        let lines = vec!["[engine.runtimes]".to_owned(), format!("{name} = [{}]", quoted(&right))];
        let effect = "then every container of that name can be stopped: oomshim sends each to the runtime that made it";
        let remedy = Remedy { commands, ..Remedy::set(file.clone(), lines, effect) };
        Some(Misnamed { name, path, file, remedy })
    });
    Ok(all.collect())
}

/// A runtime of a name of its own. Containers keep the name of the runtime that they were made with, and what that name
/// stands for is left as it is: by `crun = [".../oomshim-runc"]` runc would be asked to stop what crun started.
fn remedy(launch: &Launch, files: &[(PathBuf, Table)], flavor: Flavor, shim: &Path) -> Remedy {
    let (path, commands) = route::shim_of(launch, shim, flavor);
    let name = format!("oomshim-{}", flavor.name());
    let mut lines = vec!["[engine]".to_owned(), format!("runtime = \"{name}\"")];
    for (key, defaults, has) in [
        ("runtime_supports_json", &SUPPORT_JSON[..], true),
        ("runtime_supports_nocgroup", &SUPPORT_NO_CGROUP[..], flavor == Flavor::Crun),
    ] {
        if has {
            lines.push(format!("{key} = [{}]", with(files, key, defaults, &name).join(", ")));
        }
    }
    lines.push("[engine.runtimes]".to_owned());
    lines.push(format!("{name} = [{}]", quoted(&path)));
    let effect = "it holds from the next container on; those that exist keep the runtime that they were made with";
    Remedy { commands, ..Remedy::set(file_to_write(launch, files), lines, effect) }
}

/// The list of that key as podman has it now, and `name`.
fn with(files: &[(PathBuf, Table)], key: &str, defaults: &[&str], name: &str) -> Vec<String> {
    let set = files.iter().rev().find_map(|(_, table)| table.get("engine")?.get(key)?.as_array());
    let mut all: Vec<String> = match set {
        Some(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        None => defaults.iter().map(|&name| name.to_owned()).collect(),
    };
    if !all.iter().any(|known| known == name) {
        all.push(name.to_owned());
    }
    all.iter().map(|name| quoted(Path::new(name))).collect()
}

/// A file of our own that podman reads behind all others, or the last one where that is no drop-in.
fn file_to_write(launch: &Launch, files: &[(PathBuf, Table)]) -> PathBuf {
    let directory = if launch.rootless { launch.user_config().join("containers") } else { "/etc/containers".into() };
    let own = directory.join("containers.conf.d/50-oomshim.conf");
    let decides =
        |(_, table): &&(PathBuf, Table)| table.get("engine").is_some_and(|engine| engine.get("runtime").is_some());
    let last = files.iter().rev().find(decides).map(|(path, _)| path.as_path());
    let order = config_files(launch);
    let place = |path: &Path| order.iter().position(|known| known == path);
    match last {
        // What is read behind ours, or is the only file that is read.
        Some(last) if last != own && is_behind(last, &own, place(last), place(&directory.join("containers.conf"))) => {
            last.to_owned()
        }
        _ => match launch.variable("CONTAINERS_CONF") {
            Some(only) => PathBuf::from(only),
            None => own,
        },
    }
}

/// Whether podman reads `other` behind `own`, which may not exist yet: a drop-in of the same directory with a later
/// name, or a file behind all directories (`CONTAINERS_CONF_OVERRIDE`).
fn is_behind(other: &Path, own: &Path, place: Option<usize>, main: Option<usize>) -> bool {
    match (other.parent() == own.parent(), place, main) {
        (true, ..) => other.file_name() > own.file_name(),
        (false, Some(place), Some(main)) => place > main,
        _ => true,
    }
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
        let drop_ins = launch.files.list(&directory.join("containers.conf.d"));
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
    use std::os::unix::fs::PermissionsExt;

    use crate::engines::launch::tests::engine;
    use crate::engines::remedy::tests::follow;

    type Pairs<'a> = &'a [(&'a str, &'a str)];

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
    #[test]
    fn the_remedy_keeps_the_family_and_the_names_that_exist() {
        let (_root, launch) = engine("podman", &[("/usr/bin/crun", "x")]);
        std::fs::set_permissions(launch.files.root().join("usr/bin/crun"), std::fs::Permissions::from_mode(0o755))
            .unwrap();
        let remedy = routes(&launch, Path::new("/usr/bin/oomshim-runc")).unwrap().remove(0).remedy;
        assert_eq!(
            remedy.to_string(),
            "run `ln -s oomshim-runc /usr/bin/oomshim-crun`, and set in /etc/containers/containers.conf.d/50-oomshim.conf:\n    \
             [engine]\n    runtime = \"oomshim-crun\"\n    \
             runtime_supports_json = [\"crun\", \"runc\", \"kata\", \"runsc\", \"youki\", \"krun\", \"oomshim-crun\"]\n    \
             runtime_supports_nocgroup = [\"crun\", \"krun\", \"oomshim-crun\"]\n    \
             [engine.runtimes]\n    oomshim-crun = [\"/usr/bin/oomshim-crun\"]\n\
             it holds from the next container on; those that exist keep the runtime that they were made with"
        );
    }

    #[test]
    fn a_name_of_another_family_is_found_and_put_right() {
        let conf = "/etc/containers/containers.conf";
        let of = |table: &str| {
            let (root, launch) = engine("podman", &[(conf, table)]);
            (misnamed(&launch, Path::new("/usr/bin/oomshim-runc")).unwrap(), root, launch)
        };
        for right in [
            "",
            "runc = [\"/usr/bin/oomshim-runc\"]",
            "crun = [\"/usr/bin/runc\"]",
            "own = [\"/usr/bin/oomshim-runc\"]",
        ] {
            assert_eq!(of(&format!("[engine.runtimes]\n{right}\n")).0, [], "{right}");
        }
        let (found, root, launch) = of("[engine.runtimes]\ncrun = [\"/absent\", \"/usr/bin/oomshim-runc\"]\n");
        let [wrong] = <[Misnamed; 1]>::try_from(found).unwrap();
        assert_eq!((wrong.name.as_str(), wrong.path.as_path()), ("crun", Path::new("/usr/bin/oomshim-runc")));
        assert_eq!(wrong.remedy.commands, ["ln -s oomshim-runc /usr/bin/oomshim-crun"]);
        follow(&wrong.remedy, root.path(), Path::new(""));
        assert_eq!(misnamed(&launch, Path::new("/usr/bin/oomshim-runc")).unwrap(), []);
    }

    #[test]
    fn the_remedy_makes_oomshim_the_runtime_wherever_it_is_set() {
        let runtime = "[engine]\nruntime = \"runc\"\n";
        let etc = "/etc/containers/containers.conf";
        let cases: [(Pairs, Pairs); 6] = [
            (&[], &[]),
            (&[(etc, runtime)], &[]),
            (&[("/usr/share/containers/containers.conf.d/99.conf", runtime)], &[]),
            (&[("/etc/containers/containers.conf.d/99.conf", runtime)], &[]),
            (&[(etc, runtime), ("/x.conf", runtime)], &[("CONTAINERS_CONF", "/x.conf")]),
            (&[(etc, runtime), ("/x.conf", runtime)], &[("CONTAINERS_CONF_OVERRIDE", "/x.conf")]),
        ];
        for (files, environment) in cases {
            let (root, mut launch) = engine("podman", files);
            launch.environment = environment.iter().map(|(name, value)| (name.into(), value.into())).collect();
            let before = routes(&launch, Path::new("/usr/bin/oomshim-runc")).unwrap().remove(0);
            assert!(!before.is_oomshim());
            follow(&before.remedy, root.path(), Path::new(""));
            let after = routes(&launch, Path::new("/usr/bin/oomshim-runc")).unwrap().remove(0);
            assert!(after.is_oomshim(), "{files:?} {environment:?}: {}", before.remedy);
        }
    }
}
