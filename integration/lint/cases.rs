//! Files that people really had, or that their engines refused, and what must be said of each: `testdata/lint-cases`.
//!
//! INDEX.tsv has a line for each: the file; what is expected (`skipped`: another program's file; `notes`: nothing worse
//! than a note; `no-error`: nothing worse than a warning; `note`, `warning`, `error`: at least one finding of that
//! severity); the rule that says it, where that is settled, and with `!` those that must not; words that its message or
//! advice has; and why.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::tool::{repository, run};

struct Case {
    file: String,
    expected: String,
    rules: Vec<String>,
    text: String,
    why: String,
}

fn cases() -> Vec<Case> {
    let index = fs::read_to_string(directory().join("INDEX.tsv")).unwrap();
    let lines = index.lines().filter(|line| !line.starts_with('#'));
    let cases = lines.map(|line| {
        let columns: Vec<&str> = line.split('\t').collect();
        let [file, expected, rules, text, why] = columns[..] else { panic!("five columns: {line}") };
        let rules = rules.split(' ').filter(|rule| *rule != "-").map(str::to_owned).collect();
        let text = if text == "-" { "" } else { text };
        Case { file: file.into(), expected: expected.into(), rules, text: text.into(), why: why.into() }
    });
    cases.collect()
}

fn directory() -> PathBuf {
    repository().join("testdata/lint-cases")
}

/// What is said of a file or directory, as JSON.
fn said(path: &Path) -> Value {
    let said = run([Path::new("--format=json"), path]);
    serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"))
}

fn findings(said: &Value) -> &Vec<Value> {
    said["findings"].as_array().unwrap()
}

fn has_severity(said: &Value, severities: &[&str]) -> bool {
    findings(said).iter().any(|finding| severities.contains(&finding["severity"].as_str().unwrap()))
}

fn at_least(severity: &str) -> &'static [&'static str] {
    const ALL: &[&str] = &["note", "warning", "error"];
    &ALL[ALL.iter().position(|it| *it == severity).unwrap()..]
}

/// What is wrong with what is said of the case, if anything.
fn complaint(case: &Case, said: &Value) -> Option<String> {
    let is_skipped = said["summary"]["files"] == 0 && findings(said).is_empty();
    let (wanted, banned): (Vec<&String>, Vec<&String>) = case.rules.iter().partition(|rule| !rule.starts_with('!'));
    let matches = |finding: &Value| {
        let text = format!("{} {}", finding["message"].as_str().unwrap(), finding["help"].as_str().unwrap());
        at_least(&case.expected).contains(&finding["severity"].as_str().unwrap())
            && wanted.iter().all(|rule| finding["rule"] == ***rule)
            && text.contains(&case.text)
    };
    let holds = match case.expected.as_str() {
        "skipped" => is_skipped && said["problems"].to_string().contains(&case.text),
        "notes" => !has_severity(said, &["warning", "error"]),
        "no-error" => !has_severity(said, &["error"]),
        "note" | "warning" | "error" => findings(said).iter().any(matches),
        other => panic!("{}: no such expectation: {other}", case.file),
    };
    let is_banned = |finding: &Value| banned.iter().any(|rule| finding["rule"] == rule[1..]);
    let shown: Vec<_> =
        findings(said).iter().map(|it| format!("{} {}: {}", it["severity"], it["rule"], it["message"])).collect();
    let holds = holds && !findings(said).iter().any(is_banned);
    (!holds).then(|| format!("{}: {} ({}) but: {shown:#?} {}", case.file, case.expected, case.why, said["problems"]))
}

#[test]
fn each_case_gets_what_its_line_says() {
    let judged = cases().into_iter().map(|case| complaint(&case, &said(&directory().join(&case.file))));
    let complaints: Vec<String> = judged.flatten().collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn a_search_says_what_a_name_says() {
    for case in cases() {
        let copy = tempfile::tempdir().unwrap();
        let target = copy.path().join(&case.file);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        let source = directory().join(&case.file);
        fs::copy(&source, &target).unwrap();
        if case.file.contains("/imports-") {
            for entry in fs::read_dir(source.parent().unwrap()).unwrap() {
                let entry = entry.unwrap();
                fs::copy(entry.path(), target.with_file_name(entry.file_name())).unwrap();
            }
        }
        let rules = |said: &Value| {
            let own = findings(said).iter().filter(|finding| finding["file"].as_str().unwrap().ends_with(&case.file));
            own.map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let (named, found) = (said(&target), said(copy.path()));
        assert_eq!(rules(&named), rules(&found), "{}", case.file);
        assert!(case.expected != "skipped" || run([copy.path()]).status != 1, "{}", case.file);
    }
}

/// No fix touches what is not certainly one of ours.
#[test]
fn nothing_of_another_program_is_changed() {
    for case in cases().into_iter().filter(|case| case.expected == "skipped") {
        let copy = tempfile::tempdir().unwrap();
        let target = copy.path().join(Path::new(&case.file).file_name().unwrap());
        fs::copy(directory().join(&case.file), &target).unwrap();
        for path in [target.as_path(), copy.path()] {
            run([Path::new("--fix"), Path::new("--unsafe-fixes"), path]);
        }
        assert_eq!(fs::read(&target).unwrap(), fs::read(directory().join(&case.file)).unwrap(), "{}", case.file);
    }
}
