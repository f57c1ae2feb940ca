//! `tmpfs-without-size`: a directory that may hold half of the machine's memory.

use crate::lint::rule::prelude::*;
use crate::system::memory_size;

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
                /// A mount of type tmpfs has no `size=` (or `nr_blocks=`), or one of 0, which means no limit at all, or
                /// of 100 % of the memory and more, and is not read-only; the options may stand in one string with
                /// commas between them, and the last one counts. Or the mount is of type ramfs, which knows no limit.
                /// The pages are charged to the step's cgroup but belong to no process: killing one frees nothing
                /// before the last process with the mount is gone. Those of a ramfs cannot be swapped out either.
            },
            fix: prose! {
                /// Add an option such as `size=512m` to the mount; use a tmpfs in place of a ramfs.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        for mount in subject.spec().mounts().filter(|mount| !mount.is_bind() && !mount.is_read_only()) {
            let kind = mount.text("type");
            let (bounds, label) = match (&*kind, mount.tmpfs_limit()) {
                ("ramfs", _) => ("without any limit", "ramfs knows no size"),
                ("tmpfs", None) => ("to half of the machine's memory", "no size= in its options"),
                ("tmpfs", Some((_, name, value))) => match (memory_size::bytes(&value), value.strip_suffix('%')) {
                    (Some(0), _) => ("without any limit", "0 means no limit"),
                    (_, Some(percent)) if name == "size" && memory_size::bytes(percent).is_some_and(|it| it >= 100) => {
                        ("to all of the machine's memory", "100 % and more")
                    }
                    // What is no size is the business of `tmpfs-invalid-size`.
                    _ => continue,
                },
                _ => continue,
            };
            let place = mount.node.field("destination").unwrap_or(mount.node);
            let target = mount.text("destination");
            report.at(&place, format!("the {kind} at {} may grow {bounds}", quote(&target))).label(label).emit();
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
        for sized in ["size=1m", "mode=755,size=64m", "size=50%", "nr_blocks=10"] {
            assert_eq!(message(sized), None, "{sized}");
        }
        assert!(message("size=64m,size=0").unwrap().ends_with("without any limit"), "the last one counts");
        assert!(message("size=150%").unwrap().ends_with("to all of the machine's memory"));
    }
}
