//! The command line: what is judged, what is left out, and how it ends.

use std::fs;
use std::path::Path;

use super::tool::{run, run_with_input};

const FIRES: &str = "testdata/lint/oom-score-unset/fires.json";

/// The names of the rules that fired, from the JSON.
fn rules(args: &[&str]) -> Vec<String> {
    let said = run(args.iter().copied().chain(["--format", "json"]));
    let value: serde_json::Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    value["findings"].as_array().unwrap().iter().map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_exit_status_is_0_1_or_2() {
    let cases: &[(&[&str], i32)] = &[
        (&[FIRES], 1),
        (&["testdata/lint/oom-score-unset/clean.json"], 0),
        (&[FIRES, "--ignore", "oom-score-unset"], 0),
        (&[FIRES, "--fail-on", "error"], 0),
        (&["testdata/lint/no-memory-limit/fires.json"], 0),
        (&["testdata/lint/no-memory-limit/fires.json", "--fail-on", "note"], 1),
        (&["absent.json"], 2),
        (&[FIRES, "absent.json"], 2),
        (&["Cargo.toml"], 2),
        (&["Cargo.lock"], 2),
        (&[], 2),
        (&[FIRES, "--select", "no-such-rule"], 2),
        (&[FIRES, "--format", "xml"], 2),
        (&["--list-rules"], 0),
        (&["--explain", "oom-score-unset"], 0),
        (&["--explain", "no-such-rule"], 2),
    ];
    for (args, expected) in cases {
        let said = run(args.iter());
        assert_eq!(said.status, *expected, "{args:?}: {said:?}");
    }
}

#[test]
fn rules_are_chosen_and_left_out() {
    let privileged = "testdata/specs/docker-privileged.json";
    assert_eq!(rules(&["--select", "keeps-sys-resource", privileged]), ["keeps-sys-resource"]);
    assert!(rules(&["--select", "score", privileged]).iter().all(|rule| rule == "keeps-sys-resource"));
    assert!(
        !rules(&["--ignore", "score,no-memory-limit", privileged])
            .iter()
            .any(|rule| rule == "keeps-sys-resource" || rule == "no-memory-limit")
    );
    assert!(rules(&["--min-confidence", "high", FIRES]).len() <= rules(&[FIRES]).len());
}

#[test]
fn a_file_can_ignore_its_own_findings() {
    let spec = fs::read_to_string(FIRES).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spec.json");
    let annotated = spec.replacen('{', "{\"annotations\": {\"oomshim.lint.ignore\": \"oom-score-unset\"},", 1);
    fs::write(&path, &annotated).unwrap();
    let said = run([&path]);
    assert_eq!((said.status, said.out.lines().last()), (0, Some("nothing found in 1 file (1 ignored)")), "{said:?}");

    let toml = folder.path().join("buildkitd.toml");
    fs::write(&toml, "[worker.oci]\n# oomshim: ignore[buildkitd-without-shim]\nbinary = \"/usr/bin/runc\"\n").unwrap();
    assert_eq!(run([&toml]).status, 0);
    fs::write(&toml, "[worker.oci]\nbinary = \"/usr/bin/runc\" # oomshim: ignore[no-memory-limit]\n").unwrap();
    assert_eq!(run([&toml]).status, 1);
}

#[test]
fn standard_input_is_a_file_too() {
    let spec = fs::read(FIRES).unwrap();
    let said = run_with_input(&["-"], &spec);
    assert!(said.status == 1 && said.out.contains("--> <stdin>:"), "{said:?}");
    assert_eq!(run_with_input(&["-"], b"hello").status, 2);
    assert_eq!(run_with_input(&["-", "--kind", "policy"], b"[default]\nclass = \"keep\"\n").status, 1);
    assert_eq!(run_with_input(&["-", "--fix"], &spec).status, 2);
}

#[test]
fn a_folder_is_searched_and_what_is_not_ours_is_passed_over() {
    let said = run(["src", "testdata/specs", "--select", "shape"]);
    let files = fs::read_dir("testdata/specs")
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|it| it == "json"));
    assert_eq!((said.status, said.out), (0, format!("nothing found in {} files\n", files.count())));
}

#[test]
fn a_bundle_without_its_root_filesystem_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let spec = fs::read_to_string(FIRES).unwrap().replace("/var/lib/builder/rootfs", "rootfs");
    fs::write(folder.path().join("config.json"), spec).unwrap();
    let args = ["--select", "rootfs-missing", folder.path().to_str().unwrap()];
    assert_eq!(run(args).status, 1);
    fs::create_dir(folder.path().join("rootfs")).unwrap();
    assert_eq!(run(args).status, 0);
}

#[test]
fn this_machine_can_be_asked() {
    let said = run(["--host", "--format", "json", FIRES, "testdata/lint/hook-binary-missing/fires.json"]);
    let value: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let found = value["findings"].to_string();
    assert!(found.contains("hook-binary-missing") && found.contains("rootfs-missing"), "{found}");
    assert!(Path::new("/proc/self").exists());
}

#[test]
fn explanations_and_the_list_name_every_rule() {
    let list = run(["--list-rules"]).out;
    for rule in oomshim::lint::rules::ALL {
        let name = rule.meta().name;
        assert!(list.lines().any(|line| line.trim_start().starts_with(&format!("{name} "))), "{name}");
        assert!(run(["--explain", name]).out.starts_with(&format!("{name}: ")), "{name}");
    }
}
