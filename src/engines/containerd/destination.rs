//! The file to write a handler into: the one that decides, and not one that a distribution writes anew at every start.

use std::path::{Path, PathBuf};

use super::super::{Change, Launch};
use super::files::Config;

/// The first line of a template that only adds to the distribution's own (k3s, rke2).
const BASE: &str = "{{ template \"base\" . }}";

/// Where the tables go, and what makes containerd read them.
pub(super) struct Destination {
    pub change: Change,
    pub restart: &'static str,
}

/// Where tables go that are written in that version.
pub(super) fn destination(
    launch: &Launch,
    config: &Config,
    main: &Path,
    tables: Vec<String>,
    version: i64,
) -> Destination {
    let versioned = |tables: Vec<String>| [vec![format!("version = {version}")], tables].concat();
    let directory = main.parent().unwrap_or(Path::new("/"));
    let drop_in = config.files.first().and_then(|file| file.imported_directories().into_iter().next());
    if main.ends_with("agent/etc/containerd/config.toml") {
        let restart = if main.starts_with("/var/lib/rancher/rke2") {
            "then restart rke2-server or rke2-agent"
        } else {
            "then restart k3s or k3s-agent"
        };
        let change = match drop_in.filter(|path| path.starts_with(directory)) {
            Some(path) => Change::Set { file: path.join("50-oomshim.toml"), lines: versioned(tables) },
            None => template(launch, directory, version, tables),
        };
        return Destination { change, restart };
    }
    if main.file_name().is_some_and(|name| name == "containerd.toml") && is_below(main, "microk8s") {
        let file = directory.join("containerd-template.toml");
        let change = Change::Template { file, first: None, lines: tables };
        return Destination { change, restart: "then `snap restart microk8s.daemon-containerd`" };
    }
    if main == Path::new("/etc/k0s/containerd.toml") {
        let change = Change::Set { file: "/etc/k0s/containerd.d/50-oomshim.toml".into(), lines: versioned(tables) };
        return Destination { change, restart: "k0s reads it by itself" };
    }
    let restart = "then restart containerd";
    if let Some(path) = drop_in.filter(|_| config.merges) {
        let change = Change::Set { file: path.join("50-oomshim.toml"), lines: versioned(tables) };
        return Destination { change, restart };
    }
    // The last file with settings of the plugin: containerd 1 sees none of the others'.
    let decides = config.files.iter().rev().find(|file| file.cri().is_some()).or(config.files.first());
    let has_version = decides.is_some_and(|file| file.table.contains_key("version"));
    let file = decides.map_or(main, |file| &file.path).to_owned();
    let lines = if has_version { tables } else { versioned(tables) };
    Destination { change: Change::Set { file, lines }, restart }
}

/// The template from which k3s and rke2 write the file; the one of version 3 counts more.
fn template(launch: &Launch, directory: &Path, version: i64, tables: Vec<String>) -> Change {
    let name = if version >= 3 { "config-v3.toml.tmpl" } else { "config.toml.tmpl" };
    let file: PathBuf = directory.join(name);
    let first = (!launch.files.exists(&file)).then_some(BASE);
    Change::Template { file, first, lines: tables }
}

fn is_below(path: &Path, name: &str) -> bool {
    path.components().any(|part| part.as_os_str() == name)
}
