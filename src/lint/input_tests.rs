//! What a search finds.

use super::*;
use std::os::unix::fs::symlink;

#[test]
fn directories_are_searched_and_containers_not() {
    let top = tempfile::tempdir().unwrap();
    let at = |name: &str| top.path().join(name);
    for directory in ["b/rootfs/etc", "a", ".git", "other/rootfs"] {
        fs::create_dir_all(at(directory)).unwrap();
    }
    for file in
        ["b/config.json", "b/rootfs/etc/config.json", "a/x.toml", "a/readme", ".git/config.json", "other/rootfs/z.json"]
    {
        fs::write(at(file), "{}").unwrap();
    }
    symlink(top.path(), at("a/loop")).unwrap();
    symlink(at("b"), at("a/elsewhere")).unwrap();
    symlink("x.toml", at("a/y.toml")).unwrap();
    symlink("nowhere", at("a/z.json")).unwrap();
    let inputs = collect(&[top.path().to_owned(), at("absent")], &Search::default());
    let names: Vec<_> =
        inputs.candidates.iter().map(|found| found.path.strip_prefix(top.path()).unwrap().to_owned()).collect();
    assert_eq!(names, ["a/x.toml", "a/y.toml", "b/config.json", "other/rootfs/z.json"].map(PathBuf::from));
    assert_eq!(
        inputs.notes,
        [Problem { path: at("a/loop"), message: "a symbolic link to a directory that it is in; not followed".into() }]
    );
    let problems: Vec<_> = inputs.problems.iter().map(|problem| problem.path.clone()).collect();
    assert_eq!(problems, [at("a/z.json"), at("absent")]);
}

#[test]
fn paths_that_overlap_are_judged_once() {
    let top = tempfile::tempdir().unwrap();
    let (bundle, file) = (top.path().join("b"), top.path().join("b/config.json"));
    fs::create_dir(&bundle).unwrap();
    fs::write(&file, "{}").unwrap();
    let orders = [[top.path(), bundle.as_path(), file.as_path()], [file.as_path(), bundle.as_path(), top.path()]];
    for paths in orders {
        let inputs = collect(&paths.map(Path::to_owned), &Search::default());
        assert_eq!(inputs.candidates, [Candidate { path: file.clone(), directory: None, place: None }], "{paths:?}");
        assert!(
            inputs.directories.len() == 2 && inputs.directories.iter().all(|directory| directory.spoke),
            "{paths:?}"
        );
    }
}
