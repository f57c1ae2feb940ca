//! What stays of an installation while containers need it. An engine writes the runtime's name into each container, and can
//! neither start nor stop it when the name means nothing (docker, podman), or hangs in removing its pod (CRI-O).

use std::path::Path;

use crate::engines::remedy::quoted;
use crate::engines::{Engine, Route, Starter};

/// The settings with the name in them, which leads to the runtime of before. None where nothing has a name, or oomshim
/// stands behind a runtime that keeps its own.
pub(super) fn tombstone(engine: Engine, route: &Route, lines: &[String], own: &Path) -> Vec<String> {
    let Starter::Other(plain) = &route.starter else { return Vec::new() };
    match engine {
        Engine::Buildkitd => Vec::new(),
        Engine::Dockerd => vec![format!("{{\"runtimes\":{{\"oomshim\":{{\"path\":{}}}}}}}", quoted(plain))],
        Engine::Containerd | Engine::Crio => {
            lines.iter().map(|line| line.replace(&quoted(own), &quoted(plain))).collect()
        }
        Engine::Podman => {
            let name = own.with_file_name(format!("oomshim-{}", route.starter.flavor().name()));
            let name = name.file_name().unwrap_or_default().to_string_lossy().into_owned();
            vec!["[engine.runtimes]".to_owned(), format!("{name} = [{}]", quoted(plain))]
        }
    }
}
