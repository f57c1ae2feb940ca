//! `hook-binary-missing`: a hook that engines skip without a word.

use crate::lint::rule::prelude::*;
use crate::system::os_error::OsError;

pub(super) struct HookBinaryMissing;

impl Rule for HookBinaryMissing {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "hook-binary-missing",
            summary: "hook.path is no program on this machine (needs --host)",
            group: Group::Deployment,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Hook],
            why: prose! {
                /// podman and CRI-O skip a hook whose program is not there, and say nothing: the protection is gone and
                /// every container still starts.
            },
            what: prose! {
                /// With `--host`: `hook.path` does not exist on this machine, or is no regular file that can be
                /// executed (which makes every container fail).
            },
            fix: prose! {
                /// Install the program, or correct the path.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        use std::os::unix::fs::PermissionsExt;
        let (Some(machine), Some(node)) = (subject.machine, subject.root().at(&["hook", "path"])) else { return };
        let Some(path) = node.text().filter(|path| path.starts_with('/')) else { return };
        match std::fs::metadata(machine.path(&path)) {
            Ok(found) if found.is_file() && found.permissions().mode() & 0o111 != 0 => {}
            Ok(_) => report
                .at(&node, format!("{} is no program: every container fails", quote(&path)))
                .label("cannot be executed")
                .emit(),
            Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
                report
                    .at(&node, format!("{} is not there: engines skip the hook without a word", quote(&path)))
                    .label("not there")
                    .emit();
            }
            Err(error) => {
                report.cannot_judge(format!("cannot look at {path}: {}", OsError::from(error)));
            }
        }
    }
}
