//! `memory-limit-refused`: a memory setting with which no container starts.

use crate::lint::rule::prelude::*;

pub(super) struct MemoryLimitRefused;

impl Rule for MemoryLimitRefused {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "memory-limit-refused",
            summary: "a memory setting that the runtime or the kernel refuses",
            group: Group::Killing,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Spec],
            why: prose! {
                /// runc and crun write the setting before the container starts, and give up when that fails.
            },
            what: prose! {
                /// A number in `linux.resources.memory` is below -1, which alone means no limit; `swappiness` is above
                /// 100; or the limit is below 2 MiB, in which the runtime's own first process does not fit (measured
                /// with runc 1.1: 1 MiB fails, 4 MiB starts). Below 6 MiB, which is the least that docker takes, it is
                /// a warning.
            },
            fix: prose! {
                /// Write bytes, or -1 for no limit.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let spec = subject.spec();
        let number = |name: &str| {
            let node = spec.memory?.field(name)?;
            Some((node, node.integer()?))
        };
        for name in ["limit", "reservation", "swap", "kernel", "kernelTCP"] {
            if let Some((node, number)) = number(name).filter(|(_, number)| *number < -1) {
                let message = format!("memory.{name} is {number}: no runtime takes a number below -1");
                report.at(&node, message).label("refused").emit();
            }
        }
        if let Some((node, number)) = number("swappiness").filter(|(_, number)| *number > 100) {
            report.at(&node, format!("swappiness is {number}: runtimes take 0 to 100")).label("refused").emit();
        }
        let Some((node, bytes)) = spec.hard_limit() else { return };
        let (message, severity) = match bytes {
            0..0x20_0000 => ("the runtime itself does not fit into it, and no container starts", Severity::Error),
            0x20_0000..0x60_0000 => ("docker takes no less than 6 MiB", Severity::Warning),
            _ => return,
        };
        report.at(&node, format!("a limit of {bytes} bytes: {message}")).label("too small").severity(severity).emit();
    }
}
