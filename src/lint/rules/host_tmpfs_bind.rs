//! `host-tmpfs-bind`: memory that outlives the step, because it is the host's.

use crate::lint::rule::prelude::*;

pub(super) struct HostTmpfsBind;

impl Rule for HostTmpfsBind {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "host-tmpfs-bind",
            summary: "a writable bind mount of a tmpfs of the host",
            group: Group::Memory,
            severity: Severity::Warning,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Spec],
            why: prose! {
                /// What a step writes to a tmpfs of the host is memory that nobody frees when the step is killed.
            },
            what: prose! {
                /// A bind mount whose source is `/dev` (a devtmpfs, with `/dev/shm` below it), all of `/` with what is
                /// mounted below it (`rbind`), `/dev/shm`, `/run`, `/var/run` or `/tmp/.X11-unix` or a directory below
                /// them, or below `/run` what no engine put there, and that is not read-only. Single files that engines
                /// hand in (resolv.conf, hosts, hostname, sockets, .containerenv, secrets) are left out, and so is the
                /// `/dev/shm` of a pod or a container, which its engine mounts with a size below `/run`.
            },
            fix: prose! {
                /// Bind a directory on a disk, give the step a tmpfs of its own with a size, or make the mount
                /// read-only (`ro`).
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        for mount in subject.spec().mounts().filter(|mount| mount.is_bind() && !mount.is_read_only()) {
            let Some(source) = mount.node.field("source") else { continue };
            let path = source.text().unwrap_or_default();
            let target = mount.text("destination");
            let is_engines = is_single_file(&path, &target) || is_own_shm(&path, &target);
            let Some(home) = tmpfs(&path).filter(|_| !is_engines) else { continue };
            let recursive = mount.option(|option| option == "rbind").is_some();
            if home == "/" && !recursive {
                continue;
            }
            let sure = if home == "/" || home == "/run" && path.trim_end_matches('/') != "/run" {
                Confidence::Medium
            } else {
                Confidence::High
            };
            report
                .at(
                    &source,
                    format!(
                        "{} {} the host's tmpfs {}: what the step writes there stays when it is killed",
                        quote(&path),
                        if home == "/" || home == "/dev" { "shows" } else { "is in" },
                        if home == "/" { "/run and /dev/shm" } else { home }
                    ),
                )
                .label("the host's memory")
                .confidence(sure)
                .emit();
        }
    }
}

/// The tmpfs of every systemd machine that the path is in.
fn tmpfs(path: &str) -> Option<&'static str> {
    let below =
        |directory: &str| path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    match path.trim_end_matches('/') {
        "" if path.starts_with('/') => return Some("/"),
        "/dev" => return Some("/dev"),
        _ => {}
    }
    [("/dev/shm", "/dev/shm"), ("/run", "/run"), ("/var/run", "/run")]
        .into_iter()
        .find_map(|(directory, home)| below(directory).then_some(home))
}

/// What engines hand in one by one: names and sockets, nothing that could grow.
fn is_single_file(source: &str, target: &str) -> bool {
    let name = source.rsplit('/').next().unwrap_or_default();
    let known = ["resolv.conf", "hosts", "hostname", ".containerenv", "passwd", "group", "mtab", "docker-init"];
    let target_known = ["/etc/resolv.conf", "/etc/hosts", "/etc/hostname", "/run/.containerenv", "/run/secrets"];
    known.contains(&name)
        || target_known.contains(&target)
        || name.rsplit('.').next() == Some("sock")
        || name.starts_with("hosts.")
}

/// The `/dev/shm` that an engine made for one pod or container: a tmpfs of its own, with a size, that it unmounts. It
/// lies in the directory of containerd's sandbox, or in that of a container of CRI-O or podman, which begins with the
/// storage driver's name (`overlay-containers`).
fn is_own_shm(source: &str, target: &str) -> bool {
    let mut parts = source.trim_end_matches('/').rsplit('/');
    let mut above = || parts.next().unwrap_or_default();
    let is_there = target.trim_end_matches('/') == "/dev/shm" && above() == "shm";
    is_there
        && match above() {
            "userdata" => !above().is_empty() && above().ends_with("-containers"),
            sandbox => !sandbox.is_empty() && above() == "sandboxes",
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_shm_that_an_engine_made_is_left_out() {
        let cri = "/run/containerd/io.containerd.grpc.v1.cri/sandboxes/0123ab/shm";
        let storage = "/run/containers/storage/overlay-containers/0123ab/userdata/shm";
        let cases = [
            (cri, "/dev/shm", true),
            ("/run/k3s/containerd/io.containerd.grpc.v1.cri/sandboxes/0123ab/shm/", "/dev/shm/", true),
            (storage, "/dev/shm", true),
            ("/run/user/1000/containers/vfs-containers/0123ab/userdata/shm", "/dev/shm", true),
            (cri, "/cache", false),
            ("/dev/shm", "/dev/shm", false),
            ("/run/shm", "/dev/shm", false),
            ("/run/userdata/shm", "/dev/shm", false),
            ("/run/sandboxes/shm", "/dev/shm", false),
            ("/run/sandboxes//shm", "/dev/shm", false),
            ("/run/x/0123ab/shm", "/dev/shm", false),
            ("/run/containerd/sandboxes/0123ab/shm/below", "/dev/shm", false),
        ];
        for (source, target, expected) in cases {
            assert_eq!(is_own_shm(source, target), expected, "{source} {target}");
        }
    }
}
