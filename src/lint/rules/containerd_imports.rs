//! `containerd-imports`: imported files that are not there, or are not read.

use crate::lint::containerd_view::{Containerd, Found};
use crate::lint::rule::prelude::*;

pub(super) struct ContainerdImports;

impl Rule for ContainerdImports {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "containerd-imports",
            summary: "an import that stops containerd, or may be left out",
            group: Group::Deployment,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Containerd],
            why: prose! {
                /// containerd does not start when a file that `imports` names is missing; and containerd 2.0 to 2.2
                /// leave out the runtimes of one of two files whose versions differ, without a word.
            },
            what: prose! {
                /// An entry of `imports` without a `*` names no file: an error. A file that it names has another
                /// `version` than this one: a warning of medium confidence, because containerd 2.3 and later read each
                /// file in its own version, and 1.7 does not start with a version that it does not know. Only files
                /// beside this one are looked at, and all of them with `--host`.
            },
            fix: prose! {
                /// Name the drop-ins by a pattern (`imports = ["/etc/containerd/conf.d/*.toml"]`), so that removing one
                /// never leaves its name behind, and give each the `version` of this file.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let view = Containerd::of(subject);
        for import in &view.imports {
            let name = import.node.text().unwrap_or_default();
            match &import.found {
                Found::NotFollowed => {}
                Found::Missing => report
                    .at(&import.node, format!("the import {} does not exist: containerd does not start", quote(&name)))
                    .label("not found")
                    .emit(),
                Found::Files(files) => {
                    let other = files.iter().find(|(_, version)| version.is_some() && *version != view.version);
                    let Some((file, Some(version))) = other else { continue };
                    let name = file.file_name().unwrap_or_default().to_string_lossy();
                    let own = view.version.map_or("no version".to_owned(), |own| format!("version {own}"));
                    report
                        .at(&import.node, format!("{} is of version {version}, and this file of {own}", quote(&name)))
                        .label("containerd 2.0 to 2.2 leave one out")
                        .severity(Severity::Warning)
                        .confidence(Confidence::Medium)
                        .emit();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::lint::finding::Severity;
    use crate::lint::kind::FileKind;
    use crate::lint::{self, Options};

    #[test]
    fn missing_and_mixed_imports_are_told() {
        let top = tempfile::tempdir().unwrap();
        let name = top.path().join("config.toml");
        fs::write(top.path().join("two.toml"), "version = 2\n").unwrap();
        fs::write(top.path().join("none.toml"), "[plugins]\n").unwrap();
        let found = |imports: &str| {
            let text = format!("version = 3\nimports = {imports}\n");
            let options = Options { on_disk: true, ..Options::default() };
            let outcome = lint::bytes(&name, text.as_bytes(), Some(FileKind::Containerd), &options).unwrap();
            let own = outcome.findings.into_iter().filter(|finding| finding.rule.name == "containerd-imports");
            own.map(|finding| finding.severity).collect::<Vec<_>>()
        };
        assert_eq!(found("['absent.toml']"), [Severity::Error]);
        assert_eq!(found("['two.toml', 'none.toml']"), [Severity::Warning]);
        assert!(found("['none.toml', 'absent/*.toml', '/etc/containerd/conf.d/*.toml']").is_empty());
    }
}
