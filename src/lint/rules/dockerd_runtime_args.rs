//! `dockerd-runtime-args`: arguments turn a runtime into a shell script.

use crate::lint::change;
use crate::lint::program::Program;
use crate::lint::rule::prelude::*;

pub(super) struct DockerdRuntimeArgs;

impl Rule for DockerdRuntimeArgs {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "dockerd-runtime-args",
            summary: "a runtime of dockerd has runtimeArgs",
            group: Group::Deployment,
            severity: Severity::Warning,
            confidence: Confidence::High,
            fixable: Fixable::Unsafe,
            kinds: &[FileKind::Dockerd],
            why: prose! {
                /// For runtimeArgs dockerd writes a shell script that runs the runtime as a child with its arguments
                /// unquoted: signals and the parent-death signal reach the shell, and a path with a space falls apart.
            },
            what: prose! {
                /// A runtime has a `runtimeArgs` that is not empty (moby `runtime_unix.go`). With oomshim-runc it is an
                /// error: all of its settings are in the policy file.
            },
            fix: prose! {
                /// Take `runtimeArgs` away. oomshim-runc reads its policy from /etc/oomshim/policy.toml.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        for runtime in subject.root().field("runtimes").into_iter().flat_map(Node::children) {
            let Some(args) = runtime.field("runtimeArgs").filter(|args| args.items().next().is_some()) else {
                continue;
            };
            let path = runtime.field("path").and_then(Node::text).unwrap_or_default();
            let ours = Program::at(subject, &path) == Program::Shim;
            report
                .at(&args.name_span(), "with runtimeArgs dockerd runs the runtime from a shell script, as a child and with its arguments unquoted")
                .label("makes a wrapper")
                .severity(if ours { Severity::Error } else { Severity::Warning })
                .fix(Safety::Unsafe, "take runtimeArgs away", || vec![change::remove(args)])
                .emit();
        }
    }
}
