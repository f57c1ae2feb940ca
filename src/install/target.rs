//! What can be set up, by the name that people have for it, and which of the processes that run it is.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::error::FindError;
use crate::doctor::{RunningEngine, Snapshot};
use crate::engines::{Engine, Launch};
use crate::fsutil::confined::ConfinedRoot;
use crate::system::oom_score_adj::OomScoreAdj;

/// What can be set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// `BuildKit`'s daemon.
    Buildkitd,
    /// Docker: its containers, and the steps of its builds.
    Docker,
    /// containerd, for Kubernetes.
    Containerd,
    /// CRI-O.
    Crio,
    /// The containerd of k3s.
    K3s,
    /// The containerd of rke2.
    Rke2,
    /// Podman and buildah, as root.
    Podman,
}

/// What a containerd of k3s or rke2 is started with, below its data directory.
const RENDERED: &str = "agent/etc/containerd/config.toml";

impl Target {
    /// All of them.
    pub const ALL: [Target; 7] = [
        Target::Buildkitd,
        Target::Docker,
        Target::Containerd,
        Target::Crio,
        Target::K3s,
        Target::Rke2,
        Target::Podman,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Target::Buildkitd => "buildkitd",
            Target::Docker => "docker",
            Target::Containerd => "containerd",
            Target::Crio => "cri-o",
            Target::K3s => "k3s",
            Target::Rke2 => "rke2",
            Target::Podman => "podman",
        }
    }

    /// The engine that it is.
    #[must_use]
    pub fn engine(self) -> Engine {
        match self {
            Target::Buildkitd => Engine::Buildkitd,
            Target::Docker => Engine::Dockerd,
            Target::Containerd | Target::K3s | Target::Rke2 => Engine::Containerd,
            Target::Crio => Engine::Crio,
            Target::Podman => Engine::Podman,
        }
    }

    /// What a process that runs is.
    fn of(engine: Engine, launch: &Launch) -> Target {
        match engine {
            Engine::Buildkitd => Target::Buildkitd,
            Engine::Dockerd => Target::Docker,
            Engine::Crio => Target::Crio,
            Engine::Podman => Target::Podman,
            Engine::Containerd => {
                let file = engine.config_file(launch).unwrap_or_default();
                match (file.ends_with(RENDERED), file.components().any(|part| part.as_os_str() == "rke2")) {
                    (true, true) => Target::Rke2,
                    (true, false) => Target::K3s,
                    _ => Target::Containerd,
                }
            }
        }
    }

    /// How root would start it, where it does not run.
    fn usual(self, files: ConfinedRoot) -> Launch {
        let launch = Launch::by_root(self.engine().name(), files);
        match self {
            Target::K3s | Target::Rke2 => {
                let main = Path::new("/var/lib/rancher").join(self.name()).join(RENDERED);
                Launch {
                    args: ["containerd", "-c"].map(OsString::from).into_iter().chain([main.into()]).collect(),
                    ..launch
                }
            }
            _ => launch,
        }
    }
}

/// One installation of an engine.
#[derive(Debug)]
pub struct Instance {
    /// What it is.
    pub target: Target,
    /// Its name, which differs for each configuration file.
    pub name: String,
    /// How it was started, or will be.
    pub launch: Launch,
    /// Its PID, where it runs.
    pub pid: Option<u32>,
    /// Its oom_score_adj, where it runs.
    pub score: Option<OomScoreAdj>,
    /// The systemd unit that starts it.
    pub service: Option<String>,
}

impl Instance {
    /// One that runs.
    ///
    /// # Errors
    /// [`FindError`] where its command line or its files cannot be seen from here.
    pub fn running(running: &RunningEngine) -> Result<Instance, FindError> {
        let launch = running.launch.clone().map_err(|error| FindError::Hidden(running.name(), error))?;
        let root = |path: &Path| {
            std::fs::metadata(path).map(|root| {
                use std::os::unix::fs::MetadataExt;
                (root.dev(), root.ino())
            })
        };
        match (root(launch.files.root()), root(Path::new("/"))) {
            (Ok(own), Ok(here)) if own == here => {}
            _ => return Err(FindError::OwnRoot(running.name())),
        }
        let files = ConfinedRoot::new("/").in_directory(launch.files.directory());
        let launch = Launch { files, ..launch };
        let target = Target::of(running.engine, &launch);
        let name = name(target, &launch);
        let service = running.service().map(str::to_owned);
        Ok(Instance { target, name, launch, pid: Some(running.pid), score: Some(running.score), service })
    }

    /// One that does not run, or whose engine is not asked: on the machine below that root.
    ///
    /// # Errors
    /// [`FindError::Absent`] where there is no such program.
    pub fn stopped(target: Target, root: &Path) -> Result<Instance, FindError> {
        let files = ConfinedRoot::new(root);
        let launch = target.usual(files.clone());
        let program = target.engine().name();
        let is_there = match target {
            // It carries its own containerd with it.
            Target::K3s | Target::Rke2 => target.engine().config_file(&launch).is_some_and(|file| files.exists(&file)),
            _ => launch.find_program(program.as_ref()).is_some(),
        };
        if !is_there {
            return Err(FindError::Absent(target.name()));
        }
        let has_systemd = files.is_directory(Path::new(if root == Path::new("/") {
            "/run/systemd/system"
        } else {
            "/etc/systemd/system"
        }));
        let service = (has_systemd && target != Target::Podman).then(|| match target {
            Target::K3s => "k3s.service".to_owned(),
            Target::Rke2 => "rke2-server.service".to_owned(),
            _ => target.engine().usual_unit().to_owned(),
        });
        Ok(Instance { target, name: name(target, &launch), launch, pid: None, score: None, service })
    }

