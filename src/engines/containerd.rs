//! containerd, as far as its CRI plugin starts the containers of Kubernetes: those always have a score of their own,
//! the kubelet's. What other clients start (nerdctl, ctr, buildkitd's containerd worker), they name a runtime for.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{EngineError, Inherits, Launch, Route, Source, Starter, option};

/// The plugin's name in the configuration versions 1, 2 and 3.
const PLUGINS: [&str; 3] = ["cri", "io.containerd.grpc.v1.cri", "io.containerd.cri.v1.runtime"];

/// How deep files may import files.
const DEPTH: usize = 8;

/// A file that it reads.
struct File {
    path: PathBuf,
    table: Table,
    /// The version that it is written in: its own, or that of the file that imports it.
    version: Option<i64>,
}

/// The ways by which the CRI plugin starts containers: its default runtime, or none where the plugin is off.
///
/// # Errors
/// [`EngineError`] when a configuration file is there and cannot be read, or has settings for a runtime and does not say
/// its version.
pub fn routes(launch: &Launch, shim: &Path) -> Result<Vec<Route>, EngineError> {
    let file = config_file(launch);
    let mut files = Vec::new();
    collect(launch, &file, None, DEPTH, &mut files)?;
    if files.iter().any(|file| is_off(&file.table)) {
        return Ok(Vec::new());
    }
    if let Some(file) = files.iter().find(|file| file.is_ambiguous()) {
        let message = "without a `version` line its meaning depends on containerd's release: write `version = 2` \
                       first (3 for names such as io.containerd.cri.v1.runtime)";
        return Err(EngineError::Malformed { path: file.path.clone(), message: message.to_owned() });
    }
    let default = find(&files, &["default_runtime_name"]).map_or("runc", |(name, _)| name);
    let binary = find(&files, &["runtimes", default, "options", "BinaryName"]).filter(|(name, _)| !name.is_empty());
    let (program, source) = match binary {
        Some((program, path)) => (program, Source::File(path.to_owned())),
        None => ("runc", Source::Default),
    };
    let said = files.first().and_then(|file| file.version).and_then(plugin_of);
    let (first, plugin) = if let Some(plugin) = said {
        (String::new(), plugin)
    } else {
        let version = version_to_write(launch, &files);
        (format!("write `version = {version}` at the top and "), plugin_of(version).unwrap_or(PLUGINS[1]))
    };
    let advice = format!(
        "{first}set `BinaryName = \"{}\"` under [plugins.'{plugin}'.containerd.runtimes.{default}.options] in {} and restart containerd",
        shim.display(),
        file.display()
    );
    let starter = Starter::of(launch, OsStr::new(program));
    Ok(vec![Route { workloads: "containers of Kubernetes", starter, source, inherits: Inherits::Nobody, advice }])
}

/// The CRI plugin's name in a configuration of that version.
#[must_use]
pub fn plugin_of(version: i64) -> Option<&'static str> {
    PLUGINS.get(usize::try_from(version.checked_sub(1)?).ok()?).copied()
}

/// Whether a plugin's name is the CRI plugin's in one of the versions.
#[must_use]
pub fn is_plugin(name: &str) -> bool {
    PLUGINS.contains(&name)
}

/// The version for a file that says none. A file with settings of version 1 keeps their meaning; else containerd 1.3
/// and all later ones take 2, and those that know the plugin of version 3 write that themselves.
fn version_to_write(launch: &Launch, files: &[File]) -> i64 {
    let has_old = |file: &File| file.table.get("plugins").is_some_and(|plugins| plugins.get(PLUGINS[0]).is_some());
    match () {
        () if files.iter().any(has_old) => 1,
        () if launch.program_mentions(PLUGINS[2]) == Some(true) => 3,
        () => 2,
    }
}

/// Whether the file turns the plugin off, as the one that Docker ships with containerd does.
fn is_off(table: &Table) -> bool {
    let disabled = table.get("disabled_plugins").and_then(Value::as_array).into_iter().flatten();
    disabled.filter_map(Value::as_str).any(is_plugin)
}

impl File {
    /// The settings of the plugin of that name.
    fn plugin(&self, name: &str) -> Option<&Value> {
        self.table.get("plugins")?.get(name)?.get("containerd")
    }

    /// Whether its settings hold or not depends on who reads it: containerd 1 takes a file without a version for one of
    /// version 1, and containerd 2 for one of version 3 (2.2 for both).
    fn is_ambiguous(&self) -> bool {
        self.version.is_none() && PLUGINS[1..].iter().any(|name| self.plugin(name).is_some())
    }
}

