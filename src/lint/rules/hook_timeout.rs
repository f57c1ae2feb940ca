//! `hook-timeout`: a hook that has no time.

use crate::lint::rule::prelude::*;

pub(super) struct HookTimeout;

const STAGES: [&str; 6] = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];

impl Rule for HookTimeout {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "hook-timeout",
            summary: "a hook's timeout of 0 or less",
            group: Group::Shape,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Spec],
            why: prose! {
                /// runc ends the hook before it begins and refuses the container: "hook ran past specified timeout".
            },
            what: prose! {
                /// A hook of the spec has a `timeout` that is not above 0; the specification wants seconds above 0, and
                /// no member at all for no timeout.
            },
            fix: prose! {
                /// Take `timeout` away, or write seconds.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let hooks = subject.root().field("hooks");
        let all = STAGES.iter().filter_map(|stage| hooks?.field(stage)).flat_map(Node::items);
        for timeout in all.filter_map(|hook| hook.field("timeout")) {
            if timeout.integer().is_some_and(|seconds| seconds <= 0) {
                report
                    .at(&timeout, "a hook with a timeout that is not above 0 fails, and with it the container")
                    .label("seconds above 0")
                    .emit();
            }
        }
    }
}
