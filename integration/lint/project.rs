//! How the tool fits into a project: what is left out, settings, a baseline, other formats, standard input with a name.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use oomshim::lint::kind::FileKind;

use super::tool::{lint, run, run_with_input};

const FIRES: &str = "testdata/lint/oom-score-adj-unset/fires.json";

/// A repository with a spec at each of those paths.
fn project(specs: &[&str]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join(".git")).unwrap();
    for spec in specs {
        let path = directory.path().join(spec);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(FIRES, path).unwrap();
    }
    directory
}

fn at(directory: &Path, args: &[&str]) -> (i32, String, String) {
    let output = lint(args).current_dir(directory).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn files(directory: &Path, args: &[&str]) -> Vec<String> {
    let (_, out, err) = at(directory, &[&["--list"], args].concat());
    let name = |line: &str| line.strip_suffix(": spec").unwrap_or_else(|| panic!("{line} {err}")).to_owned();
    out.lines().map(name).collect()
}

#[test]
fn gitignore_and_exclude_leave_files_out() {
    let project = project(&["a.json", "out/b.json", "deep/c.json", "deep/vendor/d.json"]);
    let root = project.path();
    fs::write(root.join(".gitignore"), "/out\n").unwrap();
    assert_eq!(files(root, &["."]), ["./a.json", "./deep/c.json", "./deep/vendor/d.json"]);
    assert_eq!(files(root, &[".", "--no-gitignore"]).len(), 4);
    assert_eq!(files(root, &[".", "--exclude", "vendor", "--exclude", "/a.json"]), ["./deep/c.json"]);
    // What is named is judged whatever .gitignore says, and left out where --exclude says so.
    assert_eq!(files(root, &["out/b.json", "a.json", "--exclude", "/a.json"]), ["out/b.json"]);
    let (status, _, err) = at(root, &[".", "--exclude", "a{"]);
    assert!(status == 2 && err.contains("--exclude: "), "{err}");
}

#[test]
fn the_settings_of_a_project_count() {
    let project = project(&["a.json", "sub/b.json", "vendor/c.json"]);
    let root = project.path();
    assert_eq!(at(root, &["."]).0, 1);
    fs::write(root.join(".oomshim-lint.toml"), "exclude = ['/vendor']\nfail-on = 'error'\nignore = ['memory']\n")
        .unwrap();
    assert_eq!(at(root, &["."]).0, 0);
    assert_eq!(files(root, &["."]), ["./a.json", "./sub/b.json"]);
    assert_eq!(files(&root.join("sub"), &["..", "--no-config"]).len(), 3);
    assert_eq!(at(&root.join("sub"), &["b.json", "--fail-on", "warning"]).0, 1, "the command line comes first");
    for (text, expected) in
        [("fail-on = 'bad'", "fail-on is one of note, warning, error"), ("x = 1", "unknown field `x`")]
    {
        fs::write(root.join(".oomshim-lint.toml"), text).unwrap();
        let (status, _, err) = at(root, &["."]);
        assert!(status == 2 && err.contains(expected), "{err}");
    }
    let (status, _, err) = at(root, &[".", "--config", "absent.toml"]);
    assert!(status == 2 && err.contains("cannot read absent.toml"), "{err}");
}

#[test]
fn a_baseline_hides_what_was_there() {
    let project = project(&["a.json", "b.json"]);
    let root = project.path();
    let (status, out, _) = at(root, &[".", "--write-baseline", "known.json"]);
    assert!(status == 0 && out.ends_with(" findings are in the baseline known.json\n"), "{out}");
    let (status, out, _) = at(root, &[".", "--baseline", "known.json"]);
    assert!(status == 0 && out.contains("nothing found in 2 files (") && out.contains(" in the baseline)"), "{out}");
    // What is new is told, and nothing that was there.
    let text = fs::read_to_string(root.join("a.json")).unwrap();
    fs::write(root.join("a.json"), text.replacen('{', "{\n\"linuxx\": 1,", 1)).unwrap();
    let (status, out, _) = at(root, &[".", "--baseline", "known.json", "--format", "oneline"]);
    assert!(status == 1 && out.lines().count() == 1 && out.contains("a.json:2:1: warning: "), "{out}");
    fs::write(root.join("known.json"), "{}").unwrap();
    let (status, _, err) = at(root, &[".", "--baseline", "known.json"]);
    assert!(status == 2 && err.contains("make it anew with --write-baseline"), "{err}");
}

#[test]
fn a_line_for_each_finding() {
    let said = run(["--format", "oneline", "--select", "oom-score-adj-unset", FIRES]);
    let message = "no oomScoreAdj: the step inherits the oom_score_adj of the engine that starts it";
    assert_eq!(said.out, format!("{FIRES}:3:3: warning: {message} [oom-score-adj-unset]\n"));
}

#[test]
fn gitlab_gets_unique_fingerprints() {
    let project = project(&["a.json", "b.json"]);
    let (_, out, _) = at(project.path(), &[".", "--format", "gitlab"]);
    let value: Value = serde_json::from_str(&out).unwrap();
    let issues = value.as_array().unwrap();
    let prints: std::collections::BTreeSet<_> =
        issues.iter().map(|issue| issue["fingerprint"].as_str().unwrap()).collect();
    assert!(issues.len() >= 2 && prints.len() == issues.len());
    assert_eq!(issues[0]["location"]["path"], "a.json");
    assert!(issues.iter().all(|it| ["info", "major", "critical"].contains(&it["severity"].as_str().unwrap())));
}

#[test]
fn junit_counts_what_it_lists() {
    let directory = tempfile::tempdir().unwrap();
    let odd = directory.path().join("a<b>&\"\u{1b}.json");
    fs::copy(FIRES, &odd).unwrap();
    let said = run([
        Path::new("--format=junit"),
        &odd,
        "testdata/lint/oom-score-adj-unset/clean.json".as_ref(),
        "absent".as_ref(),
    ]);
    let cases = said.out.matches("<testcase ").count();
    assert!(
        said.out.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"oomshim lint\" "),
        "{}",
        said.out
    );
    assert!(said.out.contains(&format!("tests=\"{cases}\"")) && said.out.contains("errors=\"1\""), "{}", said.out);
    assert!(said.out.contains("a&lt;b&gt;&amp;&quot;\\u{1b}.json") && !said.out.contains('\x1b'), "{}", said.out);
}