/// The configuration file that it reads first.
#[must_use]
pub fn config_file(launch: &Launch) -> PathBuf {
    let named = option(&launch.args, "config").or_else(|| option(&launch.args, "c"));
    named.map_or_else(|| "/etc/containerd/config.toml".into(), PathBuf::from)
}

/// The file and what it imports, in the order in which later settings count more.
fn collect(
    launch: &Launch,
    file: &Path,
    version: Option<i64>,
    depth: usize,
    files: &mut Vec<File>,
) -> Result<(), EngineError> {
    let Some(table) = launch.read_toml(file)? else { return Ok(()) };
    let imports: Vec<PathBuf> = table
        .get("imports")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(PathBuf::from)
        .collect();
    let version = table.get("version").and_then(Value::as_integer).or(version);
    files.push(File { path: file.to_owned(), table, version });
    if depth == 0 {
        return Ok(());
    }
    for import in imports {
        let import = file.parent().unwrap_or(Path::new("/")).join(import);
        for path in matching(launch, &import) {
            collect(launch, &path, version, depth - 1, files)?;
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

/// The last text at those keys below the plugin's `containerd`, and the file that says it. Of a file only the plugin of
/// its own version counts.
fn find<'a>(files: &'a [File], keys: &[&str]) -> Option<(&'a str, &'a Path)> {
    files.iter().rev().find_map(|file| {
        let start = file.plugin(plugin_of(file.version.unwrap_or(1))?)?;
        let value = keys.iter().try_fold(start, |value, key| value.get(key))?;
        Some((value.as_str()?, file.path.as_path()))
    })
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
        for (version, plugin) in (1..).zip(PLUGINS) {
            let advice = of("containerd", &[(FILE, &format!("version = {version}\n"))]).advice;
            assert!(advice.starts_with("set `BinaryName = "), "{advice}");
            assert!(advice.contains(&format!("[plugins.'{plugin}'.containerd.runtimes.runc.options]")), "{advice}");
        }
    }

    #[test]
    fn only_the_plugin_of_the_files_own_version_counts() {
        for (version, expected) in (1..).zip(PLUGINS) {
            for plugin in PLUGINS {
                let text = format!(
                    "version = {version}\n[plugins.'{plugin}'.containerd.runtimes.runc.options]\nBinaryName = \"oomshim-runc\"\n"
                );
                let is_shim = matches!(of("containerd", &[(FILE, &text)]).starter, Starter::Oomshim(_));
                assert_eq!(is_shim, plugin == expected, "{text}");
            }
        }
    }

    #[test]
    fn what_a_file_without_a_version_says_depends_on_the_reader() {
        let file = |plugin: &str| {
            format!("[plugins.'{plugin}'.containerd.runtimes.runc.options]\nBinaryName = \"oomshim-runc\"\n")
        };
        for plugin in &PLUGINS[1..] {
            let (_root, launch) = engine("containerd", &[(FILE, &file(plugin))]);
            let error = routes(&launch, Path::new("/usr/bin/oomshim-runc")).unwrap_err().to_string();
            assert!(error.contains(FILE) && error.contains("write `version = 2` first"), "{error}");
        }
        assert!(matches!(of("containerd", &[(FILE, &file("cri"))]).starter, Starter::Oomshim(_)));
        let advice = |files: &[(&str, &str)]| of("/usr/bin/runc", files).advice;
        let new = ("/usr/bin/runc", "knows io.containerd.cri.v1.runtime");
        for (files, version) in [
            (&[][..], 2),
            (&[(FILE, "oom_score = -999\n")], 2),
            (&[(FILE, "[plugins.cri]\n")], 1),
            (&[(FILE, ""), new], 3),
        ] {
            let (advice, plugin) = (advice(files), plugin_of(version).unwrap());
            assert!(advice.starts_with(&format!("write `version = {version}` at the top and set")), "{advice}");
            assert!(advice.contains(&format!("[plugins.'{plugin}'.")), "{advice}");
        }
    }

    #[test]
    fn a_plugin_that_is_off_starts_nothing() {
        for text in
            ["disabled_plugins = [\"cri\"]\n", "version = 2\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n"]
        {
            let (_root, launch) = engine("containerd", &[(FILE, text)]);
            assert_eq!(routes(&launch, Path::new("/usr/bin/oomshim-runc")), Ok(Vec::new()), "{text}");
        }
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
