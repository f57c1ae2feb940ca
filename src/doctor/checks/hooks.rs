//! Hook files: a malformed one stops podman and CRI-O, and a hook whose program is gone is passed over in silence.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::{Finding, Machine};
use crate::engines::Launch;

/// Where podman and CRI-O look by themselves.
const FOLDERS: [&str; 2] = ["/usr/share/containers/oci/hooks.d", "/etc/containers/oci/hooks.d"];

/// The hook's program.
const HOOK: &str = "oomshim-hook";

/// Looks at every hook file that is there.
#[must_use]
pub fn run(machine: &Machine) -> Vec<Finding> {
    let files = launch(machine);
    let paths = paths(&files);
    if paths.is_empty() {
        return vec![Finding::pass("there are no hook files")];
    }
    paths.iter().map(|path| judge(&files, path)).collect()
}

/// The hook file, if there is one, by which every container is given its class.
pub(super) fn for_every_container(machine: &Machine) -> Option<PathBuf> {
    let files = launch(machine);
    let is_ours = |path: &PathBuf| {
        let bytes = files.read(path).ok().flatten()?;
        let value: Value = serde_json::from_slice(&bytes).ok()?;
        let program = files.find_program(OsStr::new(value.get("hook")?.get("path")?.as_str()?))?;
        let always = value.get("when")?.get("always")?.as_bool()?;
        Some(program.real_name == HOOK && always && has_stage(&value, "createRuntime"))
    };
    paths(&files).into_iter().find(|path| is_ours(path) == Some(true))
}

fn has_stage(value: &Value, name: &str) -> bool {
    value.get("stages").and_then(Value::as_array).is_some_and(|stages| stages.iter().any(|stage| stage == name))
}

fn launch(machine: &Machine) -> Launch {
    Launch { root: machine.root.clone(), folder: "/".into(), ..Launch::default() }
}

fn paths(files: &Launch) -> Vec<PathBuf> {
    let all = FOLDERS.iter().flat_map(|folder| files.list(Path::new(folder)));
    all.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect()
}

fn judge(files: &Launch, path: &Path) -> Finding {
    let shown = crate::escape::bytes(path.as_os_str().as_encoded_bytes());
    let bytes = match files.read(path) {
        Ok(bytes) => bytes.unwrap_or_default(),
        Err(error) => return Finding::cannot_judge(error.to_string()),
    };
    let malformed = |why: &str| {
        Finding::fail(
            format!("{shown} {why}: podman makes no container, and CRI-O does not start"),
            format!("`oomshim lint {shown}`"),
        )
    };
    let value: Value = match serde_json::from_slice(&bytes) {
        Ok(value) => value,
        Err(error) => return malformed(&format!("is not JSON ({error})")),
    };
    if value.get("version").and_then(Value::as_str) != Some("1.0.0") {
        return malformed("does not say `\"version\": \"1.0.0\"`");
    }
    if value.get("stages").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        return malformed("names no stages");
    }
    let Some(program) = value.get("hook").and_then(|hook| hook.get("path")).and_then(Value::as_str) else {
        return malformed("names no program");
    };
    if files.find_program(OsStr::new(program)).is_none() {
        return Finding::fail(
            format!(
                "{shown} calls {}, which is not there or not executable: the hook is passed over in silence",
                crate::escape::text(program)
            ),
            "install it, or take the hook file away",
        );
    }
    if has_stage(&value, "precreate") {
        return Finding::fail(
            format!("{shown} names the stage precreate, which buildah and `podman build` do not know: no build runs"),
            "take `createRuntime`, or move the file to a folder of its own for `podman --hooks-dir`",
        );
    }
    Finding::pass(format!("{shown} calls {}", crate::escape::text(program)))
}

#[cfg(test)]
mod tests {
    use super::super::super::Verdict;
    use super::super::super::machine::tests::fake;
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn each_hook_file_is_judged() {
        let hook = |path: &str| {
            format!(
                r#"{{"version":"1.0.0","hook":{{"path":"{path}"}},"when":{{"always":true}},"stages":["createRuntime"]}}"#
            )
        };
        let (good, gone) = (hook("/usr/bin/oomshim-hook"), hook("/usr/bin/gone"));
        let precreate = good.replace("createRuntime", "precreate");
        let folder = "etc/containers/oci/hooks.d";
        let files = [
            ("1.json", good.as_str()),
            ("2.json", gone.as_str()),
            ("3.json", "{"),
            ("4.json", r#"{"version":"1.0.0","stages":[]}"#),
            ("5.txt", "{"),
            ("6.json", precreate.as_str()),
        ];
        let files: Vec<(String, &str)> = files.iter().map(|(name, text)| (format!("{folder}/{name}"), *text)).collect();
        let mut all: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
        all.push(("usr/bin/oomshim-hook", "x"));
        let (root, machine) = fake(&all);
        std::fs::set_permissions(root.path().join("usr/bin/oomshim-hook"), std::fs::Permissions::from_mode(0o755))
            .unwrap();
        let verdicts: Vec<Verdict> = run(&machine).iter().map(|finding| finding.verdict).collect();
        assert_eq!(verdicts, [Verdict::Pass, Verdict::Fail, Verdict::Fail, Verdict::Fail, Verdict::Fail]);
    }
}
