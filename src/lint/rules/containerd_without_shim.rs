//! `containerd-without-shim`: an immune containerd whose containers inherit that.

use crate::lint::deployment::{containerd_runtimes, is_shim};
use crate::lint::rule::prelude::*;

pub(super) struct ContainerdWithoutShim;

impl Rule for ContainerdWithoutShim {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "containerd-without-shim",
            summary: "containerd is spared and starts containers by something else than oomshim-runc",
            group: Group::Deployment,
            severity: Severity::Warning,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Containerd],
            why: "A container without a score of its own gets containerd's plus one: with oom_score = -999 that is -998, for every `ctr` and every build step.",
            what: "`oom_score` is below 0 and a runc runtime has no `BinaryName`, or one that is not `oomshim-runc`. Containers of a kubelet always have a score of their own and are not concerned.",
            fix: "Set `BinaryName = \"/usr/local/bin/oomshim-runc\"` in the runtime's options (`[plugins.\"io.containerd.cri.v1.runtime\".containerd.runtimes.runc.options]`), and pass `--runc-binary` where ctr is used.",
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let Some(score) = subject.root().field("oom_score") else { return };
        let Some(number) = score.integer().filter(|number| *number < 0) else { return };
        let runtimes = containerd_runtimes(subject.root());
        if runtimes.is_empty() {
            let message = format!(
                "oom_score is {number} and no runtime is configured: containers without a score of their own get {}",
                number + 1
            );
            return report.at(&score, message).label("handed on").emit();
        }
        for runtime in runtimes {
            let kind = runtime.field("runtime_type").and_then(Node::text).unwrap_or_default();
            if !kind.is_empty() && !kind.contains("runc") {
                continue;
            }
            let binary = runtime.at(&["options", "BinaryName"]);
            if is_shim(subject, &binary.and_then(Node::text).unwrap_or_default()) {
                continue;
            }
            let place = binary.map_or_else(|| runtime.name_span(), Node::span);
            let name = runtime.key().unwrap_or_default();
            report
                .at(
                    &place,
                    format!(
                        "containers of the runtime {} that have no score of their own get {}",
                        quote(&name),
                        number + 1
                    ),
                )
                .label("not oomshim-runc")
                .related(&score, "because of this score")
                .emit();
        }
    }
}