#[test]
fn sarif_says_of_a_rule_once_what_is_the_rules() {
    let project = project(&[]);
    let many: String = (0..2000).map(|_| "\"process\":{\"oomScoreAdj\":-5},").collect();
    for number in 0..20 {
        let spec = format!("{{\"ociVersion\":\"1.0.0\",{many}\"root\":{{\"path\":\"r\"}}}}");
        fs::write(project.path().join(format!("{number}.json")), spec).unwrap();
    }
    let size = |path: &str| {
        let (_, out, _) = at(project.path(), &[path, "--format", "sarif"]);
        let value: Value = serde_json::from_str(&out).unwrap();
        (out.len(), value["runs"][0]["results"].as_array().unwrap().len())
    };
    let ((one, few), (all, many)) = (size("0.json"), size("."));
    let each = (all - one) / (many - few);
    assert!(many >= 20 * few && each < 1000, "{each} bytes for each of {many} findings");
}

#[test]
fn standard_input_can_have_a_name() {
    let toml = b"[worker.oci]\nbinary = \"/usr/bin/runc\"\n";
    let said = run_with_input(&["-", "--stdin-filename", "x/buildkitd.toml", "--format", "oneline"], toml);
    assert!(said.status == 1 && said.out.starts_with("x/buildkitd.toml:2:"), "{said:?}");
    let said = run_with_input(&["-", "--stdin-filename", "x/readme.yaml"], toml);
    assert_eq!(said.status, 2, "{said:?}");
}

#[test]
fn nothing_to_judge_can_be_fine() {
    assert_eq!(run(["Cargo.toml"]).status, 2);
    assert_eq!(run(["Cargo.toml", "--allow-none"]).status, 0);
    assert_eq!(run(["absent.json", "--allow-none"]).status, 2);
}

