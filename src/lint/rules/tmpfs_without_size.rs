//! `tmpfs-without-size`: a directory that may hold half of the machine's memory.

use crate::lint::inspect_view::containers;
use crate::lint::kubernetes_view::{number, pods};
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
            kinds: &[FileKind::Spec, FileKind::ContainerInspect, FileKind::Kubernetes, FileKind::Compose],
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
        match subject.kind {
            FileKind::ContainerInspect => return inspected(subject.root(), report),
            FileKind::Kubernetes => return manifest(subject.root(), report),
            FileKind::Compose => return compose(subject.root(), report),
            _ => {}
        }
        for mount in subject.spec().mounts().filter(|mount| !mount.is_bind() && !mount.is_read_only()) {
            let kind = mount.text("type");
            let (bounds, label) = match (&*kind, mount.tmpfs_limit()) {
                ("ramfs", _) => ("without any limit", "ramfs knows no size"),
                ("tmpfs", None) => ("to half of the machine's memory", "no size= in its options"),
                ("tmpfs", Some((_, name, value))) => match (memory_size::bytes(&value), value.strip_suffix('%')) {
                    (Some(0), _) => ("without any limit", "0 means no limit"),
                    (_, Some(percent)) if name == "size" && matches!(memory_size::bytes(percent), None | Some(0)) => {
                        ("without any limit", "0 means no limit")
                    }
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

fn inspected(root: Node<'_>, report: &mut Report<'_>) {
    for container in containers(root) {
        let mounts = container.host.field("Tmpfs").into_iter().flat_map(Node::children);
        for mount in mounts {
            let options = mount.text().unwrap_or_default();
            if !is_bounded(&options) {
                let target = mount.key().unwrap_or_default();
                let message = format!(
                    "the tmpfs at {} of {} may grow to half of the machine's memory",
                    quote(&target),
                    container.name()
                );
                report.at(&mount.name_span(), message).label("no size= in its options").emit();
            }
        }
    }
}

fn manifest(root: Node<'_>, report: &mut Report<'_>) {
    for pod in pods(root) {
        let volumes = pod.spec.field("volumes").into_iter().flat_map(Node::items);
        for volume in volumes {
            let Some(directory) = volume.field("emptyDir").filter(|it| it.is_object()) else { continue };
            let Some(medium) = directory.field("medium").filter(|it| it.text().is_some_and(|it| it == "Memory")) else {
                continue;
            };
            let is_limited = directory.field("sizeLimit").is_some_and(|limit| number(limit) != Some(0.0));
            if !is_limited {
                let name = volume.field("name").and_then(Node::text).unwrap_or_default();
                let message = format!(
                    "the emptyDir {} in memory may grow to the pod's memory limit, or to half of the node's memory",
                    quote(&name)
                );
                let help = "Add `sizeLimit`, for instance `sizeLimit: 512Mi`; it counts into the limits of containers.";
                report.at(&medium, message).label("no sizeLimit").help(help).emit();
            }
        }
    }
}

/// Whether options as docker has them, with commas between them, limit a tmpfs.
fn is_bounded(options: &str) -> bool {
    let is_limit = |option: &str| {
        option == "ro" || option.strip_prefix("size=").is_some_and(|size| size != "0" && !size.is_empty())
    };
    options.split(',').any(is_limit) || options.contains('$')
}

fn compose(root: Node<'_>, report: &mut Report<'_>) {
    for service in root.field("services").into_iter().flat_map(Node::children) {
        let short = service.field("tmpfs").into_iter();
        let short = short.flat_map(|node| if node.kind() == Kind::Array { node.items().collect() } else { vec![node] });
        for mount in short {
            let text = mount.text().unwrap_or_default();
            let (target, options) = text.split_once(':').unwrap_or((&text, ""));
            if !target.is_empty() && !text.contains('$') && !is_bounded(options) {
                unbounded(mount, target, report);
            }
        }
        let volumes = service.field("volumes").into_iter().flat_map(Node::items);
        let is_tmpfs =
            |volume: &Node<'_>| volume.field("type").and_then(Node::text).is_some_and(|kind| kind == "tmpfs");
        for volume in volumes.filter(is_tmpfs) {
            let is_read_only = volume.field("read_only").and_then(Node::boolean) == Some(true);
            let size = volume.at(&["tmpfs", "size"]).filter(|size| size.integer() != Some(0));
            if size.is_none() && !is_read_only {
                let target = volume.field("target").and_then(Node::text).unwrap_or_default();
                unbounded(volume, &target, report);
            }
        }
    }
}

fn unbounded(place: Node<'_>, target: &str, report: &mut Report<'_>) {
    let message = format!("the tmpfs at {} may grow to half of the machine's memory", quote(target));
    report.at(&place, message).label("no size").help("Write `/run:size=64m`, or `tmpfs: {size: 64m}`.").emit();
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
        for zero in ["size=0", "nr_blocks=0", "size=0%", "size=%"] {
            assert!(message(zero).unwrap().ends_with("may grow without any limit"));
        }
        for sized in ["size=1m", "mode=755,size=64m", "size=50%", "nr_blocks=10"] {
            assert_eq!(message(sized), None, "{sized}");
        }
        assert!(message("size=64m,size=0").unwrap().ends_with("without any limit"), "the last one counts");
        assert!(message("size=150%").unwrap().ends_with("to all of the machine's memory"));
    }
}