    /// Which it is, for a sentence.
    #[must_use]
    pub fn shown(&self) -> String {
        match self.pid {
            Some(pid) => format!("{} ({pid})", self.target.name()),
            None => self.target.name().to_owned(),
        }
    }
}

/// Everything that runs on this machine and can be set up, podman where it is installed; and what cannot be looked at.
#[must_use]
pub fn all() -> (Vec<Instance>, Vec<FindError>) {
    let snapshot = Snapshot::take();
    let (mut found, mut hidden) = (Vec::new(), Vec::new());
    for running in &snapshot.engines {
        match Instance::running(running) {
            Ok(instance) => found.push(instance),
            Err(error) => hidden.push(error),
        }
    }
    hidden.extend(snapshot.strangers.iter().map(|stranger| FindError::Stranger(stranger.name())));
    found.extend(Instance::stopped(Target::Podman, Path::new("/")));
    (found, hidden)
}

/// The one that is meant by a name: the one that runs, or with several the one with that PID.
///
/// # Errors
/// [`FindError`] where there is none, or it is not known which.
pub fn find(target: Target, root: &Path, pid: Option<u32>) -> Result<Instance, FindError> {
    if root != Path::new("/") || target == Target::Podman {
        return Instance::stopped(target, root);
    }
    let (found, hidden) = all();
    let mut found: Vec<Instance> = found.into_iter().filter(|instance| instance.target == target).collect();
    if let Some(pid) = pid {
        found.retain(|instance| instance.pid == Some(pid));
        if found.is_empty() {
            return Err(FindError::NotIt(target.name(), pid));
        }
    }
    match (found.len(), found.pop()) {
        (0 | 1, Some(instance)) => Ok(instance),
        (_, Some(last)) => {
            let names: Vec<String> = found.iter().chain([&last]).map(Instance::shown).collect();
            Err(FindError::Several(names.join(", ")))
        }
        (_, None) => {
            // What runs and cannot be looked at is not passed over in silence.
            let own = hidden.into_iter().find(|error| error.is_about(target.engine().name()));
            own.map_or_else(|| Instance::stopped(target, root), Err)
        }
    }
}

/// The installation's name: the target's, and the configuration file's where that is not the usual one.
fn name(target: Target, launch: &Launch) -> String {
    let of = |launch: &Launch| target.engine().config_file(launch);
    let (own, usual) = (of(launch), of(&target.usual(launch.files.clone())));
    match own.filter(|own| Some(own) != usual.as_ref()) {
        None => target.name().to_owned(),
        Some(file) => {
            let file = launch.files.directory().join(file);
            let plain =
                |byte: u8| if byte.is_ascii_alphanumeric() || b"._".contains(&byte) { byte as char } else { '-' };
            let text: String = file.as_os_str().as_encoded_bytes().iter().map(|&byte| plain(byte)).collect();
            let end: String = text.chars().skip(text.len().saturating_sub(160)).collect();
            format!("{}{}{end}", target.name(), if end.starts_with('-') { "" } else { "-" })
        }
    }
}

/// Where the journals of a machine are.
#[must_use]
pub fn journals(root: &Path) -> PathBuf {
    root.join(super::journal::DIRECTORY.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engines::launch::tests::engine;

    #[test]
    fn each_configuration_file_has_a_name_of_its_own() {
        for (line, target, expected) in [
            ("buildkitd", Target::Buildkitd, "buildkitd"),
            ("buildkitd --config /etc/buildkit/buildkitd.toml", Target::Buildkitd, "buildkitd"),
            ("buildkitd --config=/run/x y/b.toml", Target::Buildkitd, "buildkitd-run-x"),
            ("containerd", Target::Containerd, "containerd"),
            ("containerd -c /var/lib/rancher/k3s/agent/etc/containerd/config.toml", Target::K3s, "k3s"),
            (
                "containerd -c /data/rke2/agent/etc/containerd/config.toml",
                Target::Rke2,
                "rke2-data-rke2-agent-etc-containerd-config.toml",
            ),
            ("dockerd --config-file /d.json", Target::Docker, "docker-d.json"),
            ("crio", Target::Crio, "cri-o"),
        ] {
            let (_root, launch) = engine(line, &[]);
            let of = Engine::of_program(line.split(' ').next().unwrap().as_ref()).unwrap();
            assert_eq!(Target::of(of, &launch), target, "{line}");
            assert_eq!(name(target, &launch), expected, "{line}");
        }
    }

    #[test]
    fn what_is_not_installed_is_said() {
        let (root, _) = engine("x", &[("/var/lib/rancher/k3s/agent/etc/containerd/config.toml", "version = 3\n")]);
        assert!(matches!(Instance::stopped(Target::Docker, root.path()), Err(FindError::Absent("docker"))));
        let k3s = Instance::stopped(Target::K3s, root.path()).unwrap();
        assert_eq!((k3s.name.as_str(), k3s.service), ("k3s", None));
    }
}
