//! `compose-memory`: settings of a service that do not do what they seem to.

use crate::lint::rule::prelude::*;
use crate::lint::schema::go_units::ram_in_bytes;

pub(super) struct ComposeMemory;

impl Rule for ComposeMemory {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "compose-memory",
            summary: "a memory setting of a compose service that is refused or hangs it",
            group: Group::Killing,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Compose],
            why: prose! {
                /// A service whose setting docker refuses is not started, and one that is never killed hangs or takes
                /// its neighbours with it.
            },
            what: prose! {
                /// In `services`: `oom_kill_disable` is true, by which a service at its limit hangs on cgroup v1 and which
                /// cgroup v2 does not have; `oom_score_adj` is not between -1000 and 1000; or `mem_limit`,
                /// `memswap_limit`, `mem_reservation` or `shm_size` is no size that docker takes. An `oom_score_adj` below 0
                /// is a warning: the kernel kills others first. Values with variables (`${…}`) are not judged.
            },
            fix: prose! {
                /// Write a size such as `512m` and an `oom_score_adj` of 0 or more; `docker compose up -d` makes the
                /// service's container anew.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let services = subject.root().field("services").into_iter().flat_map(Node::children);
        for service in services.filter(|service| service.is_object()) {
            if let Some(node) = service.field("oom_kill_disable").filter(|node| node.boolean() == Some(true)) {
                let message = "oom_kill_disable: at its limit the service hangs instead of being killed (cgroup v1)";
                report.at(&node, message).label("nothing is killed").emit();
            }
            score(service, report);
            for key in ["mem_limit", "memswap_limit", "mem_reservation", "shm_size"] {
                let Some(node) = service.field(key) else { continue };
                let Some(text) = node.text() else { continue };
                let unlimited = key == "memswap_limit" && text == "-1";
                if !text.contains('$') && !unlimited && ram_in_bytes(&text).is_none() {
                    report
                        .at(&node, format!("{key} is {}, which is no size to docker", quote(&text)))
                        .label("refused")
                        .emit();
                }
            }
        }
    }
}

fn score(service: Node<'_>, report: &mut Report<'_>) {
    let Some(node) = service.field("oom_score_adj") else { return };
    let number = node.integer().or_else(|| node.text()?.parse().ok());
    match number {
        Some(number) if !(-1000..=1000).contains(&number) => {
            let message = format!("oom_score_adj is {number}, and the kernel takes -1000 to 1000");
            report.at(&node, message).label("refused").emit();
        }
        Some(number) if number < 0 => report
            .at(&node, format!("oom_score_adj is {number}: the kernel kills others before this service"))
            .label("below 0")
            .severity(Severity::Warning)
            .confidence(Confidence::Medium)
            .emit(),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::lint::finding::Severity;
    use crate::lint::{self, Options};

    #[test]
    fn settings_are_judged_as_docker_does() {
        let found = |setting: &str| {
            let text = format!("services:\n  a:\n    image: x\n    {setting}\n");
            let outcome = lint::bytes(Path::new("compose.yaml"), text.as_bytes(), None, &Options::default()).unwrap();
            let own = outcome.findings.into_iter().filter(|finding| finding.rule.name == "compose-memory");
            own.map(|finding| finding.severity).collect::<Vec<_>>()
        };
        for bad in ["oom_kill_disable: true", "oom_score_adj: -2000", "mem_limit: 5 gigs", "memswap_limit: x"] {
            assert_eq!(found(bad), [Severity::Error], "{bad}");
        }
        assert_eq!(found("oom_score_adj: -500"), [Severity::Warning]);
        for good in [
            "oom_kill_disable: false",
            "oom_score_adj: 500",
            "mem_limit: 512m",
            "mem_limit: 1073741824",
            "mem_limit: ${LIMIT}",
            "memswap_limit: -1",
        ] {
            assert!(found(good).is_empty(), "{good}");
        }
    }
}
