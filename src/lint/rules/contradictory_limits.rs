//! `contradictory-limits`: limits that exclude each other.

use crate::lint::rule::prelude::*;
use crate::lint::spec_view::{Limit, Spec};

pub(super) struct ContradictoryLimits;

impl Rule for ContradictoryLimits {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "contradictory-limits",
            summary: "memory limits contradict each other",
            group: Group::Killing,
            severity: Severity::Warning,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Spec],
            why: prose! {
                /// Of two limits that contradict each other the runtime refuses both or silently applies the one that
                /// nobody looks at.
            },
            what: prose! {
                /// `memory.swap` counts memory and swap together and must not be below `memory.limit`, nor be there
                /// without it: runtimes refuse such a spec. `memory.max` in `unified` is written after `memory.limit`
                /// and wins where they differ. A reservation, `memory.low`, `memory.min` or `memory.high` above the
                /// hard limit has no effect.
            },
            fix: prose! {
                /// Say each limit once, in one of the two ways, and keep low <= high <= max and limit <= swap.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let spec = subject.spec();
        let limit = spec.memory_limit("limit");
        swap(spec, limit, report);
        let max = spec.unified_limit("memory.max");
        if let (Some(limit), Some(max)) = (limit, max)
            && limit.bytes != max.bytes
        {
            report
                .at(
                    &limit.node,
                    format!(
                        "memory.limit is {}, but memory.max in unified says {} and wins",
                        limit.node.raw(),
                        quote(&max.node.raw())
                    ),
                )
                .label("without effect on cgroup v2")
                .related(&max.node, "this is written last")
                .emit();
        }
        let Some((hard, bytes)) = spec.hard_limit() else { return };
        let unified = ["memory.high", "memory.low", "memory.min"].map(|file| (file, spec.unified_limit(file)));
        for (name, soft) in unified.into_iter().chain([("reservation", spec.memory_limit("reservation"))]) {
            let Some(soft) = soft.filter(|soft| soft.bytes.is_some_and(|soft| soft > bytes)) else { continue };
            report
                .at(&soft.node, format!("{name} is above the hard limit of {bytes} bytes and so has no effect"))
                .label("above the limit")
                .related(&hard, "the hard limit")
                .emit();
        }
    }
}

fn swap(spec: &Spec<'_>, limit: Option<Limit<'_>>, report: &mut Report<'_>) {
    let Some(swap) = spec.memory_limit("swap") else { return };
    let Some(total) = swap.bytes else { return };
    match limit.and_then(|limit| Some((limit.node, limit.bytes?))) {
        None if limit.is_none() => report
            .at(&swap.node, "memory.swap without memory.limit: it counts both together, and runtimes refuse it alone")
            .label("there is no memory.limit")
            .severity(Severity::Error)
            .emit(),
        Some((node, bytes)) if total < bytes => report
            .at(
                &swap.node,
                format!("memory.swap, which counts memory and swap together, is below memory.limit ({bytes})"),
            )
            .label("below the memory limit")
            .severity(Severity::Error)
            .related(&node, "the limit on memory alone")
            .emit(),
        _ => {}
    }
}
