//! `relative-path`: a path that must be absolute and is not.

use crate::lint::rule::prelude::*;

pub(super) struct RelativePath;

impl Rule for RelativePath {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "relative-path",
            summary: "a path that must be absolute",
            group: Group::Shape,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Spec],
            why: prose! {
                /// A relative path means another place to each reader, or none: runtimes refuse it, or take it from a
                /// directory that nobody thought of.
            },
            what: prose! {
                /// `process.cwd`, a mount's `destination`, a device's, a namespace's or a hook's `path` does not begin
                /// with a slash. `root.path` may be relative to the bundle. For a mount's destination old runtimes only
                /// warn, and so does this rule. Specs for Windows and virtual machines are not judged.
            },
            fix: prose! {
                /// Write the path from the root of the container's file system, or of the host's for hooks and
                /// namespaces.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let root = subject.root();
        if ["windows", "vm"].into_iter().any(|system| root.field(system).is_some()) {
            return;
        }
        let spec = subject.spec();
        let mut paths: Vec<(&str, Node<'_>)> = Vec::new();
        paths.extend(spec.process.and_then(|process| process.field("cwd")).map(|node| ("process.cwd", node)));
        paths.extend(
            spec.mounts().filter_map(|mount| Some(("a mount's destination", mount.node.field("destination")?))),
        );
        collect(spec.linux, "namespaces", "a namespace's path", &mut paths);
        collect(spec.linux, "devices", "a device's path", &mut paths);
        for stage in STAGES {
            collect(root.field("hooks"), stage, "a hook's path", &mut paths);
        }
        for (what, node) in paths {
            let Some(text) = node.text().filter(|text| !text.starts_with('/')) else { continue };
            // An empty namespace path is how some encoders write none.
            if text.is_empty() && what == "a namespace's path" {
                continue;
            }
            let severity = if what == "a mount's destination" { Severity::Warning } else { Severity::Error };
            report
                .at(&node, format!("{what} is {}, which is not absolute", quote(&text)))
                .label("does not begin with /")
                .severity(severity)
                .emit();
        }
    }
}

const STAGES: [&str; 6] = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];

/// The `path` of every item of a list.
fn collect<'t>(
    parent: Option<Node<'t>>,
    list: &'static str,
    what: &'static str,
    paths: &mut Vec<(&'static str, Node<'t>)>,
) {
    let items = parent.and_then(|parent| parent.field(list)).into_iter().flat_map(Node::items);
    paths.extend(items.filter_map(|item| Some((what, item.field("path")?))));
}
