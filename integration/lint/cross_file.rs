//! What only several files together tell: `cgroup-shared` when two specs name one cgroup.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::tool::{Said, repository, run};

/// Bundles of one cgroup: `one` and `two` were copied whole, `three` is kept by its engine at a second place, and `own`
/// has a cgroup of its own.
const SEVERAL: &str = "testdata/lint/cgroup-shared/several";

fn json(args: &[&str]) -> Value {
    let said = run(args.iter().copied().chain(["--format", "json"]));
    serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{args:?} {said:?}"))
}

/// The files of the findings of that list, and what they say.
fn shared(value: &Value, list: &str) -> Vec<(String, String)> {
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let all = value[list].as_array().unwrap().iter();
    let all = all.filter(|finding| finding["rule"] == "cgroup-shared");
    all.map(|finding| (text(finding, "file").replace(&format!("{SEVERAL}/"), ""), text(finding, "message"))).collect()
}

fn short(value: &Value, list: &str) -> Vec<String> {
    let named = |message: String| message.replace(&format!("{SEVERAL}/"), "").replace("/config.json", "");
    shared(value, list).into_iter().map(|(file, message)| named(format!("{file}: {message}"))).collect()
}

#[test]
fn each_bundle_of_one_cgroup_is_told_of_the_others() {
    let expected = [
        "one: the cgroup `/buildkit/k2s9` is also that of three and two",
        "three: the cgroup `/buildkit/k2s9` is also that of one and two",
        "three-kept: the cgroup `/buildkit/k2s9` is also that of one and two",
        "two: the cgroup `/buildkit/k2s9` is also that of one and three",
    ];
    assert_eq!(short(&json(&[SEVERAL]), "findings"), expected);
    insta::assert_snapshot!("several", run([SEVERAL]).out);
}

#[test]
fn one_file_alone_has_nobody_to_share_with() {
    for name in ["one", "two", "three", "own"] {
        assert_eq!(run([&format!("{SEVERAL}/{name}")]).out, "nothing found in 1 file\n");
    }
}

#[test]
fn a_container_that_is_seen_twice_shares_with_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let one = repository().join(SEVERAL).join("one/config.json");
    symlink(&one, at("link.json")).unwrap();
    symlink(one.parent().unwrap(), at("linked-bundle")).unwrap();
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let kept = [format!("{SEVERAL}/three"), format!("{SEVERAL}/three-kept")];
    let again = [path(&one), path(&one), format!("{SEVERAL}/one")];
    let linked = [path(&at("link.json")), path(&at("linked-bundle")), path(&one)];
    let status = |args: &[String]| run(args.iter().map(String::as_str).chain(["--select", "cgroup-shared"])).status;
    for args in [&kept[..], &again, &linked] {
        assert_eq!(status(args), 0, "{args:?}");
    }
    // Before and after a fix, beside each other.
    let text = fs::read_to_string(&one).unwrap();
    fs::write(at("config.json"), text.replace("500", "400")).unwrap();
    fs::write(at("config.new.json"), &text).unwrap();
    assert_eq!(status(&[path(&at("config.json")), path(&at("config.new.json"))]), 0);
    assert_eq!(status(&[path(&at("config.json")), path(&at("link.json"))]), 1, "a bundle of its own");
    // A bundle whose config.json is a link, and whose root filesystem is its own.
    fs::create_dir_all(at("bundle/rootfs")).unwrap();
    symlink(&one, at("bundle/config.json")).unwrap();
    assert_eq!(status(&[path(&at("bundle")), path(&one)]), 1);
}

#[test]
fn what_is_not_asked_for_is_not_said() {
    for args in [
        &["--ignore", "cgroup-shared"][..],
        &["--ignore", "killing"],
        &["--select", "oom-score-adj"],
        &["--min-confidence", "high"],
    ] {
        let value = json(&[&[SEVERAL], args].concat());
        assert!(short(&value, "findings").is_empty() && short(&value, "ignored").is_empty(), "{args:?}: {value}");
    }
    assert_eq!(short(&json(&[SEVERAL, "--select", "cgroup-shared"]), "findings").len(), 4);
}

#[test]
fn who_ignores_it_is_not_told_and_the_others_are() {
    let directory = tempfile::tempdir().unwrap();
    let bundle = |name: &str, ignore: Option<&str>| -> PathBuf {
        let text = fs::read_to_string(repository().join(SEVERAL).join("one/config.json")).unwrap();
        let annotation = ignore.map(|word| format!("{{\"annotations\":{{\"oomshim.lint.ignore\":\"{word}\"}},"));
        let text = annotation.map_or(text.clone(), |annotation| text.replacen('{', &annotation, 1));
        let path = directory.path().join(name);
        fs::create_dir(&path).unwrap();
        fs::write(path.join("config.json"), text).unwrap();
        path.join("config.json")
    };
    let (rule, group) = (bundle("a", Some("cgroup-shared")), bundle("b", Some("killing")));
    let told = bundle("c", None);
    let value = json(&[directory.path().to_str().unwrap()]);
    let name = |path: &PathBuf| path.display().to_string();
    let (findings, ignored) = (shared(&value, "findings"), shared(&value, "ignored"));
    let message = format!("the cgroup `/buildkit/k2s9` is also that of {} and {}", rule.display(), group.display());
    assert_eq!(findings, [(name(&told), message)]);
    assert_eq!(ignored.iter().map(|(file, _)| file.clone()).collect::<Vec<_>>(), [name(&rule), name(&group)]);
}

#[test]
fn many_files_in_parallel_say_the_same_every_time() {
    let directory = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(repository().join(SEVERAL).join("one/config.json")).unwrap();
    for number in 0..300 {
        let bundle = directory.path().join(format!("{number:03}"));
        fs::create_dir(&bundle).unwrap();
        fs::write(bundle.join("config.json"), text.replace("k2s9", &format!("k{}", number % 7))).unwrap();
    }
    let said = || run([directory.path().to_str().unwrap(), "--select", "cgroup-shared"]).out;
    let first = said();
    assert!(first.contains("000/config.json, ") && first.contains(" more"), "{first}");
    assert_eq!(first.matches("warning[cgroup-shared]").count(), 300);
    for _ in 0..5 {
        assert!(said() == first);
    }
}

#[test]
fn scanners_and_github_are_told_where_the_others_are() {
    let said: Said = run([SEVERAL, "--format", "sarif"]);
    let value: Value = serde_json::from_str(&said.out).unwrap();
    let results = value["runs"][0]["results"].as_array().unwrap();
    let one = results.iter().find(|result| result["ruleId"] == "cgroup-shared").unwrap();
    let uris = one["relatedLocations"].as_array().unwrap().iter();
    let uris: Vec<_> = uris.map(|related| related["physicalLocation"]["artifactLocation"]["uri"].as_str()).collect();
    let expected = ["three", "two"].map(|name| format!("{SEVERAL}/{name}/config.json"));
    assert_eq!(uris, expected.iter().map(|uri| Some(uri.as_str())).collect::<Vec<_>>());
    let said = run([SEVERAL, "--format", "github"]).out;
    assert_eq!(said.matches("is also that of testdata/lint/").count(), 4, "{said}");
}

#[test]
fn containers_of_real_engines_share_with_nobody() {
    assert_eq!(run(["testdata/specs", "--select", "cgroup-shared", "--fail-on", "note"]).status, 0);
}
