//! Whose limit it was that was reached, by the cgroup that ran out and the victim's.

use std::path::Path;

use super::cause::{Cause, Confidence, Verdict, verdict};
use super::owner::{self, Owner};
use crate::registry::Container;
use crate::text::escape;

pub(super) fn shown(path: &Path) -> String {
    escape::bytes(path.as_os_str().as_encoded_bytes())
}

/// `/kubepods.slice (all pods of the node)`
fn shown_with_owner(path: &Path) -> String {
    match owner::here(path) {
        Some(owner @ (Owner::Many(_) | Owner::User(_))) => format!("{} is {owner}", shown(path)),
        _ => String::new(),
    }
}

/// The cgroup that ran out is named, and the victim's.
pub(super) fn limited(limit: &Path, victim: &Path, container: Option<&Container>) -> Verdict {
    let at = shown(limit);
    if !victim.starts_with(limit) {
        return verdict(
            Cause::UnknownLimit,
            Confidence::None,
            format!(
                "the log names cgroup {at}, which is not above the victim's {}: the line is damaged",
                shown(victim)
            ),
        );
    }
    if limit == victim {
        return verdict(
            Cause::OwnLimit,
            Confidence::Certain,
            format!("cgroup {at}, which ran out, is the victim's own"),
        );
    }
    if matches!(owner::here(limit), Some(Owner::Pod(_))) {
        return verdict(
            Cause::PodLimit,
            Confidence::Certain,
            format!("cgroup {at}, which ran out, is that of the victim's pod"),
        );
    }
    let root = match container {
        Some(container) if container.owns(limit) => {
            return verdict(
                Cause::OwnLimit,
                Confidence::Certain,
                format!("cgroup {at}, which ran out, is the container's own"),
            );
        }
        Some(_) => Some(victim.to_owned()),
        // Without a record of the container, only its cgroup's name tells where it begins.
        None => owner::single(victim).map(|(_, root)| root),
    };
    let mut verdict = match root {
        Some(root) if limit.starts_with(&root) => verdict(
            Cause::OwnLimit,
            Confidence::Likely,
            format!("cgroup {at}, which ran out, seems to be inside of the victim's {}", shown(&root)),
        ),
        Some(root) => verdict(
            Cause::SharedLimit,
            Confidence::Certain,
            format!("cgroup {at}, which ran out, is above the victim's {}", shown(&root)),
        ),
        None => verdict(
            Cause::SharedLimit,
            Confidence::Likely,
            format!("cgroup {at}, which ran out, is above the victim's {}", shown(victim)),
        ),
    };
    let whose = shown_with_owner(limit);
    if verdict.cause == Cause::SharedLimit && !whose.is_empty() {
        verdict.evidence.push(whose);
    }
    verdict
}

/// The cgroup that ran out is named, and the line that names the victim's is not in the log.
pub(super) fn limit_alone(limit: &Path) -> Verdict {
    let at = shown(limit);
    let cause = match owner::here(limit) {
        Some(Owner::Pod(_)) => Cause::PodLimit,
        Some(Owner::Many(_) | Owner::User(_)) => Cause::SharedLimit,
        _ => Cause::OwnLimit,
    };
    let mut verdict = verdict(
        cause,
        Confidence::Likely,
        format!("the log names cgroup {at} as the one that ran out, and not the victim's"),
    );
    let whose = shown_with_owner(limit);
    if cause == Cause::SharedLimit && !whose.is_empty() {
        verdict.evidence.push(whose);
    }
    verdict
}
