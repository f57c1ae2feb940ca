//! Containers that have a name of oomshim's in them. An engine looks the name up whenever it starts, stops or removes them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::podman::{self, PodmanError};
use super::target::Target;
use crate::engines::{self, Launch};

/// How many containers are named to a person at the most.
const SHOWN: usize = 8;

/// The containers that need the runtime's name. Files are read and no daemon is asked: it may not run.
///
/// # Errors
/// [`PodmanError`] where podman does not answer.
pub fn pins(target: Target, launch: &Launch) -> Result<Vec<String>, PodmanError> {
    Ok(match target {
        Target::Docker => docker(launch),
        Target::Containerd | Target::K3s | Target::Rke2 => containerd(launch),
        Target::Crio => crio(launch),
        Target::Podman if launch.files.root() == Path::new("/") => {
            podman::containers_of_oomshim()?.into_iter().map(|container| container.name).collect()
        }
        Target::Buildkitd | Target::Podman => Vec::new(),
    })
}

/// Some of the names, for a sentence.
#[must_use]
pub fn shown(names: &[String]) -> String {
    let some = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(SHOWN);
    if more == 0 { some } else { format!("{some} and {more} more") }
}

fn json(launch: &Launch, path: &Path) -> Value {
    let bytes = launch.files.read(path).ok().flatten().unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

fn short(name: &OsStr) -> String {
    name.to_string_lossy().chars().take(12).collect()
}

/// `hostconfig.json` has the runtime's name, which docker never changes again.
fn docker(launch: &Launch) -> Vec<String> {
    let config = engines::dockerd::config(launch).unwrap_or_default();
    let of_option = ["data-root", "graph", "g"].iter().find_map(|name| engines::option(&launch.args, name));
    let of_file = config.get("data-root").and_then(Value::as_str).map(PathBuf::from);
    let root = of_option.map(PathBuf::from).or(of_file).unwrap_or_else(|| "/var/lib/docker".into());
    let all = launch.files.list(&root.join("containers")).into_iter();
    all.filter(|directory| {
        json(launch, &directory.join("hostconfig.json")).get("Runtime").and_then(Value::as_str) == Some("oomshim")
    })
    .map(|directory| {
        let name = json(launch, &directory.join("config.v2.json"));
        let name = name.get("Name").and_then(Value::as_str).map(|name| name.trim_start_matches('/').to_owned());
        name.unwrap_or_else(|| short(directory.file_name().unwrap_or_default()))
    })
    .collect()
}

/// The bundles of Kubernetes' containers whose program is oomshim: their pods have its handler.
fn containerd(launch: &Launch) -> Vec<String> {
    let config = launch.read_toml(&engines::containerd::config_file(launch)).ok().flatten().unwrap_or_default();
    let of_option = engines::option(&launch.args, "state").map(PathBuf::from);
    let of_file = config.get("state").and_then(toml::Value::as_str).map(PathBuf::from);
    let state = of_option.or(of_file).unwrap_or_else(|| "/run/containerd".into());
    let tasks = state.join("io.containerd.runtime.v2.task/k8s.io");
    let is_ours = |bundle: &PathBuf| {
        // containerd-shim-runc-v2 writes down which program it calls.
        let program = launch.files.read(&bundle.join("runtime")).ok().flatten().unwrap_or_default();
        let program = String::from_utf8_lossy(&program);
        Path::new(program.trim()).file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"oomshim-"))
    };
    let ours = launch.files.list(&tasks).into_iter().filter(is_ours);
    ours.map(|bundle| short(bundle.file_name().unwrap_or_default())).collect()
}

/// CRI-O writes the handler into each container's annotations.
fn crio(launch: &Launch) -> Vec<String> {
    let mut all = Vec::new();
    for root in ["/run/containers/storage/overlay-containers", "/run/containers/storage/vfs-containers"] {
        for directory in launch.files.list(Path::new(root)) {
            let annotations = json(launch, &directory.join("userdata/config.json"));
            let of = |key: &str| annotations.pointer("/annotations")?.get(key)?.as_str().map(str::to_owned);
            if of("io.kubernetes.cri-o.RuntimeHandler").as_deref() == Some("oomshim") {
                let name = of("io.kubernetes.cri-o.Name");
                all.push(name.unwrap_or_else(|| short(directory.file_name().unwrap_or_default())));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engines::launch::tests::engine;

    #[test]
    fn each_engines_containers_are_found() {
        type Case<'a> = (&'a str, Target, &'a [(&'a str, &'a str)], &'a [&'a str]);
        let cases: [Case; 4] = [
            (
                "dockerd --data-root /d",
                Target::Docker,
                &[
                    ("/d/containers/aa/hostconfig.json", r#"{"Runtime":"oomshim"}"#),
                    ("/d/containers/aa/config.v2.json", r#"{"Name":"/web"}"#),
                    ("/d/containers/bb/hostconfig.json", r#"{"Runtime":"runc"}"#),
                    ("/d/containers/cc0123456789abc/hostconfig.json", r#"{"Runtime":"oomshim"}"#),
                    ("/d/containers/dd/hostconfig.json", "{"),
                ],
                &["web", "cc0123456789"],
            ),
            (
                "containerd",
                Target::Containerd,
                &[
                    ("/etc/containerd/config.toml", "state = '/s'"),
                    ("/s/io.containerd.runtime.v2.task/k8s.io/a/runtime", "/usr/bin/oomshim-runc"),
                    ("/s/io.containerd.runtime.v2.task/k8s.io/b/runtime", "/usr/bin/runc"),
                    ("/s/io.containerd.runtime.v2.task/moby/c/runtime", "/usr/bin/oomshim-runc"),
                ],
                &["a"],
            ),
            (
                "crio",
                Target::Crio,
                &[(
                    "/run/containers/storage/overlay-containers/a/userdata/config.json",
                    r#"{"annotations":{"io.kubernetes.cri-o.RuntimeHandler":"oomshim","io.kubernetes.cri-o.Name":"k8s_x"}}"#,
                )],
                &["k8s_x"],
            ),
            ("buildkitd", Target::Buildkitd, &[], &[]),
        ];
        for (line, target, files, expected) in cases {
            let (_root, launch) = engine(line, files);
            assert_eq!(pins(target, &launch).unwrap(), expected, "{line}");
        }
    }

    #[test]
    fn many_names_are_counted() {
        let names: Vec<String> = (0..11).map(|number| number.to_string()).collect();
        assert_eq!(shown(&names), "0, 1, 2, 3, 4, 5, 6, 7 and 3 more");
    }
}
