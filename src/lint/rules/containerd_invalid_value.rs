//! `containerd-invalid-value`: a value with which containerd does not start.

use crate::engines::containerd::NEWEST;
use crate::lint::containerd_view::{Containerd, Place};
use crate::lint::rule::prelude::*;

pub(super) struct ContainerdInvalidValue;

impl Rule for ContainerdInvalidValue {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "containerd-invalid-value",
            summary: "a value with which containerd or its CRI plugin does not start",
            group: Group::Deployment,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Containerd],
            why: prose! {
                /// containerd ends at once with such a value; where only the CRI plugin refuses it, containerd runs and
                /// the kubelet finds no runtime. `containerd config dump` shows neither.
            },
            what: prose! {
                /// `oom_score` is not between -1000 and 1000: the kernel refuses it. `version` is below 0, or above 4,
                /// which is the newest that is known. An entry of `disabled_plugins` or `required_plugins` has no dot
                /// in a file of version 2 or later. `default_runtime_name` names no runtime that this file or its
                /// imports configure, `runc` excepted. A `BinaryName` is no string.
            },
            fix: prose! {
                /// Write what the message says, and restart containerd: running containers are not touched.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let root = subject.root();
        let view = Containerd::of(subject);
        if let Some(node) = root.field("oom_score")
            && let Some(number) = node.integer().filter(|number| !(-1000..=1000).contains(number))
        {
            report
                .at(
                    &node,
                    format!("oom_score is {number}, and the kernel takes -1000 to 1000: containerd does not start"),
                )
                .label("out of range")
                .emit();
        }
        if let Some(node) = root.field("version")
            && let Some(version) = view.version.filter(|version| !(0..=i128::from(NEWEST)).contains(version))
        {
            let sure = if version < 0 { Confidence::High } else { Confidence::Medium };
            report
                .at(&node, format!("no containerd reads version {version} of the configuration"))
                .label(format!("at most {NEWEST}"))
                .confidence(sure)
                .emit();
        }
        if view.version.is_some_and(|version| version >= 2) {
            for list in ["disabled_plugins", "required_plugins"] {
                let items = root.field(list).into_iter().flat_map(Node::items);
                for item in items.filter(|item| item.text().is_some_and(|text| !text.contains('.'))) {
                    let name = item.text().unwrap_or_default();
                    report
                        .at(&item, format!("{} is no plugin's name since version 2 of the configuration", quote(&name)))
                        .label("io.containerd.TYPE.VERSION.NAME")
                        .emit();
                }
            }
        }
        default_runtime(&view, report);
        binary_names(root, report);
    }
}

fn default_runtime(view: &Containerd<'_>, report: &mut Report<'_>) {
    let Some((name, Place::Here(node))) = &view.default else { return };
    if name.is_empty() || name == "runc" || view.runtimes.iter().any(|runtime| runtime.name == *name) {
        return;
    }
    report
        .at(node, format!("no runtime is called {}: the CRI plugin does not start", quote(name)))
        .label("not configured")
        .confidence(if view.is_complete() { Confidence::High } else { Confidence::Low })
        .emit();
}

fn binary_names(root: Node<'_>, report: &mut Report<'_>) {
    let plugins = root.field("plugins").into_iter().flat_map(Node::children);
    let runtimes = plugins.filter_map(|plugin| plugin.at(&["containerd", "runtimes"])).flat_map(Node::children);
    for binary in runtimes.filter_map(|runtime| runtime.at(&["options", "BinaryName"])) {
        if binary.text().is_none() {
            report
                .at(&binary, "BinaryName is not a string: no container of this runtime starts")
                .label("write a path")
                .emit();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::lint::kind::FileKind;
    use crate::lint::{self, Options};

    #[test]
    fn what_containerd_refuses_is_found() {
        let fires = |text: &str| {
            let name = Path::new("config.toml");
            let outcome = lint::bytes(name, text.as_bytes(), Some(FileKind::Containerd), &Options::default()).unwrap();
            outcome.findings.iter().filter(|it| it.rule.name == "containerd-invalid-value").count()
        };
        let default = "[plugins.'io.containerd.cri.v1.runtime'.containerd]\ndefault_runtime_name = 'x'\n";
        let cases = [
            ("oom_score = -2000\n", 1),
            ("oom_score = 1001\n", 1),
            ("oom_score = -1000\n", 0),
            ("version = 5\n", 1),
            ("version = -1\n", 1),
            ("version = 4\n", 0),
            ("version = 2\ndisabled_plugins = ['cri']\n", 1),
            ("version = 1\ndisabled_plugins = ['cri']\n", 0),
            ("version = 2\ndisabled_plugins = ['io.containerd.grpc.v1.cri']\n", 0),
            (
                "version = 3\n[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.x.options]\nBinaryName = 5\n",
                1,
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(fires(text), expected, "{text}");
        }
        assert_eq!(fires(&format!("version = 3\n{default}")), 1);
        assert_eq!(
            fires(&format!("version = 3\n{default}[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.x]\n")),
            0
        );
    }
}
