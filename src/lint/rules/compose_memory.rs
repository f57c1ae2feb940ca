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
                /// In `services`: `oom_kill_disable` is true, by which a service at its limit hangs on cgroup v1 and
                /// which cgroup v2 does not have; `oom_score_adj` is no number between -1000 and 1000; `mem_limit`,
                /// `memswap_limit`, `mem_reservation`, `shm_size` or a `memory` below `deploy.resources` is no size
                /// that docker takes; `mem_limit` and the limit below `deploy` differ; a service at -1000 has a limit;
                /// or there is a key such as `memory` or `oom_score`, which Compose refuses. A size with a fraction and
                /// without a unit (`1e9`) is a warning: Compose reads 0, which is no limit. So is an `oom_score_adj`
                /// below 0: the kernel kills others first. Values with variables (`${…}`) are not judged.
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
            if let Some(node) = service.field("oom_kill_disable").filter(|node| is_true(*node)) {
                let message = "oom_kill_disable: at its limit the service hangs instead of being killed (cgroup v1)";
                report.at(&node, message).label("nothing is killed").emit();
            }
            let score = score(service, report);
            let sizes: Vec<_> = SIZES.iter().map(|path| size(service, path, report)).collect();
            let limit = service.at(SIZES[0]).zip(sizes[0]).filter(|(_, bytes)| *bytes > 0);
            let deployed = service.at(SIZES[1]).zip(sizes[1]).filter(|(_, bytes)| *bytes > 0);
            if let (Some((node, one)), Some((other, bytes))) = (limit, deployed)
                && one != bytes
            {
                let message = "mem_limit and deploy.resources.limits.memory differ: Compose refuses the file";
                report.at(&node, message).label("another size").related(&other, "the other limit").emit();
            }
            if let (Some((score, -1000)), Some((node, _))) = (score, limit.or(deployed)) {
                let message = "a limit on a service whose processes may not be killed: at the limit it hangs";
                let draft = report.at(&node, message).label("cannot be enforced");
                draft.related(&score, "because of this oom_score_adj").emit();
            }
            for (wrong, right) in REFUSED {
                if let Some(node) = service.field(wrong) {
                    let message = format!("a service has no key {}; write `{right}`", quote(wrong));
                    report.at(&node.name_span(), message).label("refused").emit();
                }
            }
        }
    }
}

/// The sizes of a service; the first two are its limit.
const SIZES: [&[&str]; 6] = [
    &["mem_limit"],
    &["deploy", "resources", "limits", "memory"],
    &["deploy", "resources", "reservations", "memory"],
    &["memswap_limit"],
    &["mem_reservation"],
    &["shm_size"],
];

/// Keys that people expect and Compose refuses.
const REFUSED: [(&str, &str); 6] = [
    ("memory", "mem_limit"),
    ("memory_limit", "mem_limit"),
    ("memory_swap", "memswap_limit"),
    ("oom_score", "oom_score_adj"),
    ("oom_score_adjust", "oom_score_adj"),
    ("oom_disable", "oom_kill_disable"),
];

/// What Compose takes for true: it casts texts.
fn is_true(node: Node<'_>) -> bool {
    let text = node.text().unwrap_or_default().to_ascii_lowercase();
    node.boolean() == Some(true) || matches!(&*text, "true" | "yes" | "y" | "on")
}

/// The bytes of a size; 0 where there is none. Reports what docker does not take.
fn size(service: Node<'_>, path: &[&str], report: &mut Report<'_>) -> Option<u64> {
    let node = service.at(path)?;
    let key = path.join(".");
    let text = match node.kind() {
        Kind::String => node.text()?.into_owned(),
        Kind::Number => node.integer().map_or_else(|| node.raw().into_owned(), |number| number.to_string()),
        _ => String::new(),
    };
    if text.contains('$') || text.starts_with('-') {
        return None;
    }
    if node.kind() == Kind::Number && node.integer().is_none() {
        let message = format!("{key} is {}, which Compose reads as 0: no limit", quote(&text));
        let draft = report.at(&node, message).label("no whole number").severity(Severity::Warning);
        draft.help("Write whole bytes, or a size such as `512m`.").emit();
        return None;
    }
    let bytes = ram_in_bytes(&text);
    if bytes.is_none() {
        report
            .at(&node, format!("{key} is {}, which is no size to docker", quote(&node.raw())))
            .label("refused")
            .emit();
    }
    bytes
}

fn score<'t>(service: Node<'t>, report: &mut Report<'_>) -> Option<(Node<'t>, i128)> {
    let node = service.field("oom_score_adj")?;
    let text = node.text().unwrap_or_default();
    if text.contains('$') {
        return None;
    }
    match node.integer().or_else(|| text.parse().ok()) {
        None => report
            .at(&node, format!("oom_score_adj is {}, which is no whole number", quote(&node.raw())))
            .label("refused")
            .emit(),
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
        Some(_) => {}
    }
    Some((node, node.integer().or_else(|| text.parse().ok())?))
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
        // Each as compose-go 2.16 said.
        for bad in [
            "oom_kill_disable: true",
            "oom_kill_disable: 'yes'",
            "oom_score_adj: -2000",
            "oom_score_adj: x",
            "oom_score_adj: 5.5",
            "mem_limit: 5 gigs",
            "mem_limit: true",
            "mem_limit: ''",
            "mem_reservation: x",
            "shm_size: 64MiBx",
            "deploy: {resources: {limits: {memory: 50XB}}}",
            "deploy: {resources: {reservations: {memory: 5 gigs}}}",
            "deploy: {resources: {limits: {memory: 50M}}}\n    mem_limit: 60M",
            "memory: 5g",
            "oom_score: 5",
        ] {
            assert_eq!(found(bad), [Severity::Error], "{bad}");
        }
        assert_eq!(found("oom_score_adj: -500"), [Severity::Warning]);
        assert_eq!(found("mem_limit: 1e9"), [Severity::Warning]);
        assert_eq!(found("oom_score_adj: -1000\n    mem_limit: 1g"), [Severity::Warning, Severity::Error]);
        for good in [
            "oom_kill_disable: false",
            "oom_score_adj: 500",
            "oom_score_adj: '500'",
            "oom_score_adj: ${X:-500}",
            "mem_limit: 512m",
            "mem_limit: 512 m",
            "mem_limit: '1e9'",
            "mem_limit: 1073741824",
            "mem_limit: 0",
            "mem_limit: ${LIMIT}",
            "memswap_limit: -1",
            "memswap_limit: '-1'",
            "shm_size: 64MB",
            "deploy: {resources: {limits: {memory: 1g}}}\n    mem_limit: 1024m",
        ] {
            assert!(found(good).is_empty(), "{good}");
        }
    }
}
