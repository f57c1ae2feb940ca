//! `runtime-not-configured`: a default runtime that the file does not configure.

use crate::lint::rule::prelude::*;

pub(super) struct RuntimeNotConfigured;

impl Rule for RuntimeNotConfigured {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "runtime-not-configured",
            summary: "podman's or CRI-O's default runtime is not among the runtimes of the file",
            group: Group::Deployment,
            severity: Severity::Warning,
            confidence: Confidence::Medium,
            fixable: Fixable::No,
            kinds: &[FileKind::ContainersConf, FileKind::Crio],
            why: prose! {
                /// podman starts nothing by a runtime that it does not find ("default OCI runtime … not found"), and
                /// CRI-O does not start.
            },
            what: prose! {
                /// `runtime` of `[engine]` in containers.conf is neither a path, nor in `[engine.runtimes]`, nor one of
                /// those that podman has by itself (crun, runc, kata, runsc, youki, krun, …); or it is there with an
                /// empty list. `default_runtime` of `[crio.runtime]` is not in `[crio.runtime.runtimes]`, and is
                /// neither crun nor runc. Another file of the same engine may configure it, which is not seen.
            },
            fix: prose! {
                /// Add it: `oomshim-crun = ["/usr/local/bin/oomshim-crun"]` under `[engine.runtimes]`, or
                /// `[crio.runtime.runtimes.oomshim]` with a `runtime_path`.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let root = subject.root();
        let (table, key, own) = match subject.kind {
            FileKind::Crio => (root.at(&["crio", "runtime"]), "default_runtime", &CRIO[..]),
            _ => (root.field("engine"), "runtime", &PODMAN[..]),
        };
        let Some((node, name)) = table.and_then(|table| table.field(key)).and_then(|node| Some((node, node.text()?)))
        else {
            return;
        };
        if name.is_empty() || name.contains('/') {
            return;
        }
        let entry = table.and_then(|table| table.field("runtimes")).and_then(|runtimes| runtimes.entry_of(&name));
        let is_empty = entry.is_some_and(|entry| entry.kind() == Kind::Array && entry.items().next().is_none());
        if is_empty || (entry.is_none() && !own.contains(&&*name)) {
            let message = format!("the default runtime {} is not among the runtimes of this file", quote(&name));
            report.at(&node, message).label(if is_empty { "an empty list" } else { "not configured here" }).emit();
        }
    }
}

/// The runtimes that podman looks for by itself (containers/common `pkg/config/default.go`).
const PODMAN: [&str; 11] =
    ["crun", "crun-vm", "crun-wasm", "runc", "runj", "kata", "kata-runtime", "runsc", "youki", "krun", "ocijail"];
/// Those of CRI-O, whose packages configure them in files of their own.
const CRIO: [&str; 2] = ["crun", "runc"];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::lint::{self, Options};

    #[test]
    fn a_runtime_is_looked_for_as_the_engine_does() {
        let fires = |name: &str, text: &str| {
            let outcome = lint::bytes(Path::new(name), text.as_bytes(), None, &Options::default()).unwrap();
            outcome.findings.iter().any(|finding| finding.rule.name == "runtime-not-configured")
        };
        // Each as podman 4.3 said.
        let podman = |text: &str| fires("containers.conf", &format!("[engine]\n{text}\n"));
        assert!(podman("runtime = 'nope'\n[engine.runtimes]\ncrun = ['/usr/bin/crun']"));
        assert!(podman("runtime = 'x'\n[engine.runtimes]\nx = []"));
        assert!(!podman("runtime = '/usr/bin/crun'") && !podman("runtime = 'crun'"));
        assert!(!podman("runtime = 'x'\n[engine.runtimes]\nx = ['/usr/local/bin/oomshim-crun']"));
        let crio = |text: &str| fires("crio.conf", &format!("[crio.runtime]\n{text}\n"));
        assert!(crio("default_runtime = 'nope'") && !crio("default_runtime = 'crun'"));
        assert!(!crio("default_runtime = 'oomshim'\n[crio.runtime.runtimes.oomshim]\nruntime_path = '/x'"));
    }
}
