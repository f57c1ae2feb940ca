//! `hook-never-runs`: a hooks.d file whose conditions no container meets.

use crate::lint::rule::prelude::*;
use crate::lint::schema::hook::{self, Version};

pub(super) struct HookNeverRuns;

impl Rule for HookNeverRuns {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "hook-never-runs",
            summary: "a hooks.d file that applies to no container",
            group: Group::Deployment,
            severity: Severity::Warning,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Hook],
            why: prose! {
                /// podman and CRI-O read the file, report nothing and run the hook for no container.
            },
            what: prose! {
                /// `when` is missing, `null` or `{}`, or holds nothing but empty lists; or it has `"always": false` or
                /// `"hasBindMounts": false`, and every condition of version 1.0.0 has to hold; or `stages` is an empty
                /// list. In the format of version 0.1.0: neither `cmds`, `annotations` nor `hasbindmounts` is there.
            },
            fix: prose! {
                /// Write `"when": {"always": true}`, or the annotations and commands that it is meant for.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let root = subject.root();
        if !root.is_object() {
            return;
        }
        let lists = if hook::version(root) == Version::Old { &["stages", "stage"][..] } else { &["stages"] };
        for stages in lists.iter().filter_map(|name| root.field(name)) {
            if stages.kind() == Kind::Array && stages.items().next().is_none() {
                report.at(&stages, "no stage is listed, so the hook never runs").label("empty").emit();
            }
        }
        match hook::version(root) {
            Version::Current => current(root, report),
            Version::Old => old(root, report),
            Version::Unknown => {}
        }
    }
}

fn current(root: Node<'_>, report: &mut Report<'_>) {
    let start = root.span().start..root.span().start + 1;
    let Some(when) = root.field("when") else {
        return report.at(&start, "`when` is missing, so the hook never runs").label("no `when` in here").emit();
    };
    if !when.is_object() {
        return;
    }
    for name in ["always", "hasBindMounts"] {
        if let Some(node) = when.field(name).filter(|node| node.boolean() == Some(false)) {
            let message = format!("with `{name}` false the hook never runs, whatever else is listed");
            return report.at(&node, message).label("holds for no container").emit();
        }
    }
    let holds = ["always", "hasBindMounts"].iter().any(|name| when.field(name).is_some());
    let lists = ["annotations", "commands"];
    if !holds && !lists.iter().any(|name| when.field(name).is_some_and(|list| list.children().next().is_some())) {
        report.at(&when.name_span(), "`when` has no condition, so the hook never runs").label("nothing in here").emit();
    }
}

fn old(root: Node<'_>, report: &mut Report<'_>) {
    let lists = ["cmds", "cmd"];
    let has_command = lists.iter().any(|name| root.field(name).is_some_and(|list| list.items().next().is_some()));
    let has_annotation = ["annotations", "annotation"].iter().any(|name| root.field(name).is_some());
    let binds = root.field("hasbindmounts").and_then(Node::boolean) == Some(true);
    if root.field("hook").is_some() && !has_command && !has_annotation && !binds {
        let start = root.span().start..root.span().start + 1;
        report
            .at(&start, "no condition is listed, so the hook never runs")
            .label("no cmds, annotations or hasbindmounts")
            .emit();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::lint::kind::FileKind;
    use crate::lint::{self, Options};

    #[test]
    fn conditions_that_nothing_meets_are_found() {
        let fires = |text: &str| {
            let outcome =
                lint::bytes(Path::new("x.json"), text.as_bytes(), Some(FileKind::Hook), &Options::default()).unwrap();
            outcome.findings.iter().filter(|finding| finding.rule.name == "hook-never-runs").count()
        };
        let hook = |when: &str, stages: &str| {
            format!(r#"{{"version":"1.0.0","hook":{{"path":"/x"}},"when":{when},"stages":{stages}}}"#)
        };
        let cases = [
            ("{}", r#"["prestart"]"#, 1),
            ("null", r#"["prestart"]"#, 1),
            (r#"{"always":false,"commands":["a"]}"#, r#"["prestart"]"#, 1),
            (r#"{"hasBindMounts":false,"always":true}"#, r#"["prestart"]"#, 1),
            (r#"{"commands":[],"annotations":{}}"#, r#"["prestart"]"#, 1),
            (r#"{"always":true}"#, "[]", 1),
            (r#"{"always":true}"#, r#"["prestart"]"#, 0),
            (r#"{"commands":["a"]}"#, r#"["prestart"]"#, 0),
            (r#"{"annotations":{"a":"b"}}"#, r#"["prestart"]"#, 0),
        ];
        for (when, stages, expected) in cases {
            assert_eq!(fires(&hook(when, stages)), expected, "{when} {stages}");
        }
        assert_eq!(fires(r#"{"hook":"/x","stage":["prestart"]}"#), 1);
        assert_eq!(fires(r#"{"hook":"/x","stage":["prestart"],"cmd":["a"]}"#), 0);
        assert_eq!(fires(r#"{"hook":"/x","stage":["prestart"],"annotation":[]}"#), 0);
    }
}
