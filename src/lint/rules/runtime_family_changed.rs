//! `runtime-family-changed`: a runtime's name that leads to a shim of another family.

use crate::lint::dockerd_view;
use crate::lint::rule::prelude::*;

pub(super) struct RuntimeFamilyChanged;

impl Rule for RuntimeFamilyChanged {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "runtime-family-changed",
            summary: "a runtime's name that leads to the shim of another one",
            group: Group::Deployment,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::ContainersConf, FileKind::Crio, FileKind::Dockerd, FileKind::Containerd],
            why: prose! {
                /// By the name `oomshim-runc` the shim becomes runc. Containers that crun made cannot be stopped
                /// through it, and `delete --force` removes their state and leaves their processes alive.
            },
            what: prose! {
                /// In containers.conf an entry of `[engine.runtimes]`, in crio.conf the `runtime_path` of a runtime, in
                /// daemon.json the program of one, or in containerd's config.toml the `BinaryName` of one is called
                /// `crun` or `krun` and names `oomshim-runc`, or is called `runc` and names `oomshim-crun`.
            },
            fix: prose! {
                /// Keep the family: `oomshim-crun` for crun. Better give the shim a name of its own (`oomshim-crun =
                /// ["/usr/local/bin/oomshim-crun"]`) and make that the default: containers that exist go on with the
                /// runtime that made them.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        for (name, path) in runtimes(subject) {
            let text = path.text().unwrap_or_default();
            let file = text.rsplit('/').next().unwrap_or_default();
            if matches!((&*name, file), ("crun" | "krun", "oomshim-runc") | ("runc", "oomshim-crun")) {
                report
                    .at(
                        &path,
                        format!("the runtime {} leads to {file}: containers that {name} made are lost", quote(&name)),
                    )
                    .label("of another family")
                    .emit();
            }
        }
    }
}

/// The names of runtimes, each with the programs that it leads to.
pub(super) fn runtimes<'t>(subject: &Subject<'t>) -> Vec<(String, Node<'t>)> {
    let root = subject.root();
    let table = match subject.kind {
        FileKind::Crio => root.at(&["crio", "runtime", "runtimes"]),
        FileKind::Dockerd => root.field("runtimes"),
        _ => root.at(&["engine", "runtimes"]),
    };
    let plugins = || root.field("plugins").into_iter().flat_map(Node::children);
    let entries: Vec<_> = match subject.kind {
        FileKind::Containerd => plugins().filter_map(|plugin| plugin.at(&["containerd", "runtimes"])).collect(),
        _ => table.into_iter().collect(),
    };
    let programs = entries.into_iter().flat_map(Node::children).flat_map(|entry| {
        let name = entry.key().unwrap_or_default().into_owned();
        let paths: Vec<_> = match subject.kind {
            FileKind::Crio => entry.field("runtime_path").into_iter().collect(),
            FileKind::Dockerd => dockerd_view::program(entry).into_iter().collect(),
            FileKind::Containerd => entry.at(&["options", "BinaryName"]).into_iter().collect(),
            _ => entry.items().collect(),
        };
        paths.into_iter().map(move |path| (name.clone(), path))
    });
    programs.collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::lint::{self, Options};

    #[test]
    fn a_name_keeps_its_family() {
        let fires = |name: &str, text: &str| {
            let outcome = lint::bytes(Path::new(name), text.as_bytes(), None, &Options::default()).unwrap();
            outcome.findings.iter().any(|finding| finding.rule.name == "runtime-family-changed")
        };
        let podman = |entry: &str| fires("containers.conf", &format!("[engine.runtimes]\n{entry}\n"));
        assert!(podman("crun = ['/usr/local/bin/oomshim-runc']"));
        assert!(podman("runc = ['/usr/bin/runc', '/usr/local/bin/oomshim-crun']"));
        assert!(
            !podman("crun = ['/usr/local/bin/oomshim-crun']")
                && !podman("oomshim-runc = ['/usr/local/bin/oomshim-runc']")
        );
        let crio = |name: &str, path: &str| {
            fires("crio.conf", &format!("[crio.runtime.runtimes.{name}]\nruntime_path = '{path}'\n"))
        };
        let dockerd = |name: &str| {
            fires(
                "daemon.json",
                &format!("{{\"runtimes\":{{\"{name}\":{{\"path\":\"/usr/local/bin/oomshim-runc\"}}}}}}"),
            )
        };
        assert!(dockerd("crun") && !dockerd("oomshim"));
        let plugin = "plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.crun.options";
        assert!(fires(
            "config.toml",
            &format!("version = 3\n[{plugin}]\nBinaryName = '/usr/local/bin/oomshim-runc'\n")
        ));
        assert!(crio("crun", "/usr/local/bin/oomshim-runc") && !crio("oomshim", "/usr/local/bin/oomshim-runc"));
    }
}
