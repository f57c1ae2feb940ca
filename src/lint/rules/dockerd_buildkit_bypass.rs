//! `dockerd-buildkit-bypass`: `docker build` goes around the default runtime.

use crate::lint::dockerd_view;
use crate::lint::program::Program;
use crate::lint::rule::prelude::*;

pub(super) struct DockerdBuildkitBypass;

impl Rule for DockerdBuildkitBypass {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "dockerd-buildkit-bypass",
            summary: "docker's BuildKit does not use the default runtime",
            group: Group::Deployment,
            severity: Severity::Note,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Dockerd],
            why: prose! {
                /// The steps of `docker build` are started by the runc in dockerd's PATH whatever default-runtime says,
                /// so they are the ones that oomshim does not reach.
            },
            what: prose! {
                /// `default-runtime` is oomshim-runc, which reminds of what the file cannot say: the embedded BuildKit
                /// looks at the environment variable DOCKER_BUILDKIT_RUNC_COMMAND only.
            },
            fix: prose! {
                /// Put `Environment=DOCKER_BUILDKIT_RUNC_COMMAND=/usr/local/bin/oomshim-runc` into a drop-in of
                /// docker.service, and ignore this rule then.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let root = subject.root();
        let Some(default) = root.field("default-runtime") else { return };
        let program = dockerd_view::default_runtime(root).and_then(dockerd_view::program);
        let path = program.and_then(Node::text).unwrap_or_default();
        let off = root.at(&["features", "buildkit"]).and_then(Node::boolean) == Some(false);
        if Program::at(subject, &path) == Program::Shim && !off {
            report
                .at(
                    &default,
                    "`docker build` goes around default-runtime: its steps are started by the runc in dockerd's PATH",
                )
                .label("not used by BuildKit")
                .emit();
        }
    }
}
