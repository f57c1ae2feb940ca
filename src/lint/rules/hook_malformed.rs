//! `hook-malformed`: a hooks.d file that stops every container.

use std::ops::Range;
use std::path::Path;

use crate::lint::rule::prelude::*;
use crate::lint::schema::hook::{self, Version};
use crate::lint::schema::{Flaw, go_regexp, nearest};

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
                /// What podman and CRI-O check when they read the directory: the file is a JSON object, its version is
                /// 1.0.0, or 0.1.0 or none, which is an older format of which this rule only takes note; `hook.path`
                /// and `stages` are there (0.1.0: `hook`, one of `stage` and `stages`, not both of `cmd` and `cmds` or
                /// `annotation` and `annotations`); every value has its type; every stage is known; and every pattern
                /// compiles in Go's regexp package, which takes `\Q…\E` and knows neither look-ahead, nor `a++`, nor
                /// a repeat above 1000. Beyond that a path that is not absolute and a timeout that is not above 0 are
                /// reported, because the runtime refuses the container then. The stages are prestart, createRuntime,
                /// createContainer, startContainer, poststart and poststop; podman also knows precreate, and CRI-O and
                /// buildah, which read `/usr/share/containers/oci/hooks.d` too, do not.
            },
            fix: prose! {
                /// Write the file as oci-hooks(5) has it. `podman run --rm IMAGE true` fails at once while it is wrong.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let root = subject.root();
        if !root.is_object() {
            let message = if root.kind() == Kind::Null {
                "null is read as a hook of version 0.1.0 that has no `hook`"
            } else {
                "a hooks.d file is a JSON object"
            };
            return report.at(&root, message).label("podman creates no container").emit();
        }
        let version = hook::version(root);
        if version == Version::Unknown {
            if let Some(node) = root.field("version") {
                report
                    .at(&node, format!("podman and CRI-O know no version {}", quote(&node.raw())))
                    .label("write \"1.0.0\"")
                    .emit();
            }
            return;
        }
        types(subject, report);
        match version {
            Version::Old => old(root, report),
            _ => current(subject, report),
        }
    }
}

fn types(subject: &Subject<'_>, report: &mut Report<'_>) {
    for flaw in subject.flaws() {
        match flaw {
            Flaw::WrongType { node, expected } => {
                report.at(node, format!("this must be {expected}")).label(format!("expected {expected}")).emit();
            }
            Flaw::Missing { node, object, field } => {
                let place = node.key_span().unwrap_or_else(|| node.span().start..node.span().start + 1);
                report.at(&place, format!("`{field}` is missing in {}", object.name)).emit();
            }
            Flaw::Unknown { .. } | Flaw::DuplicateKey { .. } | Flaw::OtherCase { .. } => {}
        }
    }
}

fn current(subject: &Subject<'_>, report: &mut Report<'_>) {
    let root = subject.root();
    stages(subject, root.field("stages"), report);
    path(root.at(&["hook", "path"]), report);
    if let Some(timeout) =
        root.at(&["hook", "timeout"]).filter(|node| node.integer().is_some_and(|seconds| seconds <= 0))
    {
        report.at(&timeout, "the timeout of a hook is in seconds and above 0").label("not above 0").emit();
    }
    let when = root.field("when");
    let entries = when.and_then(|when| when.field("annotations")).into_iter().flat_map(Node::children);
    for entry in entries {
        pattern(&entry.key().unwrap_or_default(), &entry.name_span(), report);
        pattern(&entry.text().unwrap_or_default(), &entry.span(), report);
    }
    patterns(when.and_then(|when| when.field("commands")), report);
}

fn old(root: Node<'_>, report: &mut Report<'_>) {
    if root.field("stages").is_none() && root.field("stage").is_none() {
        let place = root.span().start..root.span().start + 1;
        report.at(&place, "`stages` is missing in the hook (version 0.1.0)").emit();
    }
    for (one, other) in [("stage", "stages"), ("cmd", "cmds"), ("annotation", "annotations")] {
        if let (Some(first), Some(second)) = (root.field(one), root.field(other)) {
            report
                .at(
                    &second.name_span(),
                    format!("`{one}` and `{other}` are one field, and only one of them may be there"),
                )
                .label("refused")
                .related(&first.name_span(), "and this")
                .emit();
        }
    }
    for list in ["stages", "stage"] {
        unknown_stages(root.field(list), report);
    }
    path(root.field("hook"), report);
    for list in ["cmds", "cmd", "annotations", "annotation"] {
        patterns(root.field(list), report);
    }
    if let Some(hook) = root.field("hook").filter(|hook| hook.kind() == Kind::String) {
        report
            .at(&hook.name_span(), "the format of version 0.1.0; newer releases may stop reading it")
            .label("before 1.0.0")
            .severity(Severity::Note)
            .help("Write it as version 1.0.0 of oci-hooks(5).")
            .emit();
    }
}

fn path(path: Option<Node<'_>>, report: &mut Report<'_>) {
    let Some((node, text)) = path.and_then(|node| Some((node, node.text()?))) else { return };
    if text.is_empty() {
        report.at(&node, "the path of the hook is empty").label("empty").emit();
    } else if !text.starts_with('/') {
        report.at(&node, "the path of the hook is not absolute").label("does not begin with /").emit();
    }
}

