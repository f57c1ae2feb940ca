//! Every format, as its readers get it.

use std::fs;

use oomshim::lint::output::{human, json, sarif};
use oomshim::lint::run::Results;
use oomshim::lint::target_host::TargetHost;
use oomshim::lint::{self, Options};
use oomshim::system::host::Roots;
use serde_json::Value;

use super::tool::run;

/// One of each severity, with related places, fixes and something ignored.
pub(crate) const FILES: [&str; 4] = [
    "testdata/lint/duplicate-keys/fires.json",
    "testdata/lint/oom-group-missing/fires.json",
    "testdata/lint/not-json/fires.json",
    "testdata/lint/policy-rule-shadowed/fires.toml",
];

fn said(format: &str) -> String {
    run(FILES.into_iter().chain(["--format", format])).out
}

#[test]
fn for_people() {
    insta::assert_snapshot!("human", said("human"));
    insta::assert_snapshot!("human-one-line", run(["testdata/specs/docker-privileged.json"]).out);
}

#[test]
fn for_programs() {
    insta::assert_snapshot!("json", said("json").replace(env!("CARGO_PKG_VERSION"), "@@VERSION@@"));
}

#[test]
fn for_github() {
    insta::assert_snapshot!("github", said("github"));
}

#[test]
fn for_scanners() {
    let text = said("sarif");
    let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let rules = value["runs"][0]["tool"]["driver"]["rules"].take();
    assert_eq!(rules.as_array().unwrap().len(), oomshim::lint::rules::ALL.len());
    let text = serde_json::to_string_pretty(&value).unwrap();
    insta::assert_snapshot!("sarif", text.replace(env!("CARGO_PKG_VERSION"), "@@VERSION@@"));
}

#[test]
fn sarif_is_valid_by_its_schema() {
    let schema = include_str!("../../testdata/lint/sarif-2.1.0.schema.json");
    // The published schema's pattern for `language`, which is not written here, has a bracket too many.
    let broken = "^[a-zA-Z]{2}|^[a-zA-Z]{2}-[a-zA-Z]{2}]?$";
    assert!(schema.contains(broken));
    let schema = schema.replace(broken, "^[a-zA-Z]{2}(-[a-zA-Z]{2})?$");
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let runs: [&[&str]; 4] =
        [&FILES, &["testdata/specs", "absent file.json"], &["--host", "testdata/lint"], &["hooks/policy.toml"]];
    for args in runs {
        let said = run(args.iter().copied().chain(["--format", "sarif"]));
        let value: serde_json::Value =
            serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{args:?} {}", said.err));
        let errors: Vec<String> =
            validator.iter_errors(&value).map(|error| format!("{error} at {}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{args:?}: {errors:#?}");
    }
    assert!(!validator.is_valid(&serde_json::json!({ "version": "2.1.0" })), "the schema judges nothing");
}

/// The rules and fingerprints that a scanner sees of that text.
fn fingerprints(text: &str) -> Vec<(String, String)> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("spec.json");
    fs::write(&path, text).unwrap();
    let said = run(["--format", "sarif", path.to_str().unwrap()]);
    let value: Value = serde_json::from_str(&said.out).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let results = value["runs"][0]["results"].as_array().unwrap().iter();
    let both = |result: &Value| (text(&result["ruleId"]), text(&result["partialFingerprints"]["oomshimFinding/v1"]));
    let mut all: Vec<_> = results.map(both).collect();
    all.sort();
    all
}

#[test]
fn fingerprints_outlive_what_is_written_above() {
    let text = fs::read_to_string("testdata/lint/contradictory-limits/fires.json").unwrap();
    let mounts = "\"mounts\": [";
    let tmpfs = |path: &str| format!("{{\"destination\": \"{path}\", \"type\": \"tmpfs\", \"source\": \"tmpfs\"}},");
    let text = text.replacen(mounts, &format!("{mounts}{}{}", tmpfs("/a"), tmpfs("/b")), 1);
    let before = fingerprints(&text);
    let mut unique = before.clone();
    unique.dedup();
    assert!(before.iter().filter(|(rule, _)| rule == "tmpfs-without-size").count() == 2 && unique == before);
    assert_eq!(fingerprints(&text.replacen('{', "{\n\n\n", 1)), before);
    assert_eq!(fingerprints(&text.replace("\"env\"", "\"env\" ")), before);
    let proc = "{\"destination\": \"/p\", \"type\": \"proc\", \"source\": \"proc\"},";
    assert_eq!(fingerprints(&text.replacen(mounts, &format!("{mounts}\n{proc}\n"), 1)), before);
    assert_ne!(fingerprints(&text.replace("\"/a\"", "\"/c\"")), before);
}

