//! `host-pid-namespace`: the step sees the daemons and may write their `oom_score_adj`.

use crate::lint::inspect_view::containers;
use crate::lint::kubernetes_view::{Container, pods};
use crate::lint::rule::prelude::*;
use crate::lint::spec_view::Namespace;

pub(super) struct HostPidNamespace;

impl Rule for HostPidNamespace {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "host-pid-namespace",
            summary: "root that sees the host's processes can change their oom_score_adj",
            group: Group::Score,
            severity: Severity::Warning,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Spec, FileKind::ContainerInspect, FileKind::Kubernetes, FileKind::Compose],
            why: prose! {
                /// Root that sees the host's processes can write 1000 into a daemon's oom_score_adj, and the next kill
                /// hits the daemon.
            },
            what: prose! {
                /// The spec has no PID namespace, or it binds the host's `/proc` (or all of `/`) without `ro`; it has
                /// no user namespace, and the process is root or has CAP_DAC_OVERRIDE. Raising another process's
                /// oom_score_adj needs no capability beyond the right to open its file; with CAP_SYS_RESOURCE it can be
                /// lowered too.
            },
            fix: prose! {
                /// Give the container a PID namespace of its own (`{"type": "pid"}` in `linux.namespaces`), or a user
                /// namespace; bind `/proc` with `ro`.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        match subject.kind {
            FileKind::ContainerInspect => return inspected(subject.root(), report),
            FileKind::Kubernetes => return manifest(subject.root(), report),
            FileKind::Compose => return compose(subject.root(), report),
            _ => {}
        }
        let spec = subject.spec();
        let (Some(linux), Some(_)) = (spec.linux, spec.process) else { return };
        let is_host = |kind| matches!(spec.namespace(kind), Namespace::Host);
        let mighty = spec.uid() == Some(0) || spec.capability("CAP_DAC_OVERRIDE").is_some();
        if !is_host("user") || !mighty || spec.is_sandbox() {
            return;
        }
        let lowers = spec.capability("CAP_SYS_RESOURCE").is_some();
        let what = if lowers { "raise and lower" } else { "raise" };
        if is_host("pid") {
            let place = linux.field("namespaces").map_or(linux.name_span(), Node::name_span);
            report
                .at(&place, format!("the container sees the host's processes and can {what} their oom_score_adj"))
                .label("no PID namespace")
                .emit();
        }
        for mount in spec.mounts().filter(|mount| mount.is_bind() && !mount.is_read_only()) {
            let Some(source) = mount.node.field("source") else { continue };
            let path = source.text().unwrap_or_default();
            let recursive = mount.option(|option| option == "rbind").is_some();
            let is_proc =
                path.trim_end_matches('/') == "/proc" || path.starts_with("/proc/1/") || (path == "/" && recursive);
            if is_proc {
                report
                    .at(
                        &source,
                        format!(
                            "{} shows the host's processes, and root in it can {what} their oom_score_adj",
                            quote(&path)
                        ),
                    )
                    .label("the host's /proc")
                    .emit();
            }
        }
    }
}

fn inspected(root: Node<'_>, report: &mut Report<'_>) {
    for container in containers(root) {
        let Some((node, _)) = container.text("PidMode").filter(|(_, mode)| mode == "host") else { continue };
        let text = |object: &str, name: &str| container.node.at(&[object, name]).and_then(Node::text);
        let user = text("Config", "User").unwrap_or_default();
        let is_root = matches!(user.split(':').next(), Some("" | "0" | "root"));
        if is_root && text("HostConfig", "UsernsMode").is_none_or(|mode| matches!(&*mode, "" | "host")) {
            let message = format!("{} sees the host's processes and can raise their oom_score_adj", container.name());
            report.at(&node, message).label("no PID namespace").confidence(Confidence::Medium).emit();
        }
    }
}

fn manifest(root: Node<'_>, report: &mut Report<'_>) {
    for pod in pods(root) {
        let Some(host) = pod.spec.field("hostPID").filter(|node| node.boolean() == Some(true)) else { continue };
        let is_mighty = |container: Container<'_>| {
            let of = |name: &str| {
                let own = container.node.at(&["securityContext", name]);
                own.or_else(|| pod.spec.at(&["securityContext", name]))
            };
            let is_user = of("runAsNonRoot").is_some_and(|it| it.boolean() == Some(true))
                || of("runAsUser").and_then(Node::integer).is_some_and(|uid| uid != 0);
            !is_user || of("privileged").is_some_and(|it| it.boolean() == Some(true))
        };
        let has_user_namespace = pod.spec.field("hostUsers").is_some_and(|it| it.boolean() == Some(false));
        if let Some(container) =
            pod.containers().find(|container| is_mighty(*container)).filter(|_| !has_user_namespace)
        {
            let message = format!("{} sees the node's processes and can raise their oom_score_adj", container.name());
            report.at(&host, message).label("no PID namespace").confidence(Confidence::Medium).emit();
        }
    }
}

fn compose(root: Node<'_>, report: &mut Report<'_>) {
    for service in root.field("services").into_iter().flat_map(Node::children) {
        let text = |name: &str| service.field(name).and_then(Node::text).unwrap_or_default();
        let Some(node) = service.field("pid").filter(|_| text("pid") == "host") else { continue };
        if matches!(text("user").split(':').next(), Some("" | "0" | "root")) && text("userns_mode") != "private" {
            let name = service.key().unwrap_or_default();
            let message = format!("{} sees the host's processes and can raise their oom_score_adj", quote(&name));
            report.at(&node, message).label("no PID namespace").confidence(Confidence::Medium).emit();
        }
    }
}
