//! `containerd-without-shim`: an immune containerd whose containers inherit that.

use crate::lint::containerd_view::{Containerd, importer};
use crate::lint::program::{NVIDIA, Program, shim_for};
use crate::lint::rule::prelude::*;

pub(super) struct ContainerdWithoutShim;

impl Rule for ContainerdWithoutShim {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "containerd-without-shim",
            summary: "containerd has a negative oom_score and starts containers without oomshim-runc",
            group: Group::Deployment,
            severity: Severity::Warning,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Containerd],
            why: prose! {
                /// A container without an oom_score_adj of its own gets containerd's plus one: with oom_score = -999
                /// that is -998, for every `ctr` and every build step.
            },
            what: prose! {
                /// `oom_score` is from -1000 to -1 and a runc runtime has no `BinaryName`, or one that is not
                /// `oomshim-runc`. Files that `imports` names are read too where they are beside this one, or with
                /// `--host`; where they cannot be read the confidence is low. The tables of each file's own version
                /// count: `plugins.cri` in version 1, `io.containerd.grpc.v1.cri` in 2, `io.containerd.cri.v1.runtime`
                /// in 3 and 4. The confidence is low, too, where a `base_runtime_spec` may name the hook. Containers of
                /// a kubelet always have an oom_score_adj of their own and are not concerned. A file that a
                /// `config.toml` beside or above it imports is judged with that one.
            },
            fix: prose! {
                /// Set `BinaryName = "/usr/local/bin/oomshim-runc"` in the runtime's options
                /// (`[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]` in version 3 and 4) and
                /// restart containerd: running containers go on with the runtime that made them. Pass `--runc-binary`
                /// where ctr is used.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let view = Containerd::of(subject);
        let Some((number, score)) = view.score.as_ref().filter(|(number, _)| (-1000..0).contains(number)) else {
            return;
        };
        // What belongs to another file is judged there; what a table of another version says,
        // `containerd-other-version`.
        if importer(subject).is_some() || (view.runtimes.is_empty() && !view.others.is_empty()) {
            return;
        }
        let inherited = number + 1;
        if view.runtimes.is_empty() {
            let message = format!(
                "oom_score is {number}{} and no runtime is configured: containers without an oom_score_adj of their own \
                 get {inherited}",
                score.suffix()
            );
            let sure = if view.is_complete() { Confidence::High } else { Confidence::Low };
            return report.at(&score.node(), message).label("inherited").confidence(sure).emit();
        }
        for runtime in &view.runtimes {
            let is_runc = runtime.kind.is_empty() || runtime.kind.contains("runc");
            let program = Program::at(subject, &runtime.binary);
            // `tool-as-runtime` says it of the tool.
            if !is_runc || matches!(program, Program::Shim | Program::Tool) {
                continue;
            }
            // The spec that it names may have an oom_score_adj, or the hook.
            let sure = if runtime.has_base || !view.is_complete() { Confidence::Low } else { Confidence::High };
            let message = format!(
                "containers of the runtime {}{} that have no oom_score_adj of their own get {inherited}",
                quote(&runtime.name),
                runtime.place.suffix()
            );
            let place = binary_or_name(runtime.place.node());
            let draft = report
                .at(&place, message)
                .label("not oomshim-runc")
                .confidence(sure)
                .related(&score.node(), "because of this oom_score");
            match program {
                Program::Nvidia => draft.help(NVIDIA).emit(),
                _ if shim_for(&runtime.binary) != "oomshim-runc" => {
                    let shim = shim_for(&runtime.binary);
                    draft
                        .help(format!(
                            "Set `BinaryName = \"/usr/local/bin/{shim}\"`, which keeps the runtime's family, and restart \
                             containerd: running containers go on with the runtime that made them."
                        ))
                        .emit();
                }
                _ => draft.emit(),
            }
        }
    }
}

