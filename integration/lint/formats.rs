//! Every format, as its readers get it.

use super::tool::{lint, run};

/// One of each severity, with related places, fixes and something ignored.
const FILES: [&str; 4] = [
    "testdata/lint/twin-keys/fires.json",
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
    let mut schema: serde_json::Value = serde_json::from_str(schema).unwrap();
    // The published schema's pattern for `run.language`, which is not written here, has a bracket too many.
    let language = &mut schema["definitions"]["run"]["properties"]["language"]["pattern"];
    assert!(language.take().as_str().unwrap().ends_with("]?$"));
    *language = "^[a-zA-Z]{2}(-[a-zA-Z]{2})?$".into();
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

#[test]
fn fingerprints_outlive_a_shift_of_lines() {
    let prints = |text: &str| {
        let outcome =
            oomshim::lint::bytes("s.json".as_ref(), text.as_bytes(), None, &oomshim::lint::Options::default()).unwrap();
        let mut prints: Vec<u64> = outcome.findings.iter().map(|finding| finding.fingerprint).collect();
        prints.sort_unstable();
        prints
    };
    let text = std::fs::read_to_string("testdata/lint/contradictory-limits/fires.json").unwrap();
    let before = prints(&text);
    let mut unique = before.clone();
    unique.dedup();
    assert!(before.len() > 1 && unique == before);
    assert_eq!(prints(&text.replacen('{', "{\n\n\n", 1)), before);
    assert_eq!(prints(&text.replace("\"env\"", "\"env\" ")), before);
}

#[test]
fn colour_is_for_terminals_only() {
    // Standard output is a pipe here; a terminal is what script(1) makes.
    assert!(!said("human").contains('\x1b'));
    let command = |environment: &str| {
        let tool = lint(FILES).get_program().to_owned();
        let line = format!("{environment} {} lint {}", tool.to_str().unwrap(), FILES[0]);
        let out = std::process::Command::new("script").args(["-qec", &line, "/dev/null"]).output();
        String::from_utf8(out.expect("script(1), of the package bsdutils, makes a terminal").stdout).unwrap()
    };
    assert!(command("env -u NO_COLOR").contains("\x1b[1;31merror[twin-keys]"));
    assert!(!command("env NO_COLOR=1").contains('\x1b'));
    assert!(command("env NO_COLOR=").contains('\x1b'), "an empty NO_COLOR says nothing");
}
