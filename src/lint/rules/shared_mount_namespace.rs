//! `shared-mount-namespace`: the step's tmpfs does not go with the step.

use crate::lint::rule::prelude::*;
use crate::lint::spec_view::Namespace;

pub(super) struct SharedMountNamespace;

impl Rule for SharedMountNamespace {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "shared-mount-namespace",
            summary: "the container has no mount namespace of its own",
            group: Group::Memory,
            severity: Severity::Warning,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Spec],
            why: prose! {
                /// A tmpfs is freed when the last mount namespace that has it is gone, and that one is not the step's.
            },
            what: prose! {
                /// `linux.namespaces` has no mount namespace, or joins one that exists already (`path`).
            },
            fix: prose! {
                /// Give the container its own: `{"type": "mount"}` in `linux.namespaces`.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let spec = subject.spec();
        let (Some(linux), Some(_)) = (spec.linux, spec.process) else { return };
        let tmpfs = spec.mounts().any(|mount| mount.text("type") == "tmpfs");
        let message = if tmpfs {
            "the tmpfs mounts of this container live on in a mount namespace that is not its own"
        } else {
            "what this container mounts lives on in a mount namespace that is not its own"
        };
        match spec.namespace("mount") {
            Namespace::Own(_) => {}
            Namespace::Joined(path) => report.at(&path, message).label("somebody else's mount namespace").emit(),
            Namespace::Host => {
                let place = linux.field("namespaces").map_or(linux.name_span(), Node::name_span);
                report.at(&place, message).label("no mount namespace in here").emit();
            }
        }
    }
}
