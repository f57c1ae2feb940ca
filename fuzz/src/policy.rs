//! The policy's parser.

use std::path::Path;

use oomshim::policy::file::{self, PolicyError};
use oomshim::policy::{Policy, show};

/// What is accepted reads the same when it is written out again; what is not has a place in the text.
pub fn policy(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let path = Path::new("/etc/oomshim/policy.toml");
    match file::parse(text, path) {
        Ok(policy) => {
            let shown = show::toml(&policy);
            let again = file::parse(&shown, path).unwrap_or_else(|error| panic!("{error}\n{shown}"));
            let count = policy.rules.len();
            assert_eq!(plain(again, count), plain(policy, count), "{shown}");
        }
        Err(error @ PolicyError::Malformed { line, column, .. }) => {
            assert!(line <= text.split('\n').count() && column > 0);
            assert!(!error.to_string().contains('\n'), "{error}");
        }
        Err(error) => panic!("{error}"),
    }
}

/// Without what may differ: the order of the classes, the lines of the rules, and the built-in rules behind them, which
/// stand in what is shown and behind it once more.
fn plain(mut policy: Policy, rules: usize) -> Policy {
    policy.classes.sort_by(|one, other| one.name.cmp(&other.name));
    policy.rules.truncate(rules);
    policy.rules.iter_mut().for_each(|rule| rule.line = None);
    policy
}
