//! `buildkitd-without-shim`: build steps are started by something that hands the daemon's immunity on.

use crate::lint::deployment::is_shim;
use crate::lint::rule::prelude::*;

pub(super) struct BuildkitdWithoutShim;

impl Rule for BuildkitdWithoutShim {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "buildkitd-without-shim",
            summary: "buildkitd starts steps by something else than oomshim-runc",
            group: Group::Deployment,
            severity: Severity::Warning,
            confidence: Confidence::Medium,
            fixable: Fixable::No,
            kinds: &[FileKind::Buildkitd],
            why: prose! {
                /// buildkitd gives its steps no score of their own: made immune to survive, it makes every step immune
                /// with it, and the first greedy one takes the machine down.
            },
            what: prose! {
                /// The OCI worker is on (as it is by default) and `[worker.oci] binary` is not `oomshim-runc`; or the
                /// containerd worker is on and its `[worker.containerd.runtime] options` name another `BinaryName`. It
                /// matters when buildkitd itself has a score below 0, which its own file does not tell.
            },
            fix: prose! {
                /// Write `binary = "/usr/local/bin/oomshim-runc"` under `[worker.oci]`; for the containerd worker set
                /// the runtime's option `BinaryName`.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let root = subject.root();
        let worker = |name| root.at(&["worker", name]);
        let enabled = |node: Option<Node<'_>>| node.and_then(|node| node.field("enabled")).and_then(Node::boolean);
        let oci = worker("oci");
        if enabled(oci) != Some(false) {
            let binary = oci.and_then(|oci| oci.field("binary"));
            let named = binary.and_then(Node::text).unwrap_or_default();
            if !is_shim(subject, &named) {
                let (place, message) = match (binary, oci) {
                    (Some(binary), _) => (binary.span(), format!("steps are started by {}, which hands buildkitd's score on to them", quote(&named))),
                    (None, Some(oci)) => (oci.name_span(), "no binary: steps are started by buildkit-runc or runc, which hand buildkitd's score on to them".to_owned()),
                    (None, None) => (0..0, "no [worker.oci]: steps are started by buildkit-runc or runc, which hand buildkitd's score on to them".to_owned()),
                };
                report.at(&place, message).label("not oomshim-runc").emit();
            }
        }
        let containerd = worker("containerd");
        if enabled(containerd) == Some(true) {
            let binary = containerd.and_then(|worker| worker.at(&["runtime", "options", "BinaryName"]));
            let place = binary.or(containerd).map_or(0..0, Node::name_span);
            if !is_shim(subject, &binary.and_then(Node::text).unwrap_or_default()) {
                report
                    .at(&place, "the containerd worker starts steps by a runtime that hands its caller's score on")
                    .label("not oomshim-runc")
                    .emit();
            }
        }
    }
}
