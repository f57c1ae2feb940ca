//! The runtime that oomshim-runc becomes.

use std::ffi::OsStr;

use super::super::{Finding, Snapshot};
use crate::policy::file;
use crate::runtime::locate::{self, SelfExe};

/// Looks whether oomshim-runc is installed, and for the runtime as it would.
#[must_use]
pub fn run(machine: &Snapshot) -> Vec<Finding> {
    if machine.files().program(&machine.shim).is_none() {
        return vec![Finding::warn(format!("{} is not installed", machine.shim.display()), "`make install`")];
    }
    if machine.root != std::path::Path::new("/") {
        return vec![Finding::skipped("the runtime is looked for on the running machine only")];
    }
    let policy = match file::load(machine.policy.as_deref()) {
        Ok(loaded) => loaded.policy,
        // It is the check `policy` that says what is wrong.
        Err(error) => return vec![Finding::skipped(format!("the policy names the runtime: {error}"))],
    };
    let own = SelfExe::of(&machine.roots.proc);
    vec![match locate::locate(policy.configured_runtime(), OsStr::new(crate::engines::SHIM), None, &own) {
        Ok(found) => Finding::pass(format!("{} becomes {}", machine.shim.display(), found.path.display())),
        Err(error) => Finding::fail(error.to_string(), "install runc, or set `path` under [runtime] in the policy"),
    }]
}

#[cfg(test)]
mod tests {
    use super::super::super::Status;
    use super::super::super::snapshot::tests::fake;
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn without_the_shim_there_is_nothing_to_protect_steps() {
        let (root, machine) = fake(&[("usr/bin/oomshim-runc", "x")]);
        assert_eq!(run(&machine)[0].status, Status::Warn, "it cannot be executed");
        std::fs::set_permissions(root.path().join("usr/bin/oomshim-runc"), std::fs::Permissions::from_mode(0o755))
            .unwrap();
        assert_eq!(run(&machine)[0].status, Status::Skipped);
    }
}
