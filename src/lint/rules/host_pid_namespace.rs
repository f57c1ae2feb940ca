//! `host-pid-namespace`: the step sees the daemons and may write their `oom_score_adj`.

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
            kinds: &[FileKind::Spec],
            why: prose! {
                /// Root that sees the host's processes can write 1000 into a daemon's oom_score_adj, and the next kill
                /// hits the daemon.
            },
            what: prose! {
                /// The spec has no PID namespace, or it binds the host's `/proc` (or all of `/`) without `ro`; it has no
                /// user namespace, and the process is root or has CAP_DAC_OVERRIDE. Raising another process's
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
