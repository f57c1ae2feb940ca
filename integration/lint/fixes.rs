//! Fixes: twice is once, what was fixed is gone, and nothing else is touched.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use oomshim::lint::finding::Safety;
use oomshim::lint::{explain, fix, rules};

use super::registry::{directory, options};
use super::tool::{repository, run};

fn fixtures() -> Vec<(&'static str, PathBuf)> {
    let named = |name: &str| {
        rules::ALL
            .iter()
            .map(|rule| rule.meta())
            .map(move |meta| (meta.name, directory(meta).join(format!("{name}.{}", explain::fixture_extension(meta)))))
            .collect::<Vec<_>>()
    };
    let specs = fs::read_dir(repository().join("testdata/specs")).unwrap().map(|entry| entry.unwrap().path());
    let specs = specs.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    named("fires").into_iter().chain(named("clean")).chain(specs.map(|path| ("oom-score-adj-unset", path))).collect()
}

#[test]
fn fixed_twice_is_fixed_once_and_the_findings_are_gone() {
    for (rule, path) in fixtures() {
        let meta = explain::rule(rule).unwrap();
        for most in [Safety::Safe, Safety::Unsafe] {
            let bytes = fs::read(&path).unwrap();
            let once = fix::fix(&path, &bytes, None, &options(meta), most).unwrap();
            let left = once
                .outcome
                .findings
                .iter()
                .filter(|finding| finding.fix.as_ref().is_some_and(|fix| fix.safety <= most));
            let left: Vec<_> = left.map(|finding| (finding.rule.name, &finding.message)).collect();
            assert!(left.is_empty(), "{} still has {left:?}", path.display());
            let kind = Some(once.outcome.kind);
            let twice = fix::fix(&path, &once.bytes, kind, &options(meta), most).unwrap();
            assert_eq!(twice.bytes, once.bytes, "{}", path.display());
            assert_eq!(once.made.is_empty(), once.bytes == bytes, "{}", path.display());
        }
    }
}

#[test]
fn a_fix_changes_what_it_says_and_nothing_else() {
    let said = run(["--diff", "testdata/lint/oom-score-adj-unset/fires.json"]);
    insta::assert_snapshot!("diff", said.out);
    let said = run([
        "--diff",
        "--unsafe-fixes",
        "testdata/lint/keeps-sys-resource/fires.json",
        "testdata/lint/duplicate-keys/fires.json",
    ]);
    insta::assert_snapshot!("diff-unsafe", said.out);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a spec.json");
    fs::copy(repository().join("testdata/lint/oom-score-adj-unset/fires.json"), &path).unwrap();
    let said = run([Path::new("--diff"), &path]).out;
    assert!(said.contains("a spec.json\t\n+++ b/"), "patch(1) ends a name at a space: {said}");
    assert_eq!(
        run(["--diff", "testdata/lint/keeps-sys-resource/fires.json"]).out,
        "",
        "an unsafe fix is not made by itself"
    );
}

#[test]
fn files_are_replaced_with_their_mode_and_links_stay_links() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::copy(repository().join("testdata/lint/oom-score-adj-unset/fires.json"), at("real.json")).unwrap();
    fs::set_permissions(at("real.json"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("real.json", at("link.json")).unwrap();
    let said = run([Path::new("--fix"), &at("link.json")]);
    assert!(said.status == 0 && said.out.contains("fixed oom-score-adj-unset: set oomScoreAdj to 500"), "{said:?}");
    assert!(fs::symlink_metadata(at("link.json")).unwrap().is_symlink());
    assert_eq!(fs::metadata(at("real.json")).unwrap().permissions().mode() & 0o777, 0o640);
    let text = fs::read_to_string(at("real.json")).unwrap();
    assert!(text.contains("\"process\": {\n    \"oomScoreAdj\": 500,"), "{text}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
}
