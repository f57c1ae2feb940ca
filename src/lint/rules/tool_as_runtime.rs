//! `tool-as-runtime`: oomshim itself is named where its shim belongs.

use super::runtime_family_changed::runtimes;
use crate::lint::program::Program;
use crate::lint::rule::prelude::*;
use crate::lint::template_view;

pub(super) struct ToolAsRuntime;

impl Rule for ToolAsRuntime {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "tool-as-runtime",
            summary: "oomshim or oomshim-hook is named as a runtime",
            group: Group::Deployment,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[
                FileKind::Containerd,
                FileKind::ContainerdTemplate,
                FileKind::Dockerd,
                FileKind::Buildkitd,
                FileKind::ContainersConf,
                FileKind::Crio,
                FileKind::Nvidia,
            ],
            why: prose! {
                /// `oomshim` is the tool for people and knows no `create`: no container starts. The shim is
                /// `oomshim-runc`.
            },
            what: prose! {
                /// The program of a runtime is called exactly `oomshim` or `oomshim-hook`: containerd's `BinaryName`,
                /// the `path` or `options.BinaryName` of a runtime of dockerd, buildkitd's `[worker.oci] binary` or the
                /// `BinaryName` of its containerd worker, an entry of `[engine.runtimes]` in containers.conf, a
                /// `runtime_path` of CRI-O, or one of nvidia's `runtimes`.
            },
            fix: prose! {
                /// Name `oomshim-runc`, or `oomshim-crun` where crun is the runtime.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        if subject.kind == FileKind::ContainerdTemplate {
            return template(subject, report);
        }
        let root = subject.root();
        let programs: Vec<Node<'_>> = match subject.kind {
            FileKind::Nvidia => {
                root.at(&["nvidia-container-runtime", "runtimes"]).into_iter().flat_map(Node::items).collect()
            }
            FileKind::ContainersConf | FileKind::Crio | FileKind::Dockerd | FileKind::Containerd => {
                runtimes(subject).into_iter().map(|(_, path)| path).collect()
            }
            _ => {
                let oci = root.at(&["worker", "oci", "binary"]);
                oci.into_iter().chain(root.at(&["worker", "containerd", "runtime", "options", "BinaryName"])).collect()
            }
        };
        for program in programs {
            let path = program.text().unwrap_or_default();
            if Program::at(subject, &path) == Program::Tool {
                report
                    .at(&program, format!("{} is no runtime: the shim is oomshim-runc", quote(&path)))
                    .label("no container starts")
                    .emit();
            }
        }
    }
}

fn template(subject: &Subject<'_>, report: &mut Report<'_>) {
    for entry in template_view::read(subject.text).entries.into_iter().filter(|entry| entry.key == "BinaryName") {
        let path = entry.text.unwrap_or_default();
        if Program::at(subject, &path) == Program::Tool {
            report
                .at(&entry.place.span, format!("{} is no runtime: the shim is oomshim-runc", quote(&path)))
                .label("no container starts")
                .emit();
        }
    }
}
