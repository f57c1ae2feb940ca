//! How each engine's client runs the container: the socket is that of the very daemon that is meant.

use std::path::Path;
use std::process::Command;

use super::probe::Probe;
use super::{IMAGE, ProofError};
use crate::engines::{self, Launch};
use crate::install::ask::ask;
use crate::install::plan::Scope;
use crate::install::target::{Instance, Target};

/// The longest that one command may take, in seconds.
const PATIENCE: u64 = 90;

/// A container to be run.
pub(super) struct Attempt {
    /// What it is: "a container of docker".
    pub what: &'static str,
    before: Vec<Command>,
    run: Command,
    after: Vec<Command>,
}

impl Attempt {
    pub(super) fn run(self) -> Result<Probe, ProofError> {
        let Attempt { what, before, mut run, after } = self;
        let answer = before
            .into_iter()
            .try_for_each(|mut command| ask(&mut command, PATIENCE).map(drop))
            .and_then(|()| ask(&mut run, PATIENCE));
        for mut command in after {
            // What is not there need not be removed.
            let _ = ask(&mut command, PATIENCE);
        }
        let answer = answer?;
        let text = [answer.err, answer.out].join("\n");
        Probe::find(&text).ok_or_else(|| ProofError::Silent(what, text.trim().to_owned()))
    }
}

fn command(program: &str, words: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(words).env("DOCKER_BUILDKIT", "1").env_remove("DOCKER_CONTEXT").env_remove("DOCKER_HOST");
    command
}

