//! CRI-O: its containers always have an oom_score_adj of their own, the kubelet's.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::remedy::quoted;
use super::{EngineError, Inherits, Launch, Remedy, Route, Source, Starter, option, route};
use crate::runtime::flavor::Flavor;

/// How deep directories of drop-ins may be nested.
const DEPTH: usize = 8;

/// The files that it reads, in the order in which later settings count more.
type Files = Vec<(PathBuf, Table)>;

/// The way by which CRI-O starts containers: its default runtime, or else a handler of oomshim that pods may choose.
///
/// # Errors
/// [`EngineError`] when a configuration file exists and cannot be read.
pub fn routes(launch: &Launch, shim: &Path) -> Result<Vec<Route>, EngineError> {
    let directory = named(launch, "config-dir", "d", "/etc/crio/crio.conf.d");
    let mut paths = vec![config_file(launch)];
    walk(launch, &directory, DEPTH, &mut paths);
    let mut files = Files::new();
    for path in paths {
        if let Some(table) = launch.read_toml(&path)? {
            files.push((path, table));
        }
    }
    let (name, chosen) = match find(&files, &["default_runtime"]) {
        Some((name, path)) => (name, Source::File(path)),
        None => ("crun".to_owned(), Source::Default),
    };
    let (starter, source) =
        handler(launch, &files, &name).unwrap_or_else(|| (Starter::of(launch, OsStr::new(&name)), chosen));
    let remedy = remedy(launch, &files, &name, starter.flavor(), &directory, shim);
    let inherits = Inherits::Nobody;
    if !matches!(starter, Starter::Oomshim(_)) {
        for own in handlers(&files) {
            if let Some((starter @ Starter::Oomshim(_), source)) = handler(launch, &files, own) {
                let workloads = route::of_handler(own);
                return Ok(vec![Route { workloads, starter, source, inherits, remedy }]);
            }
        }
    }
    Ok(vec![Route { workloads: "containers of Kubernetes".into(), starter, source, inherits, remedy }])
}

/// The configuration file that it reads first.
#[must_use]
pub fn config_file(launch: &Launch) -> PathBuf {
    named(launch, "config", "c", "/etc/crio/crio.conf")
}

fn named(launch: &Launch, long: &str, short: &str, default: &str) -> PathBuf {
    let given = option(&launch.args, long).or_else(|| option(&launch.args, short));
    given.map_or_else(|| PathBuf::from(default), PathBuf::from)
}

/// CRI-O reads every file below the directory, whatever it is called (`pkg/config/config.go`, `UpdateFromPath`), in the
/// order of their names, each over what was before.
fn walk(launch: &Launch, directory: &Path, depth: usize, paths: &mut Vec<PathBuf>) {
    for path in launch.files.list(directory) {
        if launch.files.is_directory(&path) {
            if depth > 0 {
                walk(launch, &path, depth - 1, paths);
            }
        } else {
            paths.push(path);
        }
    }
}

/// The last text at those keys that is not empty, and the file that says it.
fn find(files: &Files, keys: &[&str]) -> Option<(String, PathBuf)> {
    files.iter().rev().find_map(|(path, table)| {
        let start = table.get("crio")?.get("runtime")?;
        let value = keys.iter().try_fold(start, |value, key| value.get(key)).and_then(Value::as_str)?;
        Some((value.to_owned(), path.clone())).filter(|(text, _)| !text.is_empty())
    })
}

/// The names of all handlers.
fn handlers(files: &Files) -> impl Iterator<Item = &str> {
    let tables =
        files.iter().rev().filter_map(|(_, table)| table.get("crio")?.get("runtime")?.get("runtimes")?.as_table());
    tables.flat_map(|handlers| handlers.keys().map(String::as_str))
}

/// What starts the containers of a handler, and the file that says so.
fn handler(launch: &Launch, files: &Files, name: &str) -> Option<(Starter, Source)> {
    let (program, path) = find(files, &["runtimes", name, "runtime_path"])?;
    Some((Starter::of(launch, OsStr::new(&program)), Source::File(path)))
}

