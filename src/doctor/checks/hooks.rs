//! Hook files: a malformed one stops podman and CRI-O, and a hook whose program is gone is passed over in silence.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::{Finding, Snapshot};
use crate::engines::Launch;
use crate::lint::finding::Severity;
use crate::lint::kind::FileKind;
use crate::lint::{self, LintError, Options};

/// Where podman and CRI-O look by themselves.
const DIRECTORIES: [&str; 2] = ["/usr/share/containers/oci/hooks.d", "/etc/containers/oci/hooks.d"];

/// The rules of the linter whose errors stop every container.
const RULES: [&str; 4] = ["hook-malformed", "hook-never-runs", "not-json", "trailing-data"];

/// The hook's program.
const HOOK: &str = "oomshim-hook";

/// Looks at every hook file that is there.
#[must_use]
pub fn run(machine: &Snapshot) -> Vec<Finding> {
    let files = launch(machine);
    let paths = paths(&files);
    if paths.is_empty() {
        return vec![Finding::pass("there are no hook files")];
    }
    paths.iter().map(|path| judge(&files, path)).collect()
}

/// The hook file, if there is one, by which every container is given its class.
pub(super) fn for_every_container(machine: &Snapshot) -> Option<PathBuf> {
    let files = launch(machine);
    let is_ours = |path: &PathBuf| {
        let bytes = files.read(path).ok().flatten()?;
        let is_taken = flaws(path, &bytes).ok()?.iter().all(|flaw| flaw.severity < Severity::Error);
        let value: Value = serde_json::from_slice(&bytes).ok()?;
        let program = files.find_program(program(&value)?)?;
        let always = value.get("when")?.get("always")?.as_bool()?;
        Some(is_taken && program.real_name == HOOK && always && has_stage(&value, "createRuntime"))
    };
    paths(&files).into_iter().find(|path| is_ours(path) == Some(true))
}

/// What keeps podman and CRI-O from reading the file as it is meant: what `oomshim lint` says about it.
fn flaws(path: &Path, bytes: &[u8]) -> Result<Vec<lint::finding::Finding>, LintError> {
    let outcome = lint::bytes(path, bytes, Some(FileKind::Hook), &Options::default())?;
    let is_flaw =
        |finding: &lint::finding::Finding| RULES.contains(&finding.rule.name) && finding.severity > Severity::Note;
    Ok(outcome.findings.into_iter().filter(is_flaw).collect())
}

fn program(value: &Value) -> Option<&OsStr> {
    value.get("hook")?.get("path")?.as_str().map(OsStr::new)
}

fn has_stage(value: &Value, name: &str) -> bool {
    value.get("stages").and_then(Value::as_array).is_some_and(|stages| stages.iter().any(|stage| stage == name))
}

fn launch(machine: &Snapshot) -> Launch {
    Launch::by_root("podman", machine.files())
}

fn paths(files: &Launch) -> Vec<PathBuf> {
    let all = DIRECTORIES.iter().flat_map(|directory| files.files.list(Path::new(directory)));
    all.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect()
}

