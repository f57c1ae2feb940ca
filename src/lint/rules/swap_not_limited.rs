//! `swap-not-limited`: a limit on memory and none on swap.

use crate::lint::change;
use crate::lint::inspect_view::containers;
use crate::lint::rule::prelude::*;

pub(super) struct SwapNotLimited;

impl Rule for SwapNotLimited {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "swap-not-limited",
            summary: "a memory limit without a swap limit",
            group: Group::Killing,
            severity: Severity::Warning,
            confidence: Confidence::Medium,
            fixable: Fixable::Unsafe,
            kinds: &[FileKind::Spec, FileKind::ContainerInspect],
            why: prose! {
                /// At its memory limit the step goes on into swap and slows the machine down instead of dying, and the
                /// host's whole swap counts into the scale of its badness.
            },
            what: prose! {
                /// There is a hard memory limit, and neither `linux.resources.memory.swap` nor `memory.swap.max` says
                /// anything. runc and crun write no swap limit then. With `--host` nothing is reported on a machine
                /// without swap.
            },
            fix: prose! {
                /// Set `memory.swap` to the same number as `memory.limit` (memory and swap together, so no swap), or
                /// `memory.swap.max` in `unified`.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        if subject.kind == FileKind::ContainerInspect {
            return inspected(subject.root(), report);
        }
        let spec = subject.spec();
        let Some((limit, _)) = spec.hard_limit() else { return };
        let says =
            |name| spec.memory.and_then(|memory| memory.field(name)).is_some_and(|node| node.integer() != Some(0));
        if says("swap") || spec.unified("memory.swap.max").is_some() {
            return;
        }
        let sure = match subject.machine {
            Some(machine) => match machine.swap {
                Some(0) => return,
                Some(_) => Confidence::High,
                None => return report.cannot_judge("how much swap this machine has could not be read"),
            },
            None => Confidence::Medium,
        };
        let draft = report
            .at(&limit, "the limit holds for memory and not for swap")
            .label("no swap limit beside it")
            .confidence(sure);
        match (spec.unified.filter(|map| map.entry_of("memory.max").is_some()), spec.memory) {
            (Some(map), _) => draft
                .fix(Safety::Unsafe, "set memory.swap.max to 0", || {
                    vec![change::insert(map, &[("memory.swap.max", "\"0\"")])]
                })
                .emit(),
            (None, Some(memory)) if memory.fields("swap").next().is_none() => draft
                .fix(Safety::Unsafe, format!("set swap to {}", limit.raw()), || {
                    vec![change::insert(memory, &[("swap", &limit.raw())])]
                })
                .emit(),
            _ => draft.emit(),
        }
    }
}

fn inspected(root: Node<'_>, report: &mut Report<'_>) {
    for container in containers(root) {
        let (Some((limit, _)), Some((swap, -1))) = (container.limit(), container.number("MemorySwap")) else {
            continue;
        };
        let message = format!("the limit of {} holds for memory and not for swap", container.name());
        report
            .at(&swap, message)
            .label("no limit of swap")
            .related(&limit, "the limit of memory")
            .help("Give --memory-swap the number of --memory: `docker update --memory-swap SIZE CONTAINER` does.")
            .emit();
    }
}
