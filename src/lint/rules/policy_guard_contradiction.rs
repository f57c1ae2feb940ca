//! `policy-guard-contradiction`: keys of the guard that take back what others say.

use crate::lint::rule::prelude::*;
use crate::policy::Policy;
use crate::policy::class::Size;
use crate::policy::guard::Order;
use crate::system::oom_score_adj::OomScoreAdj;

pub(super) struct PolicyGuardContradiction;

impl Rule for PolicyGuardContradiction {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "policy-guard-contradiction",
            summary: "keys of the guard take back what others say",
            group: Group::Killing,
            severity: Severity::Warning,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Policy],
            why: prose! {
                /// The guard does what all keys say together. Where one takes another back, a host has less protection
                /// than its policy reads, and nothing tells so until memory runs out.
            },
            what: prose! {
                /// A class with `guard = "never"` is the default class, so that the guard has nobody to kill, or has a
                /// `memory_max`, at which its containers may hang for ever, or a `guard_reserve`, which counts for
                /// nobody. In `[guard]`, `never` has a cgroup that `kill` or `watch` has too, or `thrash.below` is not
                /// above `floor`, so that thrash is never seen before memory is exhausted.
            },
            fix: prose! {
                /// Take one of the two away. A class that is to be spared as long as possible has `guard = "last"`.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let Ok(policy) = subject.policy() else { return };
        let root = subject.root();
        for table in root.field("class").into_iter().flat_map(Node::children) {
            class(policy, table, report);
        }
        if let Some(table) = root.field("guard") {
            patterns(table, report);
            thrash(policy, table, report);
        }
    }
}

fn class(policy: &Policy, table: Node<'_>, report: &mut Report<'_>) {
    let Some(class) = table.key().and_then(|name| policy.class(&name)) else { return };
    // Below 0 it is a daemon's, and never killed anyway.
    let Some(never) = table.field("guard").filter(|_| class.guard.order == Order::Never) else { return };
    if class.oom_score_adj < OomScoreAdj::ZERO {
        return;
    }
    let is_default = policy.resolve(&policy.default).is_some_and(|default| default.name == class.name);
    if is_default {
        report
            .at(&never.name_span(), "the default class is never killed: the guard has nobody to kill")
            .label("spares everybody")
            .emit();
    }
    if let Some(limit) = table.field("memory_max") {
        let message =
            "a job of this class may hang at its limit for ever: the guard, which would end it, never kills it";
        report.at(&limit.name_span(), message).label("nobody resolves it").emit();
    }
    if let Some(reserve) = table.field("guard_reserve") {
        report
            .at(&reserve.name_span(), "a reserve of a class that is never killed counts for nobody")
            .label("without effect")
            .emit();
    }
}

/// Cgroups that are named as jobs and as none.
fn patterns(table: Node<'_>, report: &mut Report<'_>) {
    let list = |key| table.field(key).into_iter().flat_map(Node::items);
    for never in list("never") {
        for key in ["kill", "watch"] {
            if list(key).any(|pattern| pattern.text().is_some() && pattern.text() == never.text()) {
                let message = format!("`{key}` has this cgroup too, and `never` wins: it is no job");
                report.at(&never.span(), message).label("takes it back").emit();
            }
        }
    }
}

fn thrash(policy: &Policy, table: Node<'_>, report: &mut Report<'_>) {
    let guard = &policy.guard;
    let is_below = match (guard.thrash_below, guard.floor) {
        (Size::Bytes(below), Size::Bytes(floor)) => below <= floor,
        (Size::Percent(below), Size::Percent(floor)) => below <= floor,
        // That depends on the machine.
        _ => false,
    };
    let place = table.at(&["thrash", "below"]).or_else(|| table.field("floor"));
    if let (true, Some(place)) = (is_below, place) {
        let message = format!(
            "thrash is looked for below {}, which is not above the floor of {}: memory is exhausted before",
            guard.thrash_below, guard.floor
        );
        report.at(&place.name_span(), message).label("never seen").emit();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::lint::kind::FileKind;
    use crate::lint::{self, Options};

    fn found(text: &str) -> Vec<String> {
        let found = lint::bytes(Path::new("p"), text.as_bytes(), Some(FileKind::Policy), &Options::default()).unwrap();
        let own = found.findings.into_iter().filter(|it| it.rule.name == "policy-guard-contradiction");
        own.map(|it| format!("{}: {}", it.place.start.line, it.message)).collect()
    }

    #[test]
    fn each_contradiction_is_found_at_its_line() {
        let class = "[class.x]\noom_score_adj = 500\nguard = \"never\"\n";
        for (text, message) in [
            (format!("{class}[default]\nclass = \"x\"\n"), "3: the default class is never killed"),
            (format!("{class}memory_max = \"1GiB\"\n"), "4: a job of this class may hang"),
            (format!("{class}guard_reserve = \"1GiB\"\n"), "4: a reserve of a class"),
            ("[guard]\nkill = [\"/a/*\"]\nnever = [\"/a/*\"]\n".to_owned(), "3: `kill` has this cgroup too"),
            ("[guard]\nthrash = { below = \"4%\" }\n".to_owned(), "2: thrash is looked for below 4%"),
            ("[guard]\nfloor = \"30%\"\n".to_owned(), "2: thrash is looked for below 25%"),
        ] {
            let found = found(&text);
            assert!(found.len() == 1 && found[0].starts_with(message), "{text}: {found:?}");
        }
    }

    #[test]
    fn what_does_not_contradict_is_left_alone() {
        for text in [
            "[class.x]\noom_score_adj = -900\nmemory_max = \"1GiB\"\n",
            "[class.x]\noom_score_adj = 500\nguard = \"last\"\nmemory_max = \"1GiB\"\nguard_reserve = \"1GiB\"\n",
            "[guard]\nkill = [\"/a/*\"]\nnever = [\"/a/keep\"]\nfloor = \"4GiB\"\n",
            "",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }
}
