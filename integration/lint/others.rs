//! Files of other programs, as they lie in repositories: `testdata/lint-others`. None is taken for one of ours, whether
//! it is found or named, and no fix touches one.

use std::fs;
use std::path::{Path, PathBuf};

use oomshim::lint::{self, LintError, Options, syntax::Syntax};

use super::tool::{repository, run};

fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

fn all() -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(&repository().join("testdata/lint-others"), &mut found);
    found.sort();
    assert!(found.len() >= 50, "only {} files", found.len());
    found
}

#[test]
fn no_other_file_is_taken_for_ours() {
    let mut taken = Vec::new();
    for path in all() {
        match lint::bytes(&path, &fs::read(&path).unwrap(), None, &Options::default()) {
            Err(LintError::UnknownKind | LintError::Template) => {}
            other => taken.push((path, other.map(|outcome| outcome.kind))),
        }
    }
    assert!(taken.is_empty(), "{taken:#?}");
}

#[test]
fn a_repository_of_other_files_is_skipped_and_unchanged() {
    let copy = tempfile::tempdir().unwrap();
    let root = repository().join("testdata/lint-others");
    for path in all() {
        let target = copy.path().join(path.strip_prefix(&root).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&path, target).unwrap();
    }
    fs::copy(repository().join("testdata/lint/oom-score-adj-unset/clean.json"), copy.path().join("spec.json")).unwrap();
    fs::write(copy.path().join("picture.png"), b"\x89PNG\0\0").unwrap();
    let mut named = Vec::new();
    files(copy.path(), &mut named);
    let said = run(named.iter().map(PathBuf::as_path).chain([Path::new("--unsafe-fixes")]));
    let count = named.len() - 1;
    assert_eq!((said.status, said.err.as_str()), (0, ""), "{said:?}");
    assert!(
        said.out.ends_with(&format!("in 1 file, {count} skipped that are of no kind judged here\n")),
        "{}",
        said.out
    );
    for path in all() {
        let copied = copy.path().join(path.strip_prefix(&root).unwrap());
        assert_eq!(fs::read(&path).unwrap(), fs::read(copied).unwrap(), "{}", path.display());
    }
}

/// A file of YAML has no kind by accident: whatever stands in it, it is read as YAML.
#[test]
fn the_ending_of_a_name_decides_how_it_is_read() {
    assert!(Syntax::Yaml.parse("a: |\n  [worker.oci]\n").is_ok());
    let said = lint::bytes("x.yaml".as_ref(), b"[worker.oci]\nbinary = 'x'\n", None, &Options::default());
    assert_eq!(said.unwrap_err(), LintError::UnknownKind);
}
