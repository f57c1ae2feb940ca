//! `hook-wrong-stage`: oomshim's hook where it cannot work.

use super::hook_malformed::{STAGES, is_read_by_all};
use crate::lint::change;
use crate::lint::rule::prelude::*;

pub(super) struct HookWrongStage;

impl Rule for HookWrongStage {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "hook-wrong-stage",
            summary: "oomshim-hook at a stage where it cannot set oom_score_adj",
            group: Group::Deployment,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::Unsafe,
            kinds: &[FileKind::Hook],
            why: prose! {
                /// Inside of the container the hook sees another /proc or no process at all, and after the start the
                /// step already runs: oom_score_adj is not set and nothing fails.
            },
            what: prose! {
                /// `hook.path` is oomshim-hook and a stage is createContainer, startContainer, poststart or poststop;
                /// or the stage is precreate and `hook.args` does not say `precreate`, or the other way round. As
                /// createContainer runc hands process 1 while /proc is the host's, and crun hands process 0;
                /// oomshim-hook refuses both. Also precreate in a directory that everybody reads
                /// (`/usr/share/containers/oci/hooks.d`, `/etc/containers/oci/hooks.d`): buildah and `podman build` do
                /// not know that stage, and run no build at all.
            },
            fix: prose! {
                /// Use the stage `createRuntime`; for podman, which filters specs, `precreate` with `"args":
                /// ["oomshim-hook", "precreate"]`, in a directory of its own that `podman --hooks-dir` names.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let root = subject.root();
        let path = root.at(&["hook", "path"]).and_then(Node::text).unwrap_or_default();
        if path.rsplit('/').next() != Some("oomshim-hook") {
            return;
        }
        let args = root.at(&["hook", "args"]).into_iter().flat_map(Node::items);
        let is_filter = args.filter_map(Node::text).any(|argument| argument == "precreate");
        let stages: Vec<Node<'_>> = root.field("stages").into_iter().flat_map(Node::items).collect();
        for stage in &stages {
            let Some(name) = stage.text() else { continue };
            let message = match (name.as_ref(), is_filter) {
                ("precreate", true) if is_read_by_all(subject.name) => {
                    "buildah and `podman build` read this directory too and do not know this stage: no build runs"
                        .to_owned()
                }
                ("createRuntime" | "prestart", false) | ("precreate", true) => continue,
                ("createRuntime" | "prestart", true) => {
                    "at this stage podman hands over a state and not a spec, but the arguments say precreate".to_owned()
                }
                ("precreate", false) => {
                    "at this stage podman hands over a spec, and the arguments do not say precreate".to_owned()
                }
                // `hook-malformed` says it of a stage that nobody knows.
                (name, _) if !STAGES.contains(&name) => continue,
                (name, _) => {
                    format!("at the stage {} it is too late, or the wrong /proc, to set oom_score_adj", quote(name))
                }
            };
            let draft = report.at(stage, message).label("oomshim-hook does nothing here");
            if stages.len() == 1 && !is_filter {
                draft
                    .fix(Safety::Unsafe, "use the stage createRuntime", || {
                        vec![change::replace(*stage, "\"createRuntime\"")]
                    })
                    .emit();
            } else {
                draft.emit();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::lint::{self, Options};

    #[test]
    fn a_filter_where_buildah_reads_it_stops_builds() {
        let text = include_bytes!("../../../hooks/hooks.d/oomshim-precreate.json");
        let found = |file: &str| {
            let outcome = lint::bytes(Path::new(file), text, None, &Options::default()).unwrap();
            outcome.findings.iter().any(|finding| finding.rule.name == "hook-wrong-stage")
        };
        assert!(found("/usr/share/containers/oci/hooks.d/oomshim.json"));
        assert!(!found("hooks/hooks.d/oomshim.json"));
    }
}