/// The value of `BinaryName` where the runtime's table is in this file and has one, else the table's name.
fn binary_or_name(node: Node<'_>) -> std::ops::Range<usize> {
    node.at(&["options", "BinaryName"]).map_or_else(|| node.name_span(), Node::span)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use crate::lint::finding::Confidence;
    use crate::lint::kind::FileKind;
    use crate::lint::{self, Options};

    const V1: &str = "cri";
    const V2: &str = "io.containerd.grpc.v1.cri";
    const V3: &str = "io.containerd.cri.v1.runtime";

    fn judge(name: &Path, text: &str, on_disk: bool) -> Vec<(Confidence, String)> {
        let options = Options { on_disk, ..Options::default() };
        let outcome = lint::bytes(name, text.as_bytes(), Some(FileKind::Containerd), &options).unwrap();
        let own = outcome.findings.into_iter().filter(|it| it.rule.name == "containerd-without-shim");
        own.map(|finding| (finding.confidence, finding.message)).collect()
    }

    fn found(version: &str, plugin: &str, runtime: &str) -> Option<(Confidence, String)> {
        let text = format!("{version}oom_score = -999\n[plugins.'{plugin}'.containerd.runtimes.runc]\n{runtime}");
        judge(Path::new("config.toml"), &text, false).pop()
    }

    #[test]
    fn tables_of_the_own_version_count() {
        let versions =
            [("", V1), ("version = 1\n", V1), ("version = 2\n", V2), ("version = 3\n", V3), ("version = 4\n", V3)];
        for (version, plugin) in versions {
            assert_eq!(found(version, plugin, "options.BinaryName = 'oomshim-runc'\n"), None, "{version}{plugin}");
            let (confidence, message) = found(version, plugin, "options.BinaryName = ''\n").unwrap();
            assert!(message.contains("the runtime `runc` ") && confidence == Confidence::High, "{version}: {message}");
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

    #[test]
    fn imports_beside_the_file_are_read() {
        let top = tempfile::tempdir().unwrap();
        let at = |name: &str| top.path().join(name);
        fs::create_dir(at("conf.d")).unwrap();
        let shim =
            format!("version = 2\n[plugins.'{V2}'.containerd.runtimes.runc.options]\nBinaryName = 'oomshim-runc'\n");
        let plain = format!("[plugins.'{V2}'.containerd.runtimes.runc]\nruntime_type = 'io.containerd.runc.v2'\n");
        fs::write(at("conf.d/shim.toml"), &shim).unwrap();
        fs::write(at("conf.d/score.toml"), "version = 2\noom_score = -999\n").unwrap();
        fs::write(at("conf.d/more.toml"), "version = 2\nimports = ['score.toml']\n").unwrap();
        let judged = |imports: &str, rest: &str| {
            let text = format!("version = 2\nimports = {imports}\n{rest}");
            fs::write(at("config.toml"), &text).unwrap();
            judge(&at("config.toml"), &text, true)
        };
        assert!(judged("['conf.d/*.toml']", "oom_score = -999\n").is_empty());
        let all = judged("['conf.d/more.toml']", &plain);
        assert!(all.len() == 1 && all[0].0 == Confidence::High, "{all:?}");
        let unread = judged("['/somewhere/else/*.toml']", "oom_score = -999\n");
        assert!(unread.len() == 1 && unread[0].0 == Confidence::Low, "{unread:?}");
        let absolute = format!("['{}/conf.d/s*.toml']", fs::canonicalize(top.path()).unwrap().display());
        assert!(judged(&absolute, "").is_empty());
        // A file that another one imports is judged with that one.
        assert!(judge(&at("conf.d/score.toml"), "version = 2\noom_score = -999\n", true).is_empty());
        // Files that import each other end.
        fs::write(at("conf.d/score.toml"), "imports = ['more.toml']\nversion = 2\noom_score = -999\n").unwrap();
        assert_eq!(judged("['conf.d/*.toml']", "").len(), 0);
    }

    #[test]
    fn what_is_named_decides_what_is_advised() {
        let help = |binary: &str| {
            let text = format!(
                "version = 3\noom_score = -999\n[plugins.'{V3}'.containerd.runtimes.x.options]\nBinaryName = '{binary}'\n"
            );
            let outcome =
                lint::bytes(Path::new("config.toml"), text.as_bytes(), Some(FileKind::Containerd), &Options::default())
                    .unwrap();
            outcome.findings.into_iter().find(|it| it.rule.name == "containerd-without-shim").map(|it| it.help)
        };
        assert!(help("/usr/bin/crun").unwrap().contains("/usr/local/bin/oomshim-crun"));
        let nvidia = help("/usr/bin/nvidia-container-runtime").unwrap();
        assert!(
            nvidia.contains("Leave nvidia") && nvidia.contains("/etc/nvidia-container-runtime/config.toml"),
            "{nvidia}"
        );
        assert_eq!(help("/usr/local/bin/oomshim"), None);
    }
}
