//! `tmpfs-invalid-size`: a size that the kernel does not take.

use crate::lint::rule::prelude::*;
use crate::system::memory_size;

pub(super) struct TmpfsInvalidSize;

impl Rule for TmpfsInvalidSize {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "tmpfs-invalid-size",
            summary: "a tmpfs size that the kernel refuses",
            group: Group::Memory,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Spec],
            why: prose! {
                /// The kernel answers EINVAL to the mount, and the container does not start.
            },
            what: prose! {
                /// The value of `size=` or `nr_blocks=` of a tmpfs is empty or no number: the kernel takes bytes, with
                /// K, M, G, T, P or E behind them, and for `size=` also a percentage of the memory (`50%`). `64MB` and
                /// `1.5g` are refused. So is `size` without a value, and `SIZE` in capitals.
            },
            fix: prose! {
                /// Write `size=64m`.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        for mount in subject.spec().mounts().filter(|mount| mount.text("type") == "tmpfs" && !mount.is_bind()) {
            for (node, part) in mount.settings() {
                let (name, value) = part.split_once('=').unwrap_or((&part, ""));
                let lower = name.to_ascii_lowercase();
                if !["size", "nr_blocks", "nr_inodes"].contains(&&*lower) {
                    continue;
                }
                let share = if name == "size" { value.strip_suffix('%') } else { None };
                // To the kernel a `%` alone is 0 %.
                let is_size = share == Some("") || memory_size::bytes(share.unwrap_or(value)).is_some();
                if name != lower || !is_size {
                    report
                        .at(&node, format!("the kernel does not take {} for a tmpfs: EINVAL", quote(&part)))
                        .label("refused")
                        .emit();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::lint::{self, Options};

    #[test]
    fn sizes_are_judged_as_the_kernel_does() {
        let fires = |option: &str| {
            let text = format!(
                r#"{{"ociVersion":"1.3.0","mounts":[{{"destination":"/m","type":"tmpfs","options":["{option}"]}}]}}"#
            );
            let outcome = lint::bytes(Path::new("config.json"), text.as_bytes(), None, &Options::default()).unwrap();
            outcome.findings.iter().any(|finding| finding.rule.name == "tmpfs-invalid-size")
        };
        // Each as runc 1.1 and Linux 6.12 said.
        for taken in [
            "size=64m",
            "size=50%",
            "size=150%",
            "size=%",
            "size=0",
            "size=64K,mode=755",
            "nr_blocks=1k",
            "size=1T",
            "size=0x1000",
            "nosuid",
        ] {
            assert!(!fires(taken), "{taken}");
        }
        for refused in [
            "size=64MB",
            "size=",
            "size",
            "size=-1",
            "size=64 m",
            "SIZE=64m",
            "size=1.5g",
            "nr_blocks=",
            "nr_blocks=5%",
            "size=x",
        ] {
            assert!(fires(refused), "{refused}");
        }
    }
}
