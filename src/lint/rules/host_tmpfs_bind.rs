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
            why: "What a step writes to a tmpfs of the host is memory that nobody frees when the step is killed.",
            what: "A bind mount whose source is `/dev/shm`, `/run`, `/var/run` or `/tmp/.X11-unix` or a folder below them, or below `/run` what no engine put there, and that is not read-only. Single files that engines hand in (resolv.conf, hosts, hostname, sockets, .containerenv, secrets) are left out.",
            fix: "Bind a folder on a disk, give the step a tmpfs of its own with a size, or make the mount read-only (`ro`).",
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        for mount in subject.spec().mounts().filter(|mount| mount.is_bind() && !mount.is_read_only()) {
            let Some(source) = mount.node.field("source") else { continue };
            let path = source.text().unwrap_or_default();
            let Some(home) = tmpfs(&path).filter(|_| !is_single_file(&path, &mount.text("destination"))) else {
                continue;
            };
            let sure = if home == "/run" && path.trim_end_matches('/') != "/run" {
                Confidence::Medium
            } else {
                Confidence::High
            };
            report
                .at(
                    &source,
                    format!(
                        "{} is in the host's tmpfs {home}: what the step writes there stays when it is killed",
                        quote(&path)
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
    let below = |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    [("/dev/shm", "/dev/shm"), ("/run", "/run"), ("/var/run", "/run")]
        .into_iter()
        .find_map(|(folder, home)| below(folder).then_some(home))
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
