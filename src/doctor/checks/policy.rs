//! The policy: a mistake in it stops every container.

use std::path::Path;

use super::super::{Finding, Snapshot};
use crate::policy::file;

/// Reads the policy as oomshim-runc would.
#[must_use]
pub fn run(machine: &Snapshot) -> Vec<Finding> {
    let named = machine.policy.clone().filter(|path| !path.is_empty());
    let default = machine.root.join(Path::new(file::DEFAULT_PATH).strip_prefix("/").unwrap_or(Path::new("")));
    let path = match named {
        Some(path) => path.into(),
        None if !default.exists() => return vec![Finding::pass("there is no policy file: the built-in policy holds")],
        None => default,
    };
    vec![match file::load(Some(path.as_os_str())) {
        Ok(_) => Finding::pass(format!("{} is valid", path.display())),
        Err(error) => Finding::fail(
            format!("{error}; no container is started until it is right"),
            format!("`oomshim policy check {}`", path.display()),
        ),
    }]
}

#[cfg(test)]
mod tests {
    use super::super::super::Status;
    use super::super::super::snapshot::tests::fake;
    use super::*;

    #[test]
    fn a_mistake_fails_with_its_place() {
        let (_root, machine) = fake(&[("etc/oomshim/policy.toml", "[default]\nclas = \"x\"\n")]);
        let finding = run(&machine).remove(0);
        assert!(finding.status == Status::Fail && finding.message.contains("policy.toml:2:1: "), "{finding:?}");
        let (_root, machine) = fake(&[("etc/oomshim/policy.toml", "")]);
        assert_eq!(run(&machine)[0].status, Status::Pass);
        let (_root, machine) = fake(&[]);
        let named = Snapshot { policy: Some("/absent".into()), ..machine };
        assert_eq!(run(&named)[0].status, Status::Fail);
    }
}
