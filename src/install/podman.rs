//! What podman knows by itself: the runtime that it uses, and the containers that were made with one of oomshim's names.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use serde::Deserialize;
use thiserror::Error;

use super::ask::{AskError, ask};
use crate::engines::remedy::quoted;
use crate::engines::{Engine, EngineError, Launch};
use crate::runtime::flavor::Flavor;

/// Why podman did not answer.
#[derive(Debug, Error)]
pub enum PodmanError {
    /// It was not started, or failed.
    #[error(transparent)]
    Failed(#[from] AskError),
    /// It said something else.
    #[error("`podman {arguments}` said something else than JSON: {reason}")]
    NotUnderstood {
        /// Its arguments.
        arguments: String,
        /// What the parser says.
        reason: String,
    },
    /// Its configuration cannot be read.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// A container that was made with one of oomshim's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// The name of its runtime.
    pub runtime: String,
}

/// How long podman may take, in seconds: with many containers its store is slow.
const PATIENCE: u64 = 120;

fn podman(arguments: &[&str]) -> Result<String, PodmanError> {
    Ok(ask(Command::new("podman").args(arguments), PATIENCE)?.out)
}

/// The runtime that it uses for new containers.
///
/// # Errors
/// [`PodmanError`]
pub fn runtime() -> Result<PathBuf, PodmanError> {
    let path = podman(&["info", "--format", "{{.Host.OCIRuntime.Path}}"])?;
    Ok(PathBuf::from(path.trim()))
}

/// The containers that were made with one of oomshim's names.
///
/// # Errors
/// [`PodmanError`]
pub fn containers_of_oomshim() -> Result<Vec<Container>, PodmanError> {
    #[derive(Deserialize)]
    struct Inspected {
        #[serde(rename = "Name")]
        name: String,
        #[serde(rename = "OCIRuntime")]
        runtime: String,
    }
    let ids = podman(&["ps", "--all", "--external=false", "--quiet", "--no-trunc"])?;
    let ids: Vec<&str> = ids.split_ascii_whitespace().collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let all = podman(&[&["container", "inspect"], &ids[..]].concat())?;
    let not_understood = |error: serde_json::Error| PodmanError::NotUnderstood {
        arguments: "container inspect".to_owned(),
        reason: error.to_string(),
    };
    let all: Vec<Inspected> = serde_json::from_str(&all).map_err(not_understood)?;
    let ours = all.into_iter().filter(|it| it.runtime.starts_with("oomshim-"));
    Ok(ours.map(|it| Container { name: it.name, runtime: it.runtime }).collect())
}

/// The settings that those containers need when oomshim is not podman's runtime any more: their names, which lead to the plain
/// runtimes.
///
/// # Errors
/// [`PodmanError`]
pub fn remainder(containers: &[Container], launch: &Launch) -> Result<Vec<String>, PodmanError> {
    let names: BTreeSet<&str> = containers.iter().map(|container| container.runtime.as_str()).collect();
    let mut lines = vec!["[engine.runtimes]".to_owned()];
    for name in names {
        let flavor = Flavor::of_runtime(name.trim_start_matches("oomshim-").as_ref());
        let found = launch.find_program(flavor.name().as_ref());
        let path = found.map_or_else(|| PathBuf::from("/usr/bin").join(flavor.name()), |program| program.path);
        lines.push(format!("{name} = [{}]", quoted(&path)));
    }
    // It is not asked how podman is set up, but a file that it cannot read is no ground to write another one on.
    Engine::Podman.routes(launch, &crate::engines::shim_path())?;
    Ok(lines)
}
