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
                /// it to another; `dockerd --validate` does not say so.
            },
            what: prose! {
                /// `runtimes` has a member `runc`, in exactly these letters.
            },
            fix: prose! {
                /// Call it something else, `oomshim` say, and name that as `default-runtime`.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let runtimes = subject.root().field("runtimes").into_iter().flat_map(Node::children);
        for runtime in runtimes.filter(|runtime| runtime.key().is_some_and(|name| name == "runc")) {
            report
                .at(&runtime.name_span(), "dockerd keeps the runtime name `runc` for itself")
                .label("reserved")
                .emit();
        }
    }
}
