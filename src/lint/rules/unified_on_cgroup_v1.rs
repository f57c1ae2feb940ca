//! `unified-on-cgroup-v1`: a spec for cgroup v2 on a machine with v1.

use crate::lint::change;
use crate::lint::rule::prelude::*;
use crate::system::host::Cgroups;

pub(super) struct UnifiedOnCgroupV1;

impl Rule for UnifiedOnCgroupV1 {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "unified-on-cgroup-v1",
            summary: "linux.resources.unified on a cgroup v1 machine (needs --host)",
            group: Group::Killing,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::Unsafe,
            kinds: &[FileKind::Spec],
            why: prose! {
                /// runc and crun refuse any setting in unified where the memory controller is on cgroup v1, and the
                /// container does not start.
            },
            what: prose! {
                /// With `--host`: `linux.resources.unified` has entries and this machine's memory controller is on
                /// cgroup v1, which includes the hybrid layout. An empty map is tolerated.
            },
            fix: prose! {
                /// Take the entries away, or boot the machine with cgroup v2 (`systemd.unified_cgroup_hierarchy=1`).
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        if subject.machine.is_none_or(|machine| machine.host.cgroups != Cgroups::V1) {
            return;
        }
        let Some(map) = subject.spec().unified.filter(|map| map.children().next().is_some()) else { return };
        report
            .at(
                &map.name_span(),
                "unified has entries, and this machine's memory controller is on cgroup v1: runc refuses the container",
            )
            .label("cgroup v2 only")
            .fix(Safety::Unsafe, "empty linux.resources.unified", || vec![change::replace(map, "{}")])
            .emit();
    }
}
