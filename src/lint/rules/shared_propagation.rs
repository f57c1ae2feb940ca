//! `shared-propagation`: what the step mounts is mounted on the host too.

use crate::lint::rule::prelude::*;

pub(super) struct SharedPropagation;

impl Rule for SharedPropagation {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "shared-propagation",
            summary: "mounts of the step propagate to the host",
            group: Group::Memory,
            severity: Severity::Warning,
            confidence: Confidence::Medium,
            fixable: Fixable::No,
            kinds: &[FileKind::Spec],
            why: prose! {
                /// A tmpfs that the step mounts below a shared mount appears on the host, and lives on there with all
                /// its memory when the step is dead.
            },
            what: prose! {
                /// A mount has the option `shared` or `rshared` and is not read-only, or `linux.rootfsPropagation` is
                /// one of them. The container needs CAP_SYS_ADMIN to mount anything, so without it the finding is less
                /// sure.
            },
            fix: prose! {
                /// Use `rslave` where the host's mounts must appear in the container, `rprivate` where they need not.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let spec = subject.spec();
        let sure = if spec.capability("CAP_SYS_ADMIN").is_some() { Confidence::High } else { Confidence::Low };
        let is_shared = |text: &str| matches!(text, "shared" | "rshared");
        for mount in spec.mounts() {
            let last = mount.option(|option| {
                matches!(option.trim_start_matches('r'), "shared" | "slave" | "private" | "unbindable")
            });
            let Some(option) = last.filter(|option| option.text().is_some_and(|text| is_shared(&text))) else {
                continue;
            };
            let target = mount.text("destination");
            report
                .at(
                    &option,
                    format!(
                        "what the step mounts below {} is mounted on the host too, and outlives it",
                        quote(&target)
                    ),
                )
                .label("propagates to the host")
                .confidence(sure)
                .emit();
        }
        let root = spec.linux.and_then(|linux| linux.field("rootfsPropagation"));
        if let Some(root) = root.filter(|root| root.text().is_some_and(|text| is_shared(&text))) {
            report
                .at(&root, "what the step mounts anywhere is mounted on the host too, and outlives it")
                .label("propagates to the host")
                .confidence(sure)
                .emit();
        }
    }
}
