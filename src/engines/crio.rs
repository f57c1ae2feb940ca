//! CRI-O: its containers always have a score of their own, the kubelet's.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{EngineError, Inherits, Launch, Route, Source, Starter, option};

/// The way by which CRI-O starts containers: its default runtime.
///
/// # Errors
/// [`EngineError`] when a configuration file is there and cannot be read.
pub fn routes(launch: &Launch, shim: &Path) -> Result<Vec<Route>, EngineError> {
    let named = |long, short, default: &str| {
        let given = option(&launch.args, long).or_else(|| option(&launch.args, short));
        given.map_or_else(|| PathBuf::from(default), PathBuf::from)
    };
    let file = named("config", "c", "/etc/crio/crio.conf");
    let directory = named("config-dir", "d", "/etc/crio/crio.conf.d");
    let mut files: Vec<(PathBuf, Table)> = Vec::new();
    // The drop-ins are read in the order of their names, each over what was before.
    for path in std::iter::once(file).chain(launch.list(&directory)) {
        if let Some(table) = launch.read_toml(&path)? {
            files.push((path, table));
        }
    }
    let find = |keys: &[&str]| {
        files.iter().rev().find_map(|(path, table)| {
            let start = table.get("crio")?.get("runtime")?;
            let value = keys.iter().try_fold(start, |value, key| value.get(key)).and_then(Value::as_str)?;
            Some((value.to_owned(), path.clone())).filter(|(text, _)| !text.is_empty())
        })
    };
    let (name, chosen) =
        find(&["default_runtime"]).map_or(("crun".to_owned(), None), |(name, path)| (name, Some(path)));
    let (program, source) = match find(&["runtimes", &name, "runtime_path"]) {
        Some((program, path)) => (program, Source::File(path)),
        None => (name.clone(), chosen.map_or(Source::Default, Source::File)),
    };
    let advice = format!(
        "set `runtime_path = \"{}\"` under [crio.runtime.runtimes.{name}] in {} and restart crio",
        shim.display(),
        directory.join("90-oomshim.conf").display()
    );
    let starter = Starter::of(launch, OsStr::new(&program));
    Ok(vec![Route { workloads: "containers of Kubernetes", starter, source, inherits: Inherits::Nobody, advice }])
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
    }
}
