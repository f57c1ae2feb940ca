//! `hook-malformed`: a hooks.d file that stops every container.

use crate::lint::rule::prelude::*;
use crate::lint::schema::{Flaw, nearest};

pub(super) struct HookMalformed;

impl Rule for HookMalformed {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "hook-malformed",
            summary: "a hooks.d file that podman and CRI-O refuse",
            group: Group::Deployment,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Hook],
            why: prose! {
                /// One file in hooks.d that cannot be read keeps podman from creating any container and CRI-O from
                /// starting.
            },
            what: prose! {
                /// The version is not 1.0.0, `hook.path` or `stages` is missing or empty, a value has a wrong type, a
                /// stage is unknown, the path is relative, the timeout is not positive, or a pattern in `when` is no
                /// regular expression. Stages that exist: precreate (podman), prestart, createRuntime, createContainer,
                /// startContainer, poststart, poststop.
            },
            fix: prose! {
                /// Write the file as oci-hooks(5) has it.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        for flaw in subject.flaws() {
            match flaw {
                Flaw::WrongType { node, expected } => {
                    report.at(node, format!("this must be {expected}")).label(format!("expected {expected}")).emit();
                }
                Flaw::Missing { node, object, field } => {
                    // Without `when` the file is read, and the hook never runs.
                    let severity = if *field == "when" { Severity::Warning } else { Severity::Error };
                    let place = node.key_span().unwrap_or_else(|| node.span().start..node.span().start + 1);
                    report.at(&place, format!("`{field}` is missing in {}", object.name)).severity(severity).emit();
                }
                Flaw::Unknown { .. } | Flaw::Twin { .. } | Flaw::OtherCase { .. } => {}
            }
        }
        let root = subject.root();
        if let Some(version) = root.field("version").filter(|node| node.text().is_some_and(|text| text != "1.0.0")) {
            report
                .at(&version, format!("version {} is not 1.0.0", quote(&version.text().unwrap_or_default())))
                .label("write 1.0.0")
                .emit();
        }
        stages(root, report);
        if let Some(path) = root.at(&["hook", "path"])
            && path.text().is_some_and(|text| !text.starts_with('/'))
        {
            report.at(&path, "the hook's path is not absolute").label("does not begin with /").emit();
        }
        if let Some(timeout) =
            root.at(&["hook", "timeout"]).filter(|node| node.integer().is_some_and(|seconds| seconds <= 0))
        {
            report.at(&timeout, "a hook's timeout is in seconds and above 0").label("not above 0").emit();
        }
        patterns(root, report);
    }
}

pub(super) const STAGES: [&str; 7] =
    ["precreate", "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];

fn stages(root: Node<'_>, report: &mut Report<'_>) {
    let Some(stages) = root.field("stages").filter(|node| node.kind() == Kind::Array) else { return };
    if stages.items().next().is_none() {
        report.at(&stages, "the hook has no stage").label("empty").emit();
    }
    for stage in stages.items() {
        let Some(name) = stage.text().filter(|name| !STAGES.contains(&name.as_ref())) else { continue };
        let near =
            nearest(&name, STAGES.into_iter()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        report.at(&stage, format!("there is no stage {}{near}", quote(&name))).label("unknown").emit();
    }
}

fn patterns(root: Node<'_>, report: &mut Report<'_>) {
    let when = root.field("when");
    let keys = when.and_then(|when| when.field("annotations")).into_iter().flat_map(Node::children);
    let pairs = keys.flat_map(|entry| [(entry.key(), entry.name_span()), (entry.text(), entry.span())]);
    let commands = when.and_then(|when| when.field("commands")).into_iter().flat_map(Node::items);
    let all = pairs.chain(commands.map(|item| (item.text(), item.span())));
    for (text, span) in all.filter_map(|(text, span)| Some((text?, span))) {
        // Classes of Unicode are Go's to know; what is left is the syntax that both have.
        if text.len() > 1000 || text.contains("\\p") || text.contains("\\P") {
            continue;
        }
        if let Err(error) = regex_lite::Regex::new(&text) {
            report
                .at(&span, format!("{} is no regular expression: {error}", quote(&text)))
                .label("cannot be compiled")
                .emit();
        }
    }
}
