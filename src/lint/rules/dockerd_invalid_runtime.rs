//! `dockerd-invalid-runtime`: a runtime with which dockerd does not start.

use crate::lint::dockerd_view::{STOCK, is_containerd_name};
use crate::lint::rule::prelude::*;

pub(super) struct DockerdInvalidRuntime;

impl Rule for DockerdInvalidRuntime {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "dockerd-invalid-runtime",
            summary: "a runtime that dockerd refuses, or a default that is not there",
            group: Group::Deployment,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Dockerd],
            why: prose! {
                /// dockerd does not start with it, and `dockerd --validate` says that all is well.
            },
            what: prose! {
                /// `default-runtime` names neither a member of `runtimes` (in the same letters), nor `runc`, nor a
                /// containerd shim such as `io.containerd.kata.v2`; or a runtime has both `path` and `runtimeType`, or
                /// neither, or `options` beside a `path`, or `runtimeArgs` beside a `runtimeType`. A default that a
                /// flag of dockerd (`--add-runtime`) adds is not seen.
            },
            fix: prose! {
                /// Give each runtime a `path`, `{"path": "/usr/local/bin/oomshim-runc"}`, and nothing else.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let root = subject.root();
        let runtimes = root.field("runtimes");
        if let Some(default) = root.field("default-runtime")
            && let Some(name) = default.text().filter(|name| !name.is_empty())
            && !STOCK.contains(&&*name)
            && !is_containerd_name(&name)
            && runtimes.is_none_or(|runtimes| runtimes.entry_of(&name).is_none())
        {
            report
                .at(
                    &default,
                    format!("the default runtime {} is not in `runtimes`: dockerd does not start", quote(&name)),
                )
                .label("not configured")
                .help("Add it to `runtimes`: `{\"path\": \"/usr/local/bin/oomshim-runc\"}`.")
                .emit();
        }
        for runtime in runtimes.into_iter().flat_map(Node::children).filter(|runtime| runtime.is_object()) {
            let set = |name: &str| {
                let is_set = |node: &Node<'_>| match node.kind() {
                    Kind::String => node.text().is_some_and(|text| !text.is_empty()),
                    _ => node.children().next().is_some(),
                };
                runtime.field(name).filter(is_set)
            };
            let (path, kind) = (set("path"), set("runtimeType"));
            let mut tell = |place: &std::ops::Range<usize>, message: &str| {
                let name = runtime.key().unwrap_or_default();
                report.refused(place, "dockerd", &format!("the runtime {} has {message}", quote(&name))).emit();
            };
            match (path, kind) {
                (None, None) => tell(&runtime.name_span(), "neither a path nor a runtimeType"),
                (Some(_), Some(kind)) => tell(&kind.name_span(), "both a path and a runtimeType"),
                (Some(_), None) => {
                    if let Some(options) = set("options") {
                        tell(&options.name_span(), "options beside a path");
                    }
                }
                (None, Some(_)) => {
                    if let Some(args) = set("runtimeArgs") {
                        tell(&args.name_span(), "runtimeArgs beside a runtimeType");
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::{self, Options};

    #[test]
    fn what_dockerd_refuses_is_found() {
        let fires = |text: &str| {
            let outcome = lint::bytes("daemon.json".as_ref(), text.as_bytes(), None, &Options::default()).unwrap();
            outcome.findings.iter().filter(|finding| finding.rule.name == "dockerd-invalid-runtime").count()
        };
        let runtime = |text: &str| format!(r#"{{"runtimes":{{"a":{text}}}}}"#);
        let cases = [
            (r#"{"default-runtime":"oomshim"}"#.to_owned(), 1),
            (r#"{"default-runtime":"A","runtimes":{"a":{"path":"/x"}}}"#.to_owned(), 1),
            (r#"{"default-runtime":"a","runtimes":{"a":{"path":"/x"}}}"#.to_owned(), 0),
            (r#"{"default-runtime":"runc"}"#.to_owned(), 0),
            (r#"{"default-runtime":"io.containerd.kata.v2"}"#.to_owned(), 0),
            (runtime(r#"{"path":"/x","runtimeType":"io.containerd.runc.v2"}"#), 1),
            (runtime("{}"), 1),
            (runtime(r#"{"path":""}"#), 1),
            (runtime(r#"{"path":"/x","options":{"BinaryName":"y"}}"#), 1),
            (runtime(r#"{"path":"/x","options":{}}"#), 0),
            (runtime(r#"{"runtimeType":"io.containerd.runc.v2","runtimeArgs":["x"]}"#), 1),
            (runtime(r#"{"runtimeType":"io.containerd.runc.v2","options":{"BinaryName":"/y"}}"#), 0),
        ];
        for (text, expected) in cases {
            assert_eq!(fires(&text), expected, "{text}");
        }
    }
}