/// What can be run through the engine.
pub(super) fn attempts(instance: &Instance, scope: Scope, archive: &Path, context: &Path) -> Vec<Attempt> {
    let launch = &instance.launch;
    let (archive, context) = (&*archive.to_string_lossy(), &*context.to_string_lossy());
    let runs = instance.pid.is_some();
    match instance.target {
        Target::Docker if runs => {
            let host = docker_host(launch);
            let docker = |words: &[&str]| command("docker", &[&["--host", &host], words].concat());
            let container = Attempt {
                what: "a container of docker",
                before: vec![docker(&["load", "--input", archive])],
                run: docker(&["run", "--rm", "--network", "none", IMAGE, "probe"]),
                after: vec![docker(&["image", "rm", "--force", IMAGE])],
            };
            let step = Attempt {
                what: "a step of docker build",
                before: Vec::new(),
                run: docker(&[
                    "build",
                    "--no-cache",
                    "--network",
                    "none",
                    "--progress",
                    "plain",
                    "--tag",
                    IMAGE,
                    context,
                ]),
                after: vec![docker(&["image", "rm", "--force", IMAGE])],
            };
            let all = [("containers", container), ("build steps", step)];
            all.into_iter().filter(|(workloads, _)| scope.has(workloads)).map(|(_, attempt)| attempt).collect()
        }
        Target::Buildkitd if runs => {
            let address = buildkit_address(launch);
            let (own, docker_file) = (format!("context={context}"), format!("dockerfile={context}"));
            let words =
                ["--addr", &address, "build", "--frontend", "dockerfile.v0", "--no-cache", "--progress", "plain"];
            let run = command("buildctl", &[&words[..], &["--local", &own, "--local", &docker_file]].concat());
            vec![Attempt { what: "a build step", before: Vec::new(), run, after: Vec::new() }]
        }
        Target::Podman => vec![Attempt {
            what: "a container of podman",
            before: vec![command("podman", &["load", "--quiet", "--input", archive])],
            run: command("podman", &["run", "--rm", "--network", "none", IMAGE, "probe"]),
            after: vec![command("podman", &["image", "rm", "--force", IMAGE])],
        }],
        Target::Containerd | Target::K3s | Target::Rke2 if runs => containerd(instance, archive).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// With the program of the handler, and in a namespace of its own, which no kubelet looks at.
fn containerd(instance: &Instance, archive: &str) -> Option<Attempt> {
    let routes = instance.target.engine().routes(&instance.launch, &engines::shim_path()).ok()?;
    let shim = routes.iter().find(|route| route.is_oomshim())?.starter.path().to_string_lossy().into_owned();
    let address = containerd_address(&instance.launch);
    let beside = std::fs::read_link(instance.launch.program.as_ref()?).ok()?.with_file_name("ctr");
    let program = if beside.is_file() { beside.to_string_lossy().into_owned() } else { "ctr".to_owned() };
    let ctr =
        |words: &[&str]| command(&program, &[&["--address", &address, "--namespace", "oomshim-proof"], words].concat());
    let id = format!("oomshim-proof-{}", std::process::id());
    // ctr gives a container its cgroup namespace and no sight of it.
    let sight = ["--mount", "type=cgroup,src=cgroup,dst=/sys/fs/cgroup,options=ro:nosuid:noexec:nodev"];
    let sight = if Path::new("/sys/fs/cgroup/cgroup.controllers").exists() { &sight[..] } else { &[] };
    let before = ["run", "--rm", "--snapshotter", "native", "--runc-binary", &shim];
    let behind = [IMAGE, &id, "/oomshim", "probe"];
    Some(Attempt {
        what: "a container of containerd",
        // The native snapshotter needs nothing of the kernel's.
        before: vec![ctr(&["images", "import", "--no-unpack", archive])],
        run: ctr(&[&before[..], sight, &behind].concat()),
        after: vec![ctr(&["images", "rm", "--sync", IMAGE]), ctr(&["namespaces", "rm", "oomshim-proof"])],
    })
}

/// The socket of a dockerd: of its options, of its file, or the usual one.
fn docker_host(launch: &Launch) -> String {
    let of_options = ["host", "H"].iter().flat_map(|name| engines::options(&launch.args, name));
    let mut all: Vec<String> = of_options.map(|host| host.to_string_lossy().into_owned()).collect();
    let config = engines::dockerd::config(launch).unwrap_or_default();
    let listed = config.get("hosts").and_then(serde_json::Value::as_array).into_iter().flatten();
    all.extend(listed.filter_map(serde_json::Value::as_str).map(str::to_owned));
    all.into_iter().find(|host| host.starts_with("unix://")).unwrap_or_else(|| "unix:///var/run/docker.sock".to_owned())
}

fn buildkit_address(launch: &Launch) -> String {
    let of_option = engines::option(&launch.args, "addr").map(|address| address.to_string_lossy().into_owned());
    let of_file = || {
        let config = launch.read_toml(&engines::buildkitd::config_file(launch)).ok()??;
        Some(config.get("grpc")?.get("address")?.as_array()?.first()?.as_str()?.to_owned())
    };
    let usual = || "unix:///run/buildkit/buildkitd.sock".to_owned();
    of_option.filter(|address| !address.starts_with("fd://")).or_else(of_file).unwrap_or_else(usual)
}

fn containerd_address(launch: &Launch) -> String {
    let of_option = ["address", "a"].iter().find_map(|name| engines::option(&launch.args, name));
    let of_file = || {
        let config = launch.read_toml(&engines::containerd::config_file(launch)).ok()??;
        let of = |table: Option<&toml::Value>| Some(table?.get("address")?.as_str()?.to_owned());
        // Version 4 has it among the plugins.
        let plugin = config.get("plugins").and_then(|plugins| plugins.get("io.containerd.server.v1.grpc"));
        of(config.get("grpc")).or_else(|| of(plugin))
    };
    let of_option = of_option.map(|address| address.to_string_lossy().into_owned());
    of_option.or_else(of_file).unwrap_or_else(|| "/run/containerd/containerd.sock".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engines::launch::tests::engine;

    #[test]
    fn each_daemon_has_its_own_socket() {
        for (line, files, of, expected) in [
            ("dockerd", &[][..], docker_host as fn(&Launch) -> String, "unix:///var/run/docker.sock"),
            ("dockerd -H fd:// --host unix:///a.sock", &[], docker_host, "unix:///a.sock"),
            (
                "dockerd",
                &[("/etc/docker/daemon.json", r#"{"hosts":["tcp://1","unix:///b"]}"#)],
                docker_host,
                "unix:///b",
            ),
            ("buildkitd --addr unix:///c", &[], buildkit_address, "unix:///c"),
            (
                "buildkitd",
                &[("/etc/buildkit/buildkitd.toml", "[grpc]\naddress = ['unix:///d']")],
                buildkit_address,
                "unix:///d",
            ),
            ("containerd -a /e", &[], containerd_address, "/e"),
            ("containerd", &[("/etc/containerd/config.toml", "[grpc]\naddress = '/f'")], containerd_address, "/f"),
            (
                "containerd",
                &[("/etc/containerd/config.toml", "[plugins.'io.containerd.server.v1.grpc']\naddress = '/g'")],
                containerd_address,
                "/g",
            ),
        ] {
            let (_root, launch) = engine(line, files);
            assert_eq!(of(&launch), expected, "{line}");
        }
    }
}
