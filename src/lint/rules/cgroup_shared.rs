//! `cgroup-shared`: the step runs in a cgroup that others are in.

use std::fs;
use std::path::{Path, PathBuf};

use crate::lint::rule::prelude::*;
use crate::text::checksum::checksum;

/// The longest path that the kernel takes, in bytes; a longer one names no cgroup.
const PATH_MAX: usize = 4096;

pub(super) struct CgroupShared;

impl Rule for CgroupShared {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "cgroup-shared",
            summary: "linux.cgroupsPath names a cgroup that is not the container's own",
            group: Group::Killing,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Spec],
            why: prose! {
                /// A limit or a group kill then hits everything in that cgroup, the daemons first of all.
            },
            what: prose! {
                /// `linux.cgroupsPath` is the root (`/`), a slice, a unit or a manager's parent directory (`/docker`,
                /// `/buildkit`, `/kubepods`), or it has parts that lead out of it (`..`), or systemd's form
                /// `SLICE:PREFIX:NAME` with an empty name. Where none of that is so, but several of the specs that are
                /// judged together name the same cgroup, each of them is told of the others, as a warning of confidence
                /// medium, because files do not tell whether they run at one time on one machine. If they do, runc 1.1
                /// puts both containers into the cgroup with a warning, and runc 1.5 refuses the second. Specs of the
                /// same root filesystem, host name and arguments are one container that is seen twice: the same file
                /// named twice, a link, the copy that an engine keeps, an earlier state of the same bundle. A relative
                /// root filesystem is that of the directory of the file, so a bundle that was copied whole is another
                /// container. A cgroup within another spec's cgroup is not judged.
            },
            fix: prose! {
                /// Name a cgroup below it that only this container is in: `/buildkit/ID`, or `system.slice:buildkit:ID`
                /// with the systemd driver.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        // The engine replaces the cgroup of a base_runtime_spec.
        let Some(node) = subject.spec().cgroup.filter(|_| !subject.spec().is_base()) else { return };
        let Some(path) = node.text().filter(|path| !path.is_empty()) else { return };
        if let Some(why) = shared(&path) {
            report.at(&node, format!("the cgroup {} {why}", quote(&path))).label("shared with others").emit();
        } else if path.len() <= PATH_MAX {
            // Ends with the names of the other files, where there are any.
            let draft = report.at(&node, format!("the cgroup {} is also that of", quote(&path)));
            let draft = draft.label("named by several specs").severity(Severity::Warning).confidence(Confidence::Medium).help(
                "Give each container a cgroup of its own: `/buildkit/ID`, or `system.slice:buildkit:ID` with the systemd driver.",
            );
            draft.emit_if_claimed_twice(&clean(&path), container(subject));
        }
    }
}

/// The cgroup, told apart from others as the kernel does.
fn clean(path: &str) -> String {
    let start = if path.starts_with('/') { "/" } else { "" };
    let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    format!("{start}{}", parts.join("/"))
}

/// Which container the spec is of: the same number for the same root filesystem, host name and arguments.
fn container(subject: &Subject<'_>) -> u64 {
    let root = subject.root();
    let text = |node: Option<Node<'_>>| node.and_then(Node::text).unwrap_or_default().into_owned();
    let mut identity = root_directory(subject, &text(root.at(&["root", "path"]))).into_os_string().into_encoded_bytes();
    identity.push(0);
    identity.extend(text(root.field("hostname")).as_bytes());
    for argument in root.at(&["process", "args"]).into_iter().flat_map(Node::items) {
        // A NUL between them: ["a", "b"] is another command than ["ab"].
        identity.push(0);
        identity.extend(argument.text().unwrap_or_default().as_bytes());
    }
    checksum(&identity)
}

/// A relative root filesystem is beside the file, or where that is a link with nothing beside it, beside what the link
/// leads to.
fn root_directory(subject: &Subject<'_>, root: &str) -> PathBuf {
    let beside = |file: &Path| file.parent().unwrap_or(Path::new("")).join(root);
    if root.starts_with('/') || !subject.on_disk {
        return beside(subject.name);
    }
    fs::canonicalize(beside(subject.name)).unwrap_or_else(|_| {
        let real = fs::canonicalize(subject.name).map(|file| beside(&file));
        real.map_or_else(|_| beside(subject.name), |directory| fs::canonicalize(&directory).unwrap_or(directory))
    })
}

fn shared(path: &str) -> Option<&'static str> {
    if !path.starts_with('/') && path.matches(':').count() == 2 {
        return path.ends_with(':').then_some("has no name of its own behind the last colon");
    }
    let mut parts = path.split('/').filter(|part| !part.is_empty() && *part != ".").peekable();
    if path.split('/').any(|part| part == "..") {
        return Some("leads out of the directory that it begins in");
    }
    let Some(first) = parts.peek().copied() else { return Some("is the root of the whole tree") };
    let last = parts.last().unwrap_or(first);
    // The kubelet's own: `/kubepods/burstable/podUID/ID`, of which only the last is a container's.
    if path.split('/').any(|part| part == "kubepods") {
        let is_pod = last.strip_prefix("pod").is_some_and(|uid| uid.len() >= 32 && uid.contains('-'));
        match last {
            "besteffort" | "burstable" | "guaranteed" => return Some("is that of a whole QoS class of the kubelet"),
            _ if is_pod => return Some("is that of a whole pod"),
            _ => {}
        }
    }
    let has = |endings: &[&str]| endings.iter().any(|ending| last.ends_with(ending));
    if has(&[".slice", ".service"]) {
        return Some("is a unit of systemd");
    }
    let parents =
        ["docker", "buildkit", "kubepods", "libpod_parent", "machine", "containerd", "crio", "default", "init.scope"];
    (first == last && parents.contains(&first)).then_some("is the parent of many containers")
}
