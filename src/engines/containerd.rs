//! containerd, as far as its CRI plugin starts the containers of Kubernetes: those always have a score of their own,
//! the kubelet's. What other clients start (nerdctl, ctr, buildkitd's containerd worker), they name a runtime for.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{EngineError, Inherits, Launch, Route, Source, Starter, option};

/// The plugin's tables: of configuration version 3, and of version 2.
const PLUGINS: [&str; 2] = ["io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri"];

/// How deep files may import files.
const DEPTH: usize = 8;

/// The way by which the CRI plugin starts containers: its default runtime.
///
/// # Errors
/// [`EngineError`] when a configuration file is there and cannot be read.
pub fn routes(launch: &Launch, shim: &Path) -> Result<Vec<Route>, EngineError> {
    let file = config_file(launch);
    let mut files = Vec::new();
    collect(launch, &file, DEPTH, &mut files)?;
    let default = find(&files, &["default_runtime_name"]).map_or("runc", |(name, _)| name);
    let binary = find(&files, &["runtimes", default, "options", "BinaryName"]).filter(|(name, _)| !name.is_empty());
    let (program, source) = match binary {
        Some((program, path)) => (program, Source::File(path.to_owned())),
        None => ("runc", Source::Default),
    };
    let advice = format!(
        "set `BinaryName = \"{}\"` under [plugins.'{}'.containerd.runtimes.{default}.options] in {} and restart containerd",
        shim.display(),
        plugin(&files),
        file.display()
    );
    let starter = Starter::of(launch, OsStr::new(program));
    Ok(vec![Route { workloads: "containers of Kubernetes", starter, source, inherits: Inherits::Nobody, advice }])
}

/// The configuration file that it reads first.
#[must_use]
pub fn config_file(launch: &Launch) -> PathBuf {
    let named = option(&launch.args, "config").or_else(|| option(&launch.args, "c"));
    named.map_or_else(|| "/etc/containerd/config.toml".into(), PathBuf::from)
}

/// The file and what it imports, in the order in which later settings count more.
fn collect(launch: &Launch, file: &Path, depth: usize, files: &mut Vec<(PathBuf, Table)>) -> Result<(), EngineError> {
    let Some(table) = launch.read_toml(file)? else { return Ok(()) };
    let imports: Vec<PathBuf> = table
        .get("imports")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(PathBuf::from)
        .collect();
    files.push((file.to_owned(), table));
    if depth == 0 {
        return Ok(());
    }
    for import in imports {
        let import = file.parent().unwrap_or(Path::new("/")).join(import);
        for path in matching(launch, &import) {
            collect(launch, &path, depth - 1, files)?;
        }
    }
    Ok(())
}

/// The files that a path with one `*` in its last part means.
fn matching(launch: &Launch, pattern: &Path) -> Vec<PathBuf> {
    let name = pattern.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let Some((before, after)) = name.split_once('*') else { return vec![pattern.to_owned()] };
    let fits = |path: &PathBuf| {
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
    };
    launch.list(pattern.parent().unwrap_or(Path::new("/"))).into_iter().filter(fits).collect()
}

/// The last text at those keys below the plugin's `containerd`, and the file that says it.
fn find<'a>(files: &'a [(PathBuf, Table)], keys: &[&str]) -> Option<(&'a str, &'a Path)> {
    files.iter().rev().find_map(|(path, table)| {
        let plugins = table.get("plugins")?;
        PLUGINS.iter().find_map(|plugin| {
            let start = plugins.get(plugin)?.get("containerd")?;
            let value = keys.iter().try_fold(start, |value, key| value.get(key))?;
            Some((value.as_str()?, path.as_path()))
        })
    })
}

/// The plugin's name in the version that the file is written in.
fn plugin(files: &[(PathBuf, Table)]) -> &'static str {
    let version = files.first().and_then(|(_, table)| table.get("version")?.as_integer());
    if version.is_some_and(|version| version < 3) { PLUGINS[1] } else { PLUGINS[0] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engines::launch::tests::engine;

    const FILE: &str = "/etc/containerd/config.toml";

    fn of(line: &str, files: &[(&str, &str)]) -> Route {
        let (_root, launch) = engine(line, files);
        routes(&launch, Path::new("/usr/bin/oomshim-runc")).unwrap().remove(0)
    }

    #[test]
    fn the_default_runtime_of_either_version_is_found() {
        let v2 = "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".containerd]\ndefault_runtime_name = \"oom\"\n\
                  [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.oom.options]\nBinaryName = \"oomshim-runc\"\n";
        let v3 = "version = 3\n[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]\nBinaryName = \"/usr/bin/linked\"\n";
        assert!(matches!(of("containerd", &[(FILE, v2)]).starter, Starter::Oomshim(_)));
        assert!(matches!(of("containerd -c /c.toml", &[("/c.toml", v3)]).starter, Starter::Oomshim(_)));
        let stock = of("containerd", &[]);
        assert_eq!((stock.starter.clone(), stock.leaks_immunity()), (Starter::Other("/usr/bin/runc".into()), false));
        assert!(stock.advice.contains("[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]"));
        assert!(of("containerd", &[(FILE, "version = 2\n")]).advice.contains("io.containerd.grpc.v1.cri"));
    }

    #[test]
    fn imported_files_count_more() {
        let v3 = "[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]\nBinaryName = \"oomshim-runc\"\n";
        let files = [
            (FILE, "version = 3\nimports = [\"conf.d/*.toml\"]\n"),
            ("/etc/containerd/conf.d/oom.toml", v3),
            ("/etc/containerd/conf.d/other.conf", "["),
        ];
        let route = of("containerd", &files);
        assert_eq!(route.source, Source::File("/etc/containerd/conf.d/oom.toml".into()));
        // A file that imports itself ends.
        of("containerd", &[(FILE, "imports = [\"/etc/containerd/*.toml\"]\n")]);
    }
}