#[test]
fn a_hostile_file_name_is_one_value_everywhere() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("we,ird:100%\r\n::error file=x::é.json");
    fs::copy("testdata/lint/oom-score-adj-unset/fires.json", &path).unwrap();
    let said = |format: &str| run(["--format", format, path.to_str().unwrap()]).out;
    let github = said("github");
    let name = "/we%2Cird%3A100%25%0D%0A%3A%3Aerror file=x%3A%3Aé.json,line=3,endLine=3,";
    assert!(github.lines().count() == 1 && github.starts_with("::warning file=") && github.contains(name), "{github}");
    let sarif: Value = serde_json::from_str(&said("sarif")).unwrap();
    let uri = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert!(
        uri.as_str().unwrap().ends_with("/we%2Cird%3A100%25%0D%0A%3A%3Aerror%20file%3Dx%3A%3A%C3%A9.json"),
        "{uri}"
    );
    let json: Value = serde_json::from_str(&said("json")).unwrap();
    assert_eq!(json["findings"][0]["file"], path.to_str().unwrap());
    let human = said("human");
    assert!(human.contains("we,ird:100%\\r\\n::error file=x::é.json:3:3\n"), "{human}");
}

#[test]
fn programs_are_told_what_was_fixed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("spec.json");
    fs::copy("testdata/lint/oom-score-adj-unset/fires.json", &path).unwrap();
    let said = run(["--fix", "--format", "json", path.to_str().unwrap()]);
    let value: Value = serde_json::from_str(&said.out).unwrap();
    let file = path.to_str().unwrap();
    let expected =
        serde_json::json!([{ "file": file, "rule": "oom-score-adj-unset", "title": "set oomScoreAdj to 500" }]);
    assert_eq!((said.status, &value["fixed"], &value["findings"]), (0, &expected, &serde_json::json!([])));
}

/// A machine that tells nothing: `--host` says what it would have had to know, and neither yes nor no.
#[test]
fn what_a_machine_does_not_tell_is_said_in_every_format() {
    let nothing = tempfile::tempdir().unwrap();
    let roots = Roots { proc: nothing.path().join("proc"), cgroup: nothing.path().join("cgroup") };
    let machine = TargetHost::read(&roots, nothing.path().to_owned());
    let options = Options { machine: Some(machine), ..Options::default() };
    let path = "testdata/lint/swap-not-limited/fires.json";
    let outcome = lint::bytes(path.as_ref(), &fs::read(path).unwrap(), None, &options).unwrap();
    assert!(outcome.findings.iter().all(|finding| finding.rule.name != "swap-not-limited"));
    let results = Results { outcomes: vec![outcome], ..Results::default() };
    let reason = "how much swap this machine has could not be read";
    let mut text = Vec::new();
    human::write(&results, human::Look { colour: human::Colour::Plain, unjudged: human::Unjudged::Told }, &mut text)
        .unwrap();
    let expected = format!("{path}: cannot judge swap-not-limited: {reason}\n");
    assert!(String::from_utf8(text).unwrap().contains(&expected));
    let mut text = Vec::new();
    json::write(&results, &mut text).unwrap();
    let value: Value = serde_json::from_slice(&text).unwrap();
    let expected = serde_json::json!({ "file": path, "rule": "swap-not-limited", "reason": reason });
    assert!(value["cannot_judge"].as_array().unwrap().contains(&expected), "{}", value["cannot_judge"]);
    let mut text = Vec::new();
    sarif::write(&results, 1, &mut text).unwrap();
    let value: Value = serde_json::from_slice(&text).unwrap();
    let told = value["runs"][0]["invocations"][0]["toolExecutionNotifications"].as_array().unwrap();
    let told: Vec<_> = told.iter().map(|told| told["message"]["text"].as_str().unwrap()).collect();
    assert!(told.contains(&format!("cannot judge swap-not-limited: {reason}").as_str()), "{told:?}");
}