fn judge(files: &Launch, path: &Path) -> Finding {
    let shown = crate::text::escape::bytes(path.as_os_str().as_encoded_bytes());
    let bytes = match files.read(path) {
        Ok(bytes) => bytes.unwrap_or_default(),
        Err(error) => return Finding::skipped(error.to_string()),
    };
    let flaws = match flaws(path, &bytes) {
        Ok(flaws) => flaws,
        Err(error) => return Finding::skipped(format!("{shown}: {error}")),
    };
    if let Some(flaw) = flaws.iter().max_by_key(|flaw| flaw.severity) {
        let remedy = format!("`oomshim lint {shown}`");
        return if flaw.severity == Severity::Error {
            let refused = "podman makes no container, and CRI-O does not start";
            Finding::fail(format!("{shown} is malformed ({}): {refused}", flaw.message), remedy)
        } else {
            Finding::warn(format!("{shown}: {}: the hook is never called", flaw.message), remedy)
        };
    }
    let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let Some(program) = program(&value) else {
        // Go also takes `PATH` for `path`.
        return Finding::skipped(format!("{shown} names its program in an unusual way"));
    };
    if files.find_program(program).is_none() {
        return Finding::fail(
            format!(
                "{shown} calls {}, which does not exist or is not executable: the hook is skipped in silence",
                crate::text::escape::bytes(program.as_encoded_bytes())
            ),
            "install it, or take the hook file away",
        );
    }
    if has_stage(&value, "precreate") {
        return Finding::fail(
            format!("{shown} names the stage precreate, which buildah and `podman build` do not know: no build runs"),
            "name `createRuntime`, or move the file to a directory of its own and name that in `hooks_dir` of a containers.conf that is used \
             where nothing is built",
        );
    }
    Finding::pass(format!("{shown} calls {}", crate::text::escape::bytes(program.as_encoded_bytes())))
}

#[cfg(test)]
mod tests {
    use super::super::super::Status;
    use super::super::super::snapshot::tests::fake;
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
        let directory = "etc/containers/oci/hooks.d";
        let files = [
            ("1.json", good.as_str()),
            ("2.json", gone.as_str()),
            ("3.json", "{"),
            ("4.json", r#"{"version":"1.0.0","stages":[]}"#),
            ("5.txt", "{"),
            ("6.json", precreate.as_str()),
        ];
        let files: Vec<(String, &str)> =
            files.iter().map(|(name, text)| (format!("{directory}/{name}"), *text)).collect();
        let mut all: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
        all.push(("usr/bin/oomshim-hook", "x"));
        let (root, machine) = fake(&all);
        std::fs::set_permissions(root.path().join("usr/bin/oomshim-hook"), std::fs::Permissions::from_mode(0o755))
            .unwrap();
        let statuss: Vec<Status> = run(&machine).iter().map(|finding| finding.status).collect();
        assert_eq!(statuss, [Status::Pass, Status::Fail, Status::Fail, Status::Fail, Status::Fail]);
    }

    #[test]
    fn what_podman_and_cri_o_refuse_fails_and_is_not_trusted() {
        let good = r#"{"version":"1.0.0","hook":{"path":"/usr/bin/oomshim-hook"},"when":{"always":true},"stages":["createRuntime"]}"#;
        let cases = [
            (r#"["createRuntime"]"#, r#"["createRuntime","createruntime"]"#, "there is no stage"),
            ("/usr/bin/oomshim-hook", "oomshim-hook", "not absolute"),
            (r#"hook"}"#, r#"hook","timeout":-1}"#, "above 0"),
            (r#""always":true"#, r#""always":"yes""#, "must be"),
            (r#""always":true"#, r#""always":true,"commands":["("]"#, "Go does not compile"),
            ("1.0.0", "1.0.1", "know no version"),
            ("]}", "]", "JSON"),
            ("1.0.0", "1.0.0", ""),
        ];
        for (from, to, said) in cases {
            let text = good.replace(from, to);
            let (root, machine) = fake(&[("etc/containers/oci/hooks.d/x.json", &text), ("usr/bin/oomshim-hook", "x")]);
            let program = root.path().join("usr/bin/oomshim-hook");
            std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).unwrap();
            let findings = run(&machine);
            let expected = if said.is_empty() { Status::Pass } else { Status::Fail };
            assert_eq!((findings.len(), findings[0].status), (1, expected), "{text}: {findings:?}");
            assert!(findings[0].message.contains(said), "{text}: {findings:?}");
            assert_eq!(for_every_container(&machine).is_some(), said.is_empty(), "{text}");
        }
        let never = good.replace(r#""when":{"always":true},"#, "");
        let (_root, machine) = fake(&[("etc/containers/oci/hooks.d/x.json", &never)]);
        assert_eq!(run(&machine)[0].status, Status::Warn, "{:?}", run(&machine));
    }
}
