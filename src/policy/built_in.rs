//! The policy that holds where no file says otherwise: what `hooks/policy.toml` says, as values.
//!
//! Values and not the text, because every start of the shim needs them and reading TOML is what it would spend most of
//! its time on. A test reads the file and compares.

use super::Policy;
use super::class::{Adjust, Class};
use super::guard::{ClassGuard, Guard, Order};
use super::rule::{ClassRef, Condition, Field, Pattern, Rule};
use crate::log::{Level, Log, LogTo};
use crate::system::oom_score_adj::OomScoreAdj;

/// How CRI engines mark a pod's pause container: containerd's annotation and CRI-O's.
const SANDBOX: [&str; 2] = ["io.kubernetes.cri.container-type", "io.kubernetes.cri-o.ContainerType"];

/// The built-in policy.
#[must_use]
pub fn built_in() -> Policy {
    let unlimited = |name: &str, score, adjust, oom_group| Class {
        name: name.to_owned(),
        score,
        adjust,
        oom_group,
        memory_max: None,
        memory_high: None,
        swap_max: None,
        guard: ClassGuard {
            order: if score < OomScoreAdj::ZERO { Order::Never } else { Order::Normal },
            ..ClassGuard::default()
        },
    };
    Policy {
        classes: vec![
            unlimited("build-step", OomScoreAdj::HALF, Adjust::Raise, true),
            unlimited("daemon", OomScoreAdj::MIN, Adjust::Set, false),
        ],
        rules: SANDBOX.map(|key| keep(Field::Annotation(key.to_owned()), "sandbox")).into(),
        default: ClassRef::Named("build-step".to_owned()),
        runtime: None,
        flavor: None,
        strict: false,
        log: Log { to: LogTo::Journald, level: Level::Info },
        guard: Guard::default(),
    }
}

fn keep(field: Field, value: &str) -> Rule {
    Rule {
        class: ClassRef::Keep,
        conditions: vec![Condition { field, pattern: Pattern::exactly(value) }],
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
