//! The runtime that oomshim-runc becomes.

use std::ffi::OsStr;

use super::super::{Finding, Machine};
use crate::engines::Launch;
use crate::policy::file;
use crate::runtime::locate::{self, SelfExe};

/// Looks whether oomshim-runc is installed, and for the runtime as it would.
#[must_use]
pub fn run(machine: &Machine) -> Vec<Finding> {
    let files = Launch { root: machine.root.clone(), directory: "/".into(), ..Launch::default() };
    if files.find_program(machine.shim.as_os_str()).is_none() {
        return vec![Finding::warn(format!("{} is not installed", machine.shim.display()), "`make install`")];
    }
    if machine.root != std::path::Path::new("/") {
        return vec![Finding::cannot_judge("the runtime is looked for on the running machine only")];
    }
    let policy = file::load(machine.policy.as_deref()).map(|loaded| loaded.policy);
    let configured = policy.ok().and_then(|policy| policy.runtime);
    let own = SelfExe::of(&machine.roots.proc);
    vec![match locate::locate(configured.as_deref(), None, OsStr::new(crate::engines::SHIM), None, &own) {
        Ok(path) => Finding::pass(format!("{} becomes {}", machine.shim.display(), path.display())),
        Err(error) => Finding::fail(error.to_string(), "install runc, or set `path` under [runtime] in the policy"),
    }]
}

#[cfg(test)]
mod tests {
    use super::super::super::Verdict;
    use super::super::super::machine::tests::fake;
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn without_the_shim_there_is_nothing_to_protect_steps() {
        let (root, machine) = fake(&[("usr/bin/oomshim-runc", "x")]);
        assert_eq!(run(&machine)[0].verdict, Verdict::Warn, "it cannot be executed");
        std::fs::set_permissions(root.path().join("usr/bin/oomshim-runc"), std::fs::Permissions::from_mode(0o755))
            .unwrap();
        assert_eq!(run(&machine)[0].verdict, Verdict::Skipped);
    }
}
