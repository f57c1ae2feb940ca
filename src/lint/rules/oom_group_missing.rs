//! `oom-group-missing`: one process of the step dies and the rest goes on half dead.

use crate::lint::change;
use crate::lint::rule::prelude::*;
use crate::spec::edit::{Edit, MemoryFile};
use crate::system::host::Cgroups;

pub(super) struct OomGroupMissing;

impl Rule for OomGroupMissing {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "oom-group-missing",
            summary: "memory.oom.group is not 1",
            group: Group::Killing,
            severity: Severity::Warning,
            confidence: Confidence::Medium,
            fixable: Fixable::Safe,
            kinds: &[FileKind::Spec],
            why: prose! {
                /// Without memory.oom.group the kernel kills one process of the step; what is left goes on without it,
                /// and a build can end as a broken success.
            },
            what: prose! {
                /// `linux.resources.unified` has no `"memory.oom.group": "1"`. cgroup v2 only; on v1 there is no such
                /// thing and runc refuses any `unified`, which is why the fix is safe only with `--host` on a v2
                /// machine. Nothing is reported for pause containers, for containers at -1000 and on v1 machines.
            },
            fix: prose! {
                /// Add `"memory.oom.group": "1"` to `linux.resources.unified`, or start containers through
                /// `oomshim-runc`, which knows the machine. A step whose own retry after a kill is wanted (`make -j20
                /// || make -j2`) is better off without: ignore the rule there.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let spec = subject.spec();
        let (Some(linux), Some(_)) = (spec.linux, spec.process) else { return };
        let group = spec.unified(MemoryFile::OomGroup.name());
        if group.and_then(Node::text).is_some_and(|text| text == "1") || spec.is_sandbox() || spec.is_immune().is_some()
        {
            return;
        }
        let is_v2 = match subject.machine.map(|machine| machine.host.cgroups) {
            Some(Cgroups::V1) => return,
            Some(Cgroups::V2WithoutMemory(why)) => {
                return report.cannot_judge(format!("{why}, so another cgroup's engine decides"));
            }
            Some(Cgroups::V2) => true,
            None => false,
        };
        let has_cgroup = spec.cgroup.and_then(Node::text).is_some_and(|path| !path.is_empty());
        let place = group.or(spec.resources).unwrap_or(linux);
        let message = match group {
            Some(_) => "memory.oom.group is off: one process of the step is killed, and the rest goes on without it",
            None => "memory.oom.group is not set: one process of the step is killed, and the rest goes on without it",
        };
        let draft = report.at(&place.name_span(), message).label("memory.oom.group is not 1").confidence(if is_v2 {
            Confidence::High
        } else {
            Confidence::Medium
        });
        if spec.resources.is_none() || !has_cgroup {
            let help = "This spec has no linux.resources or no cgroupsPath, as where nobody delegated cgroups to the engine; give it both first.";
            return draft.help(help).emit();
        }
        let safety = if is_v2 { Safety::Safe } else { Safety::Unsafe };
        let edit = Edit::Memory(MemoryFile::OomGroup, 1);
        draft.fix(safety, "set memory.oom.group to 1", || change::edits(linux, &[edit])).emit();
    }
}
