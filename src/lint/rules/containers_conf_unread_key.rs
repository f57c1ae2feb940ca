//! `containers-conf-unread-key`: a key of containers.conf that podman does not read.

use crate::lint::rule::prelude::*;
use crate::lint::schema::nearest;

pub(super) struct ContainersConfUnreadKey;

impl Rule for ContainersConfUnreadKey {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "containers-conf-unread-key",
            summary: "a key of containers.conf that podman does not read",
            group: Group::Deployment,
            severity: Severity::Warning,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::ContainersConf],
            why: prose! {
                /// podman logs an unknown key at most, so the setting has no effect.
            },
            what: prose! {
                /// A key in `[engine]` is almost one that is about runtimes and hooks, and is none. The one that
                /// containers.conf(5) itself has wrong is `runtime_supports_nocgroups`: podman reads
                /// `runtime_supports_nocgroup`. Other keys are not judged.
            },
            fix: prose! {
                /// Write the key that the message names.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        for member in subject.root().field("engine").into_iter().flat_map(Node::children) {
            let key = member.key().unwrap_or_default();
            // podman's reader takes a key in any case.
            if READ.iter().chain(&OTHERS).any(|read| read.eq_ignore_ascii_case(&key)) {
                continue;
            }
            let Some(meant) = nearest(&key, READ.into_iter()) else { continue };
            report
                .at(&member.name_span(), format!("podman does not read {}; did you mean `{meant}`?", quote(&key)))
                .label("not read")
                .emit();
        }
    }
}

/// The keys about runtimes and hooks (container-libs `common/pkg/config/config.go`).
const READ: [&str; 9] = [
    "runtime",
    "runtimes",
    "runtime_supports_json",
    "runtime_supports_kvm",
    "runtime_supports_nocgroup",
    "hooks_dir",
    "conmon_path",
    "conmon_env_vars",
    "cgroup_manager",
];

/// Keys that are near to one of these and read all the same.
const OTHERS: [&str; 2] = ["runtime_path", "conmonrs_path"];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::lint::{self, Options};

    #[test]
    fn keys_that_podman_does_not_read_are_found() {
        let fires = |key: &str| {
            let text = format!("[engine]\n{key} = ['x']\n");
            let outcome =
                lint::bytes(Path::new("containers.conf"), text.as_bytes(), None, &Options::default()).unwrap();
            outcome.findings.iter().any(|finding| finding.rule.name == "containers-conf-unread-key")
        };
        assert!(fires("runtime_supports_nocgroups") && fires("hook_dir"));
        for read in [
            "runtime_supports_nocgroup",
            "hooks_dir",
            "network_cmd_path",
            "tmp_dir",
            "init_path",
            "conmonrs_path",
            "Hooks_Dir",
        ] {
            assert!(!fires(read), "{read}");
        }
    }
}
