//! `tmpfs-without-size`: a directory that may hold half of the machine's memory.

use crate::lint::rule::prelude::*;

pub(super) struct TmpfsWithoutSize;

impl Rule for TmpfsWithoutSize {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "tmpfs-without-size",
            summary: "a tmpfs mount without a size",
            group: Group::Memory,
            severity: Severity::Warning,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Spec],
            why: prose! {
                /// A tmpfs may grow to half of the machine's memory, its pages count in no process's badness, and so
                /// somebody else is killed for them.
            },
            what: prose! {
                /// A mount of type tmpfs has no `size=`, or `size=0`, which means no limit at all, and is not
                /// read-only. The pages are charged to the step's cgroup but belong to no process: killing one frees
                /// nothing before the last process with the mount is gone.
            },
            fix: prose! {
                /// Add an option such as `size=512m` to the mount.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        for mount in subject.spec().mounts().filter(|mount| mount.text("type") == "tmpfs" && !mount.is_bind()) {
            let sized = |option: &str| ["size=", "nr_blocks="].iter().any(|limit| option.starts_with(limit));
            let zero = mount.option(|option| matches!(option, "size=0" | "nr_blocks=0")).is_some();
            if mount.is_read_only() || mount.option(sized).is_some() && !zero {
                continue;
            }
            let place = mount.node.field("destination").unwrap_or(mount.node);
            let target = mount.text("destination");
            let (bounds, label) = if zero {
                ("without any limit", "size 0 means no limit")
            } else {
                ("to half of the machine's memory", "no size= in its options")
            };
            report.at(&place, format!("the tmpfs at {} may grow {bounds}", quote(&target))).label(label).emit();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::lint::{self, Options};

    #[test]
    fn size_0_is_no_limit_and_not_half_of_the_memory() {
        let message = |option: &str| {
            let text = format!(
                r#"{{"ociVersion":"1.3.0","mounts":[{{"destination":"/tmp","type":"tmpfs","source":"tmpfs","options":["{option}"]}}]}}"#
            );
            let outcome = lint::bytes(Path::new("config.json"), text.as_bytes(), None, &Options::default()).unwrap();
            let found = outcome.findings.into_iter().find(|finding| finding.rule.name == "tmpfs-without-size");
            found.map(|finding| finding.message)
        };
        assert!(message("nodev").unwrap().ends_with("may grow to half of the machine's memory"));
        for zero in ["size=0", "nr_blocks=0"] {
            assert!(message(zero).unwrap().ends_with("may grow without any limit"));
        }
        assert_eq!(message("size=1m"), None);
    }
}
