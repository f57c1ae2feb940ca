//! `cgroup-shared`: the step runs in a cgroup that others are in.

use crate::lint::rule::prelude::*;

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
            why: "A limit or a group kill then hits everything in that cgroup, the daemons first of all.",
            what: "`linux.cgroupsPath` is the root (`/`), a slice, a unit or a manager's parent folder (`/docker`, `/buildkit`, `/kubepods`), or it has parts that lead out of it (`..`), or systemd's form `SLICE:PREFIX:NAME` with an empty name.",
            fix: "Name a cgroup below it that only this container is in: `/buildkit/ID`, or `system.slice:buildkit:ID` with the systemd driver.",
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let Some(node) = subject.spec().cgroup else { return };
        let Some(path) = node.text().filter(|path| !path.is_empty()) else { return };
        if let Some(why) = shared(&path) {
            report.at(&node, format!("the cgroup {} {why}", quote(&path))).label("shared with others").emit();
        }
    }
}

fn shared(path: &str) -> Option<&'static str> {
    if !path.starts_with('/') && path.matches(':').count() == 2 {
        return path.ends_with(':').then_some("has no name of its own behind the last colon");
    }
    let mut parts = path.split('/').filter(|part| !part.is_empty() && *part != ".").peekable();
    if path.split('/').any(|part| part == "..") {
        return Some("leads out of the folder that it begins in");
    }
    let Some(first) = parts.peek().copied() else { return Some("is the root of the whole tree") };
    let last = parts.last().unwrap_or(first);
    let has = |endings: &[&str]| endings.iter().any(|ending| last.ends_with(ending));
    if has(&[".slice", ".service"]) {
        return Some("is a unit of systemd");
    }
    let parents =
        ["docker", "buildkit", "kubepods", "libpod_parent", "machine", "containerd", "crio", "default", "init.scope"];
    (first == last && parents.contains(&first)).then_some("is the parent of many containers")
}
