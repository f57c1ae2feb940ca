//! containerd, as far as its CRI plugin starts the containers of Kubernetes: those always have an oom_score_adj of their
//! own, the kubelet's. What other clients start (nerdctl, ctr, buildkitd's containerd worker), they name a runtime for.

mod destination;
mod files;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use toml::Value;

use super::remedy::quoted;
use super::{EngineError, Inherits, Launch, Remedy, Route, Source, Starter, option, route};
use crate::runtime::flavor::Flavor;
use destination::{Destination, destination};
use files::Config;
pub use files::{NEWEST, is_plugin, plugin_of};

/// The runtime that handlers have where they say nothing else.
const RUNTIME_TYPE: &str = "io.containerd.runc.v2";

/// The annotation by which a pod may ask for a class that is killed sooner.
const ANNOTATION: &str = "oomshim.class";

/// The ways by which the CRI plugin starts containers: its default runtime, or else a handler of oomshim that pods may
/// choose, or none where the plugin is off.
///
/// # Errors
/// [`EngineError`] when a configuration file exists and cannot be read, or what it means depends on containerd's release.
pub fn routes(launch: &Launch, shim: &Path) -> Result<Vec<Route>, EngineError> {
    let main = config_file(launch);
    let config = Config::read(launch, &main)?;
    if config.files.iter().any(files::File::turns_cri_off) {
        return Ok(Vec::new());
    }
    let default = config.text(&["default_runtime_name"]).map_or("runc", |(name, _)| name);
    let (starter, source) = handler(launch, &config, default);
    let remedy = remedy(launch, &config, &main, default, starter.flavor(), shim);
    let inherits = Inherits::Nobody;
    if !matches!(starter, Starter::Oomshim(_)) {
        for name in config.merged(&["runtimes"]).keys() {
            if let (starter @ Starter::Oomshim(_), source) = handler(launch, &config, name) {
                return Ok(vec![Route { workloads: route::of_handler(name), starter, source, inherits, remedy }]);
            }
        }
    }
    Ok(vec![Route { workloads: "containers of Kubernetes".into(), starter, source, inherits, remedy }])
}

/// The configuration file that it reads first.
#[must_use]
pub fn config_file(launch: &Launch) -> PathBuf {
    let named = option(&launch.args, "config").or_else(|| option(&launch.args, "c"));
    named.map_or_else(|| "/etc/containerd/config.toml".into(), PathBuf::from)
}

/// What starts the containers of a handler, and the file that says so.
fn handler(launch: &Launch, config: &Config, name: &str) -> (Starter, Source) {
    match config.text(&["runtimes", name, "options", "BinaryName"]) {
        Some((program, path)) => (Starter::of(launch, OsStr::new(program)), Source::File(path.to_owned())),
        None => (Starter::of(launch, OsStr::new("runc")), Source::Default),
    }
}

/// A handler of its own, in all else as the default one: without the same `SystemdCgroup` its pods would not start.
fn remedy(launch: &Launch, config: &Config, main: &Path, default: &str, flavor: Flavor, shim: &Path) -> Remedy {
    let (path, commands) = route::shim_of(launch, shim, flavor);
    let version = config.version().unwrap_or_else(|| config.version_to_write(launch));
    let table = format!("plugins.'{}'.containerd.runtimes.oomshim", plugin_of(version).unwrap_or_default());
    let mut settings = config.merged(&["runtimes", default]);
    settings.remove("options");
    let is_runc =
        settings.get("runtime_type").and_then(Value::as_str).is_none_or(|kind| kind.starts_with("io.containerd.runc."));
    let mut options = if is_runc { config.merged(&["runtimes", default, "options"]) } else { toml::Table::new() };
    if !is_runc || !settings.contains_key("runtime_type") {
        settings.insert("runtime_type".to_owned(), RUNTIME_TYPE.into());
    }
    for key in ["pod_annotations", "container_annotations"] {
        let list = settings.entry(key).or_insert_with(|| Value::Array(Vec::new()));
        if let Some(list) =
            list.as_array_mut().filter(|list| !list.iter().any(|known| known.as_str() == Some(ANNOTATION)))
        {
            list.push(ANNOTATION.into());
        }
    }
    options.remove("BinaryName");
    let mut lines = vec![format!("[{table}]")];
    lines.extend(settings.iter().map(|(key, value)| format!("{} = {value}", key_text(key))));
    lines.push(format!("[{table}.options]"));
    lines.push(format!("BinaryName = {}", quoted(&path)));
    lines.extend(options.iter().map(|(key, value)| format!("{} = {value}", key_text(key))));
    let Destination { change, restart } = destination(launch, config, main, lines, version);
    let effect = format!(
        "{restart}; pods that run go on, with the handler that they were made with. Pods choose this one by a RuntimeClass with \
         the handler `oomshim`; keep it as long as one of them lives"
    );
    Remedy { commands, change, effect }
}

/// A key as TOML writes it.
fn key_text(key: &str) -> String {
    let is_bare = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if is_bare { key.to_owned() } else { quoted(Path::new(key)) }
}

#[cfg(test)]
#[path = "containerd/tests.rs"]
mod tests;
