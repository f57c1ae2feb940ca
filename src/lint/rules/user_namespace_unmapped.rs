//! `user-namespace-unmapped`: a user namespace with nobody in it.

use crate::lint::rule::prelude::*;
use crate::lint::spec_view::Namespace;

pub(super) struct UserNamespaceUnmapped;

impl Rule for UserNamespaceUnmapped {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "user-namespace-unmapped",
            summary: "a user namespace without mappings",
            group: Group::Shape,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Spec],
            why: prose! {
                /// runc refuses the container ("user namespaces enabled, but no uid mappings found").
            },
            what: prose! {
                /// `linux.namespaces` has a user namespace of the container's own, and `linux.uidMappings` or
                /// `linux.gidMappings` is missing or empty. crun fills in both when it runs without root, so nothing is
                /// reported where both are missing and no cgroup is named, as in what `crun spec --rootless` prints.
            },
            fix: prose! {
                /// Add `uidMappings` and `gidMappings`, or take the namespace away.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let spec = subject.spec();
        let (Some(linux), Namespace::Own(namespace)) = (spec.linux, spec.namespace("user")) else { return };
        let has = |name: &str| linux.field(name).is_some_and(|list| list.items().next().is_some());
        let missing: Vec<_> = ["uidMappings", "gidMappings"].into_iter().filter(|name| !has(name)).collect();
        if missing.is_empty() || (missing.len() == 2 && spec.cgroup.is_none()) {
            return;
        }
        report
            .at(&namespace, format!("a user namespace without {}: runc refuses the container", missing.join(" and ")))
            .label("nobody is mapped into it")
            .emit();
    }
}
