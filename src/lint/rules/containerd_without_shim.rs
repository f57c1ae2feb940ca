//! `containerd-without-shim`: an immune containerd whose containers inherit that.

use crate::lint::deployment::{containerd_doubtful_table, containerd_runtimes, is_shim};
use crate::lint::rule::prelude::*;

pub(super) struct ContainerdWithoutShim;

impl Rule for ContainerdWithoutShim {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "containerd-without-shim",
            summary: "containerd is spared and starts containers by something else than oomshim-runc",
            group: Group::Deployment,
            severity: Severity::Warning,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Containerd],
            why: prose! {
                /// A container without a score of its own gets containerd's plus one: with oom_score = -999 that is
                /// -998, for every `ctr` and every build step.
            },
            what: prose! {
                /// `oom_score` is below 0 and a runc runtime has no `BinaryName`, or one that is not `oomshim-runc`.
                /// Only the table of the file's own version counts: `plugins.cri` in version 1,
                /// `io.containerd.grpc.v1.cri` in 2, `io.containerd.cri.v1.runtime` in 3; without a `version` line it
                /// depends on the release of containerd which of them it reads, and that is reported. The confidence is
                /// low where a `base_runtime_spec` may name the hook. Containers of a kubelet always have a score of
                /// their own and are not concerned.
            },
            fix: prose! {
                /// Set `BinaryName = "/usr/local/bin/oomshim-runc"` in the runtime's options
                /// (`[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]` below `version = 3`),
                /// and pass `--runc-binary` where ctr is used.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let Some(score) = subject.root().field("oom_score") else { return };
        let Some(number) = score.integer().filter(|number| *number < 0) else { return };
        if let Some(table) = containerd_doubtful_table(subject.root()) {
            let message = "without a `version` line it depends on containerd's release whether this table holds";
            return report
                .at(&table.name_span(), message)
                .label("of which version?")
                .confidence(Confidence::Medium)
                .related(&score, "containers without a score of their own get one above this score")
                .emit();
        }
        let runtimes = containerd_runtimes(subject.root());
        if runtimes.is_empty() {
            let message = format!(
                "oom_score is {number} and no runtime is configured: containers without a score of their own get {}",
                number + 1
            );
            return report.at(&score, message).label("handed on").emit();
        }
        for runtime in runtimes {
            let kind = runtime.field("runtime_type").and_then(Node::text).unwrap_or_default();
            if !kind.is_empty() && !kind.contains("runc") {
                continue;
            }
            let binary = runtime.at(&["options", "BinaryName"]);
            if is_shim(subject, &binary.and_then(Node::text).unwrap_or_default()) {
                continue;
            }
            let place = binary.map_or_else(|| runtime.name_span(), Node::span);
            let name = runtime.key().unwrap_or_default();
            // The spec that it names may have a score, or the hook.
            let has_base = runtime.field("base_runtime_spec").and_then(Node::text).is_some_and(|it| !it.is_empty());
            let sure = if has_base { Confidence::Low } else { Confidence::High };
            report
                .at(
                    &place,
                    format!(
                        "containers of the runtime {} that have no score of their own get {}",
                        quote(&name),
                        number + 1
                    ),
                )
                .label("not oomshim-runc")
                .confidence(sure)
                .related(&score, "because of this score")
                .emit();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::lint::finding::Confidence;
    use crate::lint::kind::FileKind;
    use crate::lint::{self, Options};

    const V1: &str = "cri";
    const V2: &str = "io.containerd.grpc.v1.cri";
    const V3: &str = "io.containerd.cri.v1.runtime";

    fn found(version: &str, plugin: &str, runtime: &str) -> Option<(Confidence, String)> {
        let text = format!("{version}oom_score = -999\n[plugins.'{plugin}'.containerd.runtimes.runc]\n{runtime}");
        let name = Path::new("config.toml");
        let outcome = lint::bytes(name, text.as_bytes(), Some(FileKind::Containerd), &Options::default()).unwrap();
        let mut findings = outcome.findings.into_iter().filter(|it| it.rule.name == "containerd-without-shim");
        findings.next().map(|finding| (finding.confidence, finding.message))
    }

    #[test]
    fn only_the_table_of_the_files_own_version_counts() {
        let shim = "options.BinaryName = 'oomshim-runc'\n";
        for (version, own) in [("", V1), ("version = 1\n", V1), ("version = 2\n", V2), ("version = 3\n", V3)] {
            for plugin in [V1, V2, V3] {
                let finding = found(version, plugin, shim);
                assert_eq!(finding.is_none(), plugin == own, "{version}{plugin}: {finding:?}");
                let Some((confidence, message)) = finding else { continue };
                let said = if version.is_empty() { "without a `version` line" } else { "no runtime is configured" };
                let sure = if version.is_empty() { Confidence::Medium } else { Confidence::High };
                assert!(message.contains(said) && confidence == sure, "{version}{plugin}: {message}");
            }
        }
    }

    #[test]
    fn a_base_spec_may_name_the_hook() {
        let of = |runtime: &str| found("version = 3\n", V3, runtime).map(|(confidence, _)| confidence);
        assert_eq!(of("base_runtime_spec = '/etc/containerd/base.json'\n"), Some(Confidence::Low));
        assert_eq!(of("options.SystemdCgroup = true\n"), Some(Confidence::High));
        // An empty name is none.
        assert_eq!(of("base_runtime_spec = ''\n"), Some(Confidence::High));
    }
}
