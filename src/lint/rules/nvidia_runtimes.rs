//! `nvidia-runtimes`: a list from which nvidia's runtime takes another runtime than was meant, or itself.

use crate::lint::program::Program;
use crate::lint::rule::prelude::*;
use crate::lint::{target_host, toml};
use crate::policy;

pub(super) struct NvidiaRuntimes;

impl Rule for NvidiaRuntimes {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "nvidia-runtimes",
            summary: "the list of runtimes of nvidia-container-runtime leads past the shim, in a circle, or nowhere",
            group: Group::Deployment,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Nvidia],
            why: prose! {
                /// nvidia-container-runtime becomes the first runtime of its list that it finds. A shim that stands
                /// behind one that exists is never used, and nothing says so.
            },
            what: prose! {
                /// `runtimes` of `[nvidia-container-runtime]` is no list of strings or is empty, so that no container
                /// starts; names nvidia-container-runtime itself, which then becomes itself for ever; or names a shim
                /// of oomshim behind another runtime (a warning: it is used only where none before it is found). With
                /// `--host` it is an error, too, where `[runtime] path` of the machine's policy leads back to
                /// nvidia-container-runtime.
            },
            fix: prose! {
                /// Write `runtimes = ["oomshim-runc", "runc"]` under `[nvidia-container-runtime]`, and let
                /// `[runtime] path` of oomshim's policy be the real runtime, `/usr/bin/runc`. It holds for every
                /// container that is started from then on.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let Some(list) = subject.root().at(&["nvidia-container-runtime", "runtimes"]) else { return };
        if list.kind() != Kind::Array || list.children().any(|item| item.kind() != Kind::String) {
            return report.at(&list, "runtimes is no list of strings: no container starts").label("refused").emit();
        }
        let items: Vec<_> = list.items().map(|item| (item, item.text().unwrap_or_default())).collect();
        if items.is_empty() {
            return report.at(&list, "runtimes is empty: no container starts").label("nothing to start").emit();
        }
        let programs: Vec<_> = items.iter().map(|(item, path)| (*item, path, Program::at(subject, path))).collect();
        for (item, path, _) in programs.iter().filter(|(.., program)| *program == Program::Nvidia) {
            let message = format!("{} starts itself: every container hangs", quote(path));
            report.at(item, message).label("a circle").emit();
        }
        let first = programs.iter().position(|(.., program)| *program == Program::Shim);
        let (Some(index), Some((shim, path, _))) = (first, first.map(|index| programs[index])) else { return };
        if let Some((before, other, _)) = index.checked_sub(1).map(|index| programs[index]) {
            let message = format!("{} is used only where {} is not found", quote(path), quote(other));
            report
                .at(&shim, message)
                .label("not the first")
                .related(&before, "taken where it exists")
                .severity(Severity::Warning)
                .emit();
        }
        circle(subject, shim, report);
    }
}

/// The shim's own policy may send it back to nvidia's runtime.
fn circle(subject: &Subject<'_>, shim: Node<'_>, report: &mut Report<'_>) {
    let Some(host) = subject.machine else { return };
    let Some(text) = target_host::read(&host.path(policy::file::DEFAULT_PATH)) else { return };
    let Ok(tree) = toml::parse(&text) else { return };
    let path = tree.root().at(&["runtime", "path"]).and_then(Node::text).unwrap_or_default();
    if Program::at(subject, &path) == Program::Nvidia {
        let message = format!("the shim starts {} again, by [runtime] path of the policy: a circle", quote(&path));
        report.at(&shim, message).label("no container starts").emit();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::lint::finding::Severity;
    use crate::lint::{self, Options};

    #[test]
    fn the_list_is_judged_in_its_order() {
        let found = |list: &str| {
            let text = format!("[nvidia-container-runtime]\nruntimes = {list}\n");
            let outcome = lint::bytes(Path::new("config.toml"), text.as_bytes(), None, &Options::default()).unwrap();
            let own = outcome.findings.into_iter().filter(|finding| finding.rule.name == "nvidia-runtimes");
            own.map(|finding| finding.severity).collect::<Vec<_>>()
        };
        for good in ["['oomshim-runc', 'runc']", "['docker-runc', 'runc', 'crun']", "['/usr/local/bin/oomshim-crun']"] {
            assert!(found(good).is_empty(), "{good}");
        }
        for bad in ["[]", "'runc'", "[1]", "['nvidia-container-runtime', 'runc']"] {
            assert_eq!(found(bad), [Severity::Error], "{bad}");
        }
        assert_eq!(found("['runc', 'oomshim-runc']"), [Severity::Warning]);
    }
}