#[test]
fn the_list_says_what_rests_on_a_name() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("daemon.json"), "{}").unwrap();
    fs::write(directory.path().join("other.json"), "{}").unwrap();
    let (status, out, _) = at(directory.path(), &["--list", "daemon.json", "other.json"]);
    let expected = "daemon.json: dockerd by its name (never changed)\nother.json: skipped: no kind of file that is judged here; if it is one all the same, say which with --kind\n";
    assert_eq!((status, out.as_str()), (0, expected));
}

#[test]
fn arguments_are_escaped_where_they_are_quoted() {
    for args in [&["--format", "x\x1b[2J"][..], &["--\x1b[31m\u{202e}"], &[FIRES, "--select", "\x1b[2J"]] {
        let said = run(args);
        assert!(said.status == 2 && !said.err.is_empty() && !said.err.contains(['\x1b', '\u{202e}']), "{said:?}");
    }
}

#[test]
fn colour_is_what_the_person_says() {
    let shown = |args: &[&str]| run(args.iter().copied().chain([FIRES])).out;
    assert!(shown(&["--color", "always"]).contains("\x1b["));
    assert!(!shown(&[]).contains('\x1b') && !shown(&["--color", "never"]).contains('\x1b'));
    assert!(run(["--color", "blue", FIRES]).err.contains("[possible values: auto, always, never]"));
}

/// The hook that pre-commit runs is a command line that the tool takes.
#[test]
fn the_pre_commit_hook_works() {
    let hooks = fs::read_to_string(".pre-commit-hooks.yaml").unwrap();
    let entry = hooks.lines().find_map(|line| line.trim().strip_prefix("entry: oomshim lint ")).unwrap();
    let args: Vec<&str> = entry.split(' ').collect();
    assert_eq!(run(args.iter().copied().chain(["Cargo.toml", "README.md"])).status, 0);
    assert_eq!(run(args.iter().copied().chain(["Cargo.toml", FIRES])).status, 1);
    let listed = Command::new("git").args(["ls-files", "*.json", "*.toml", "*.md", ":!testdata/install"]).output();
    let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
    assert!(run(args.into_iter().chain(listed.lines())).status < 2);
}

/// Names under which files of each kind are kept, and under which others are.
const NAMES: [&str; 22] = [
    "b/config.json",
    "hooks.d/oomshim.json",
    "etc/docker/daemon.json",
    "inspect.json",
    "etc/oomshim/policy.toml",
    "buildkitd.toml",
    "etc/containerd/config.toml",
    "agent/etc/containerd/config.toml.tmpl",
    "agent/etc/containerd/config-v3.toml.tmpl",
    "etc/nvidia-container-runtime/config.toml",
    "etc/crio/crio.conf",
    "etc/crio/crio.conf.d/10-oomshim",
    "etc/crio/crio.conf.d/10-oomshim.conf",
    "etc/containers/containers.conf",
    "etc/containers/containers.conf.d/oomshim.conf",
    "docker.service",
    "build.slice",
    "x.scope",
    "docker.service.d/oom.conf",
    "build.slice.d/oom.conf",
    "compose.yaml",
    "deploy/pod.yml",
];

#[test]
fn the_hook_of_pre_commit_gets_every_kind() {
    let text = fs::read_to_string(".pre-commit-hooks.yaml").unwrap();
    let patterns: Vec<_> = text.split("files: |\n").skip(1).map(|rest| rest.split("\n- ").next().unwrap()).collect();
    assert_eq!(patterns.len(), text.matches("\n- id:").count(), "every hook has a pattern");
    for pattern in patterns {
        let pattern = regex::Regex::new(pattern.trim()).unwrap();
        for (kind, word) in FileKind::ALL {
            let mut own = NAMES.iter().filter(|name| kind.may_be_called(Path::new(name))).peekable();
            assert!(own.peek().is_some(), "no name of NAMES is one of {word}");
            assert!(own.all(|name| pattern.is_match(name)), "{word}");
        }
        for other in ["README.md", "src/main.rs", "etc/nginx.conf", "service.d", "crio.conf.d"] {
            assert!(!pattern.is_match(other), "{other}");
        }
    }
}
