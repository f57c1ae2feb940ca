//! Specs that real engines made and real runtimes took: whatever is wrong with them, their shape is not.

use std::fs;
use std::path::PathBuf;

use oomshim::lint::finding::Finding;
use oomshim::lint::kind::FileKind;
use oomshim::lint::rule::Group;
use oomshim::lint::{self, Options};

use super::tool::{repository, run};

fn specs() -> Vec<PathBuf> {
    let entries = fs::read_dir(repository().join("testdata/specs")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect()
}

#[test]
fn the_shape_of_what_real_engines_write_is_never_wrong() {
    let mut count = 0;
    for path in specs() {
        let outcome = lint::bytes(&path, &fs::read(&path).unwrap(), None, &Options::default()).unwrap();
        let shape: Vec<_> = outcome.findings.iter().filter(|finding| finding.rule.group == Group::Shape).collect();
        assert!(shape.is_empty(), "{}: {shape:#?}", path.display());
        count += 1;
    }
    assert!(count >= 40, "only {count} specs in testdata/specs");
}

/// The output of `crictl inspect` has the spec at `info.runtimeSpec`: everything else says the same of it there.
#[test]
fn a_spec_in_inspect_output_is_judged_as_itself() {
    let mut count = 0;
    for path in specs() {
        let spec = fs::read_to_string(&path).unwrap();
        let output = format!("{{\"status\":{{\"id\":\"x\"}},\"info\":{{\"pid\":7,\"runtimeSpec\":{spec}}}}}");
        let found = |text: &str, kind: FileKind, prefix: &str| -> Vec<_> {
            let outcome = lint::bytes("x.json".as_ref(), text.as_bytes(), None, &Options::default()).unwrap();
            assert_eq!(outcome.kind, kind, "{}", path.display());
            let shown =
                |it: &Finding| (it.rule.name, it.message.clone(), it.pointer.strip_prefix(prefix).map(str::to_owned));
            outcome.findings.iter().map(shown).collect()
        };
        let plain = found(&spec, FileKind::Spec, "");
        assert_eq!(found(&output, FileKind::Inspect, "/info/runtimeSpec"), plain, "{}", path.display());
        count += plain.len();
    }
    assert!(count >= 100, "only {count} findings in testdata/specs");
}

#[test]
fn what_engines_really_do_is_found() {
    let rules_of = |name: &str| {
        let said = run(["--format", "json", &format!("testdata/specs/{name}.json")]);
        let value: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        let findings = value["findings"].as_array().unwrap();
        findings.iter().map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let cases = [
        ("buildkit-default", "oom-score-adj-unset", true),
        ("docker-default", "oom-score-adj-unset", false),
        ("docker-oom-kill-disable", "oom-killer-disabled", true),
        ("docker-privileged", "keeps-sys-resource", true),
        ("docker-memory", "no-memory-limit", false),
        ("docker-tmpfs", "tmpfs-without-size", false),
        ("podman-tmpfs", "tmpfs-without-size", true),
        ("podman-memory", "swap-not-limited", false),
        ("runc-spec-rootless", "cgroup-missing", true),
    ];
    for (name, rule, expected) in cases {
        let found = rules_of(name);
        assert_eq!(found.iter().any(|found| found == rule), expected, "{rule} in {name}: {found:?}");
    }
}

#[test]
fn the_shipped_policy_is_clean() {
    let said = run(["--fail-on", "note", "hooks/policy.toml"]);
    assert_eq!((said.status, said.out.as_str()), (0, "nothing found in 1 file\n"));
}
