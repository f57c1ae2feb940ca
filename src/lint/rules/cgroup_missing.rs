//! `cgroup-missing`: the step may run in its engine's cgroup.

use crate::lint::rule::prelude::*;

pub(super) struct CgroupMissing;

impl Rule for CgroupMissing {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "cgroup-missing",
            summary: "the spec has no linux.cgroupsPath",
            group: Group::Killing,
            severity: Severity::Note,
            confidence: Confidence::Medium,
            fixable: Fixable::No,
            kinds: &[FileKind::Spec],
            why: prose! {
                /// Without a cgroup of its own a step can neither be limited nor killed as a group, and its memory is
                /// counted as its engine's.
            },
            what: prose! {
                /// `linux.cgroupsPath` is absent or empty. A runtime with rights on cgroups then makes one of its own
                /// choice; a rootless one, as under rootless BuildKit, leaves the step in the cgroup of the engine,
                /// where a group kill would take the engine along.
            },
            fix: prose! {
                /// Delegate the memory controller to the engine's user (`Delegate=memory` in its unit) so that it can
                /// give each step a cgroup.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let spec = subject.spec();
        let (Some(linux), Some(_)) = (spec.linux, spec.process) else { return };
        match spec.cgroup {
            None => report
                .at(&linux.name_span(), "no cgroupsPath: a rootless runtime leaves the step in its engine's cgroup")
                .label("cgroupsPath is missing in here")
                .emit(),
            Some(path) if path.text().is_some_and(|text| text.is_empty()) => {
                report
                    .at(&path, "cgroupsPath is empty: a rootless runtime leaves the step in its engine's cgroup")
                    .label("no cgroup")
                    .emit();
            }
            Some(_) => {}
        }
    }
}
