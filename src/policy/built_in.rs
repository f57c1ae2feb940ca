//! The policy that holds where no file says otherwise: what `hooks/policy.toml` says, as values.
//!
//! Values and not the text, because every start of the shim needs them and reading TOML is what it would spend most of
//! its time on. A test reads the file and compares.

use super::class::{Adjust, Class, OomGroup};
use super::guard::{ClassGuard, Guard};
use super::rule::{ClassRef, Condition, Field, Pattern, Rule};
use super::{Policy, Run};
use crate::log::{Level, Log, LogTo};
use crate::spec::annotation;
use crate::system::oom_score_adj::OomScoreAdj;

/// The built-in policy.
#[must_use]
pub fn built_in() -> Policy {
    let unlimited = |name: &str, oom_score_adj, adjust, oom_group| Class {
        name: name.to_owned(),
        oom_score_adj,
        adjust,
        above_engine: None,
        oom_group,
        memory_max: None,
        memory_high: None,
        swap_max: None,
        guard: ClassGuard::of_class(oom_score_adj),
    };
    Policy {
        classes: vec![
            unlimited("build-step", OomScoreAdj::HALF, Adjust::Raise, OomGroup::Set),
            unlimited("daemon", OomScoreAdj::MIN, Adjust::Set, OomGroup::Clear),
        ],
        rules: sandboxes(),
        default: ClassRef::Named("build-step".to_owned()),
        runtime: None,
        flavor: None,
        strict: false,
        log: Log { to: LogTo::Journald, level: Level::Info },
        guard: Guard::default(),
        run: Run::default(),
    }
}

/// The rules that leave the sandboxes of pods alone.
///
/// An annotation alone is not enough, because whoever starts a container may choose any. So each rule also asks for a
/// bundle or a cgroup as only that engine makes them: containerd keeps the tasks of its CRI plugin apart by their
/// namespace `k8s.io`; CRI-O and podman put their name and the container's id, 64 digits, at the end of the cgroup.
/// podman 4.3 marks the infra container of a pod by nothing but its image, whose base has no name.
fn sandboxes() -> Vec<Rule> {
    let id = "?".repeat(64);
    let annotated = |key: &str, value: &str| (Field::Annotation(key.to_owned()), value.to_owned());
    let cri_o = |cgroup: &str| {
        keep([
            annotated(annotation::CRI_O_CONTAINER_TYPE, annotation::SANDBOX),
            (Field::Bundle, "*-containers/*/userdata".to_owned()),
            (Field::Cgroup, format!("{cgroup}{id}")),
        ])
    };
    vec![
        keep([
            annotated(annotation::CRI_CONTAINER_TYPE, annotation::SANDBOX),
            (Field::Bundle, "*/io.containerd.runtime.v2.task/k8s.io/*".to_owned()),
        ]),
        cri_o("*:crio:"),
        cri_o("*/crio-"),
        keep([
            annotated(annotation::MANAGER, annotation::LIBPOD),
            annotated(annotation::BASE_NAME, ""),
            (Field::Arg0, "/catatonit".to_owned()),
            (Field::Cgroup, format!("*libpod?{id}")),
        ]),
    ]
}

fn keep<const N: usize>(conditions: [(Field, String); N]) -> Rule {
    // The globs above are well-formed, which the test of the shipped file sees.
    let condition = |(field, text): (Field, String)| Some(Condition { field, pattern: Pattern::new(&text).ok()? });
    Rule {
        class: ClassRef::Keep,
        conditions: conditions.into_iter().filter_map(condition).collect(),
        trust_workload: false,
        line: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::parse;

    #[test]
    fn the_shipped_file_says_the_same() {
        let nothing = Policy { classes: Vec::new(), rules: Vec::new(), default: ClassRef::Keep, ..built_in() };
        let opposite = Log { to: LogTo::Off, level: Level::Error };
        let nothing = Policy { strict: true, log: opposite, ..nothing };
        let mut shipped = parse::policy(include_str!("../../hooks/policy.toml"), nothing).unwrap();
        assert!(shipped.rules.iter().all(|rule| rule.line.is_some()));
        for rule in &mut shipped.rules {
            rule.line = None;
        }
        assert_eq!(shipped, built_in());
    }
}
