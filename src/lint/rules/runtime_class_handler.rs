//! `runtime-class-handler`: a name of a runtime that no kubelet and no engine takes.

use crate::lint::kubernetes_view::{Object, objects};
use crate::lint::rule::prelude::*;

pub(super) struct RuntimeClassHandler;

impl Rule for RuntimeClassHandler {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "runtime-class-handler",
            summary: "a RuntimeClass whose handler, or a pod whose runtimeClassName, is no name",
            group: Group::Deployment,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Kubernetes],
            why: prose! {
                /// The handler is the name of a runtime in the engine's configuration, not a program: with a path in
                /// its place the API refuses the object, and no pod starts by the shim.
            },
            what: prose! {
                /// `handler` of a RuntimeClass is missing or is no DNS label (lower-case letters, digits and `-`, at
                /// most 63), or `runtimeClassName` of a pod is no DNS subdomain.
            },
            fix: prose! {
                /// Write the name that the runtime has in containerd's
                /// `[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.NAME]` or CRI-O's
                /// `[crio.runtime.runtimes.NAME]`, for instance `oomshim`.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        for object in objects(subject.root()) {
            match object {
                Object::RuntimeClass(class) => match class.field("handler") {
                    None => report
                        .at(
                            &class.field("kind").unwrap_or(class),
                            "the RuntimeClass has no handler: the API refuses it",
                        )
                        .label("no handler")
                        .emit(),
                    Some(handler) => judge(handler, is_label, report),
                },
                Object::Pod(_, spec) => {
                    let is_subdomain = |name: &str| name.len() <= 253 && name.split('.').all(is_label);
                    if let Some(class) = spec.field("runtimeClassName") {
                        judge(class, is_subdomain, report);
                    }
                }
            }
        }
    }
}

fn judge(node: Node<'_>, is_name: impl Fn(&str) -> bool, report: &mut Report<'_>) {
    let text = node.text().unwrap_or_default();
    let is_null = node.kind() == Kind::Null && node.key().is_some_and(|key| key == "runtimeClassName");
    if is_null || is_name(&text) || text.contains(['$', '{']) {
        return;
    }
    let key = node.key().unwrap_or_default();
    report.at(&node, format!("{key} {} is no name: the API refuses it", quote(&node.raw()))).label("refused").emit();
}

/// A label of a DNS name (RFC 1123).
fn is_label(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=63).contains(&name.len())
        && name.bytes().all(|byte| is_letter(byte) || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}