pub(super) const STAGES: [&str; 7] =
    ["precreate", "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];

fn stages(subject: &Subject<'_>, stages: Option<Node<'_>>, report: &mut Report<'_>) {
    unknown_stages(stages, report);
    // Of oomshim's own hook `hook-wrong-stage` says it.
    let own = subject.root().at(&["hook", "path"]).and_then(Node::text).unwrap_or_default();
    if own.rsplit('/').next() == Some("oomshim-hook") || !is_read_by_all(subject.name) {
        return;
    }
    let precreate =
        stages.into_iter().flat_map(Node::items).find(|stage| stage.text().is_some_and(|it| it == "precreate"));
    if let Some(stage) = precreate {
        let message = "CRI-O and buildah read this directory too and do not know the stage `precreate`: no build runs";
        report.at(&stage, message).label("known to podman only").emit();
    }
}

/// Whether it is in one of the directories that are read where nobody names another one (oci-hooks(5)). Seen with
/// buildah 1.28: `unknown stage "precreate"`.
pub(super) fn is_read_by_all(file: &Path) -> bool {
    file.parent().is_some_and(|directory| directory.ends_with("containers/oci/hooks.d"))
}

fn unknown_stages(stages: Option<Node<'_>>, report: &mut Report<'_>) {
    for stage in stages.into_iter().flat_map(Node::items) {
        let Some(name) = stage.text().filter(|name| !STAGES.contains(&name.as_ref())) else { continue };
        let near =
            nearest(&name, STAGES.into_iter()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        report.at(&stage, format!("there is no stage {}{near}", quote(&name))).label("unknown").emit();
    }
}

fn patterns(list: Option<Node<'_>>, report: &mut Report<'_>) {
    for item in list.into_iter().flat_map(Node::items) {
        pattern(&item.text().unwrap_or_default(), &item.span(), report);
    }
}

fn pattern(text: &str, span: &Range<usize>, report: &mut Report<'_>) {
    if let Err(refusal) = go_regexp::check(text) {
        report
            .at(span, format!("Go does not compile the pattern {}: {refusal}", quote(text)))
            .label(refusal.to_string())
            .emit();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::lint::finding::Severity;
    use crate::lint::kind::FileKind;
    use crate::lint::{self, Options};

    fn found(file: &str, text: &str) -> Vec<(Severity, String)> {
        let outcome = lint::bytes(Path::new(file), text.as_bytes(), Some(FileKind::Hook), &Options::default()).unwrap();
        let own = outcome.findings.into_iter().filter(|finding| finding.rule.name == "hook-malformed");
        own.map(|finding| (finding.severity, finding.message)).collect()
    }

    #[test]
    fn what_podman_refuses_is_an_error() {
        let current = |rest: &str| format!(r#"{{"version":"1.0.0","hook":{{"path":"/x"}},{rest}}}"#);
        let refused = [
            "[]".to_owned(),
            "null".to_owned(),
            "7".to_owned(),
            "{}".to_owned(),
            r#"{"version":"2.0.0","hook":{"path":"/x"},"stages":[]}"#.to_owned(),
            r#"{"version":1,"hook":{"path":"/x"},"stages":[]}"#.to_owned(),
            r#"{"version":"1.0.0","hook":{"path":""},"stages":[]}"#.to_owned(),
            r#"{"version":"1.0.0","hook":"/x","stages":[]}"#.to_owned(),
            current(r#""stages":null"#),
            current(r#""stages":["prestart","poststrat"]"#),
            current(r#""stages":["prestart"],"when":{"commands":["a++"]}"#),
            current(r#""stages":["prestart"],"when":{"annotations":{"(":"x"}}"#),
            current(r#""stages":["prestart"],"when":{"annotations":{"x":"(?=a)"}}"#),
            r#"{"hook":"/x"}"#.to_owned(),
            r#"{"hook":"/x","stage":["prestart"],"stages":["prestart"]}"#.to_owned(),
            r#"{"hook":"/x","stage":["prestart"],"cmd":["a"],"cmds":["b"]}"#.to_owned(),
            r#"{"version":"0.1.0","hook":"/x","stages":["prestart"],"annotations":["["]}"#.to_owned(),
            r#"{"hook":{"path":"/x"},"stages":["prestart"]}"#.to_owned(),
        ];
        for text in refused {
            let found = found("x.json", &text);
            assert!(found.iter().any(|(severity, _)| *severity == Severity::Error), "{text}: {found:?}");
        }
        let taken = [
            current(r#""stages":["prestart"],"when":{"commands":["^\Q/bin/a\E$","[a-z&&[^b]]"]}"#),
            current(r#""stages":[]"#),
            current(r#""stages":["precreate"],"when":null"#),
            r#"{"cmd":[".*"],"hook":"/usr/bin/true","stage":["prestart"]}"#.to_owned(),
            r#"{"version":"0.1.0","hook":"/x","arguments":["a"],"stages":["poststop"],"hasbindmounts":true}"#
                .to_owned(),
        ];
        for text in taken {
            let found = found("x.json", &text);
            assert!(found.iter().all(|(severity, _)| *severity == Severity::Note), "{text}: {found:?}");
        }
    }

    #[test]
    fn precreate_stops_those_who_do_not_know_it() {
        let text = r#"{"version":"1.0.0","hook":{"path":"/x"},"stages":["precreate"],"when":{"always":true}}"#;
        assert_eq!(found("/etc/containers/oci/hooks.d/x.json", text).len(), 1);
        assert!(found("/etc/podman/hooks.d/x.json", text).is_empty());
    }
}