/// A handler of its own: in place of the runtime of one that exists, oomshim would be asked to stop containers of another.
fn remedy(launch: &Launch, files: &Files, default: &str, flavor: Flavor, directory: &Path, shim: &Path) -> Remedy {
    let (path, commands) = route::shim_of(launch, shim, flavor);
    let of_default = |key: &str| find(files, &["runtimes", default, key]).map(|(text, _)| text);
    let root = of_default("runtime_root").unwrap_or_else(|| format!("/run/{}", flavor.name()));
    let conmon = || find(files, &["conmon"]).map(|(text, _)| text);
    let found = || Some(launch.find_program(OsStr::new("conmon"))?.path.to_str()?.to_owned());
    let monitor =
        of_default("monitor_path").or_else(conmon).or_else(found).unwrap_or_else(|| "/usr/bin/conmon".to_owned());
    let quote = |text: &str| quoted(Path::new(text));
    let mut lines = vec![
        "[crio.runtime.runtimes.oomshim]".to_owned(),
        format!("runtime_path = {}", quoted(&path)),
        "runtime_type = \"oci\"".to_owned(),
        format!("runtime_root = {}", quote(&root)),
        format!("monitor_path = {}", quote(&monitor)),
    ];
    lines.extend(of_default("monitor_cgroup").map(|text| format!("monitor_cgroup = {}", quote(&text))));
    let effect = "then `systemctl reload crio`; pods that run keep their handler. Pods choose this one by a RuntimeClass with the \
                  handler `oomshim`; keep it as long as one of them lives";
    Remedy { commands, ..Remedy::set(directory.join("50-oomshim.conf"), lines, effect) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engines::launch::tests::engine;
    use crate::engines::remedy::tests::follow;

    const SHIM: &str = "/usr/bin/oomshim-runc";

    fn of(line: &str, files: &[(&str, &str)]) -> Route {
        let (_root, launch) = engine(line, files);
        routes(&launch, Path::new(SHIM)).unwrap().remove(0)
    }

    #[test]
    fn the_last_file_decides() {
        let main = (
            "/etc/crio/crio.conf",
            "[crio.runtime]\ndefault_runtime = \"runc\"\n[crio.runtime.runtimes.runc]\nruntime_path = \"/usr/bin/runc\"\n",
        );
        let drop_in =
            ("/etc/crio/crio.conf.d/90.conf", "[crio.runtime.runtimes.runc]\nruntime_path = \"/usr/bin/linked\"\n");
        assert_eq!(of("crio", &[main]).starter, Starter::Other("/usr/bin/runc".into()));
        let route = of("crio", &[main, drop_in]);
        assert_eq!(
            (route.starter.clone(), route.source),
            (Starter::Oomshim("/usr/bin/linked".into()), Source::File(drop_in.0.into()))
        );
        assert_eq!(of("crio", &[]).starter, Starter::Missing("crun".into()));
        assert_eq!(
            of("crio --config-dir /d", &[("/d/1.conf", drop_in.1), main]).source,
            Source::File("/d/1.conf".into())
        );
        let nested = "/etc/crio/crio.conf.d/a/b.bak";
        assert_eq!(of("crio", &[main, (nested, drop_in.1)]).source, Source::File(nested.into()));
    }

    #[test]
    fn the_remedy_is_a_handler_of_the_same_family() {
        let crun = (
            "/etc/crio/crio.conf.d/10-crun.conf",
            "[crio.runtime.runtimes.crun]\nruntime_path = \"/usr/bin/crun\"\nruntime_root = \"/run/c\"\nmonitor_path = \"/m\"\n",
        );
        assert_eq!(
            of("crio", &[crun]).remedy.to_string(),
            "run `ln -s oomshim-runc /usr/bin/oomshim-crun`, and set in /etc/crio/crio.conf.d/50-oomshim.conf:\n    \
             [crio.runtime.runtimes.oomshim]\n    runtime_path = \"/usr/bin/oomshim-crun\"\n    runtime_type = \"oci\"\n    \
             runtime_root = \"/run/c\"\n    monitor_path = \"/m\"\n\
             then `systemctl reload crio`; pods that run keep their handler. Pods choose this one by a RuntimeClass with the \
             handler `oomshim`; keep it as long as one of them lives"
        );
    }

    #[test]
    fn the_remedy_makes_oomshim_a_handler() {
        let main = ("/etc/crio/crio.conf", "[crio.runtime]\ndefault_runtime = \"runc\"\nconmon = \"/c\"\n");
        for files in [&[][..], &[main], &[("/etc/crio/crio.conf.d/99.conf", main.1)]] {
            let (root, launch) = engine("crio", files);
            let before = routes(&launch, Path::new(SHIM)).unwrap().remove(0);
            follow(&before.remedy, root.path(), Path::new(""));
            let after = routes(&launch, Path::new(SHIM)).unwrap().remove(0);
            assert!(after.is_oomshim() && after.workloads == "pods of the handler oomshim", "{after:?}");
        }
    }
}
