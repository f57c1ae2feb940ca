//! nvidia-container-runtime: it adds the GPU's devices to the spec and becomes a runtime from a list of its own
//! (nvidia-container-toolkit, `cmd/nvidia-container-runtime`). It is never replaced: oomshim goes behind it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::remedy::quoted;
use super::{Launch, Remedy, route};
use crate::fsutil::confined::Program;
use crate::runtime::flavor::Flavor;

/// What it is called, and what its variants are.
const NAME: &str = "nvidia-container-runtime";

/// The runtimes that it looks for by itself.
const DEFAULTS: [&str; 3] = ["docker-runc", "runc", "crun"];

/// Whether the program is it, or one of its variants (`nvidia-container-runtime.cdi`).
#[must_use]
pub fn is_nvidia(program: &Program) -> bool {
    let name = program.real_name.to_str().and_then(|name| name.strip_prefix(NAME));
    name.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The runtime that it becomes: the first of its list that exists.
#[must_use]
pub fn behind(launch: &Launch) -> Option<Program> {
    listed(launch).iter().find_map(|name| launch.find_program(OsStr::new(name)))
}

fn listed(launch: &Launch) -> Vec<String> {
    let table = launch.read_toml(&config_file(launch)).ok().flatten().unwrap_or_default();
    let list = table.get(NAME).and_then(|own| own.get("runtimes")).and_then(toml::Value::as_array);
    match list {
        Some(list) => list.iter().filter_map(toml::Value::as_str).map(str::to_owned).collect(),
        None => DEFAULTS.map(str::to_owned).to_vec(),
    }
}

fn config_file(launch: &Launch) -> PathBuf {
    let base = launch.variable("XDG_CONFIG_HOME").map_or(Path::new("/etc"), Path::new);
    base.join(NAME).join("config.toml")
}

/// oomshim before the runtimes of its list.
pub(super) fn remedy(launch: &Launch, shim: &Path) -> Remedy {
    let flavor = behind(launch).map_or(Flavor::Runc, |program| Flavor::of_runtime(&program.real_name));
    let (path, commands) = route::shim_of(launch, shim, flavor);
    let own = quoted(&path);
    let others = listed(launch).into_iter().map(|name| quoted(Path::new(&name))).filter(|name| *name != own);
    let list: Vec<String> = std::iter::once(own.clone()).chain(others).collect();
    let lines = vec![format!("[{NAME}]"), format!("runtimes = [{}]", list.join(", "))];
    let effect = "it holds from the next container on; those that run can be stopped as before. `path` under [runtime] in \
                  the policy must not name nvidia-container-runtime";
    Remedy { commands, ..Remedy::set(config_file(launch), lines, effect) }
}
