//! `dockerd-reserved-runtime`: a runtime under a name that dockerd keeps for itself.

use crate::lint::rule::prelude::*;

pub(super) struct DockerdReservedRuntime;

impl Rule for DockerdReservedRuntime {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "dockerd-reserved-runtime",
            summary: "a runtime of dockerd is called runc",
            group: Group::Deployment,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Dockerd],
            why: prose! {
                /// dockerd keeps the name runc for its own runtime and does not start with a configuration that gives
                /// it to another.
            },
            what: prose! {
                /// `runtimes` has a member `runc`, in any case, or `io.containerd.runc.v2`.
            },
            fix: prose! {
                /// Call it something else, `oomshim` say, and name that as `default-runtime`.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        for runtime in subject.root().field("runtimes").into_iter().flat_map(Node::children) {
            let Some(name) = runtime
                .key()
                .filter(|name| matches!(name.to_ascii_lowercase().as_str(), "runc" | "io.containerd.runc.v2"))
            else {
                continue;
            };
            report
                .at(&runtime.name_span(), format!("dockerd keeps the runtime name {} for itself", quote(&name)))
                .label("reserved")
                .emit();
        }
    }
}
