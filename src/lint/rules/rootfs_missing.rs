//! `rootfs-missing`: there is nothing to start the container on.

use std::path::Path;

use crate::lint::rule::prelude::*;
use crate::system::os_error::OsError;

pub(super) struct RootfsMissing;

impl Rule for RootfsMissing {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "rootfs-missing",
            summary: "root.path is not a directory",
            group: Group::Shape,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Spec],
            why: prose! {
                /// A runtime enters the directory before anything else, and does not start the container without it.
            },
            what: prose! {
                /// A relative `root.path` is looked for beside a `config.json` that is a real file; an absolute one
                /// only with `--host`, because a spec is often read on another machine than the one it runs on. The
                /// directory must exist and be one.
            },
            fix: prose! {
                /// Create the directory, or name the right one.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let Some(node) = subject.root().at(&["root", "path"]) else { return };
        let Some(text) = node.text().filter(|text| !text.is_empty()) else { return };
        let is_bundle = subject.on_disk && subject.name.file_name().is_some_and(|name| name == "config.json");
        let path = match (text.starts_with('/'), subject.machine) {
            (true, Some(machine)) => machine.path(&text),
            (false, _) if is_bundle => subject.name.parent().unwrap_or(Path::new("")).join(&*text),
            _ => return,
        };
        match std::fs::metadata(&path) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => report
                .at(&node, format!("the root filesystem {} is not a directory", quote(&text)))
                .label("not a directory")
                .emit(),
            Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
                let draft = report.at(&node, format!("the root filesystem {} is not found (ENOENT)", quote(&text)));
                let draft = draft.label("not found");
                if subject.machine.is_none() && is_in_repository(subject.name) {
                    let help = "A bundle in a repository has its root filesystem elsewhere; run `--host` where it is.";
                    draft.severity(Severity::Note).confidence(Confidence::Low).help(help).emit();
                } else {
                    draft.emit();
                }
            }
            Err(error) => {
                report.cannot_judge(format!("cannot look at {text}: {}", OsError::from(error)));
            }
        }
    }
}

/// Whether the file is in the work tree of a git repository, in which nobody keeps root filesystems.
fn is_in_repository(file: &Path) -> bool {
    let real = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    real.ancestors().skip(1).any(|directory| directory.join(".git").exists())
}
