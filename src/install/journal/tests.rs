use super::*;
use crate::engines::Engine;
use crate::install::plan::FileChange;

fn change(path: &Path, before: Option<&str>, after: &str) -> FileChange {
    let before = before.map(|text| text.as_bytes().to_vec());
    FileChange { path: path.to_owned(), before, after: after.as_bytes().to_vec(), tombstone: Vec::new() }
}

fn plan(files: Vec<FileChange>) -> Plan {
    Plan { files, ..Plan::empty("podman", Engine::Podman) }
}

/// Installs, changes the files, and undoes; gives what undo says and the files after it.
fn round(before: Option<&str>, after: &str, meanwhile: Option<&str>) -> (Result<Vec<Undone>, String>, Option<String>) {
    let root = tempfile::tempdir().unwrap();
    let (all, path) = (root.path().join("journals"), root.path().join("etc/x.d/50.conf"));
    if let Some(before) = before {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, before).unwrap();
    }
    let plan = plan(vec![change(&path, before, after)]);
    Journal::write(&all, &plan).unwrap().apply(&plan).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), after);
    assert!(matches!(Journal::write(&all, &plan), Err(JournalError::Exists(_))));
    assert_eq!(Journal::names(&all, "podman"), ["podman"]);
    if let Some(text) = meanwhile {
        fs::write(&path, text).unwrap();
    }
    let undone = Journal::read(&all, "podman").unwrap().undo();
    let kept = Journal::path(&all, "podman").exists();
    assert_eq!(kept, undone.is_err(), "the journal stays where something could not be undone");
    let undone = undone.map(|all| all.into_iter().map(|(_, undone)| undone).collect());
    if before.is_none() && undone.is_ok() && meanwhile.is_none() {
        assert!(!root.path().join("etc").exists(), "directories of ours go as well");
    }
    (undone.map_err(|error| error.to_string()), fs::read_to_string(&path).ok())
}

#[test]
fn undo_restores_exactly_or_not_at_all() {
    assert_eq!(round(Some("a\n"), "a\nb\n", None), (Ok(vec![Undone::Restored]), Some("a\n".into())));
    assert_eq!(round(None, "b\n", None), (Ok(vec![Undone::Removed]), None));
    assert_eq!(round(Some("a\n"), "a\nb\n", Some("a\n")), (Ok(vec![Undone::AsBefore]), Some("a\n".into())));
    let taken = round(Some("a\n"), "a\nbin = 1\n", Some("x\na\nbin = 1\nc\n"));
    assert_eq!(taken, (Ok(vec![Undone::TakenOut]), Some("x\na\nc\n".into())));
    let (refused, text) = round(Some("a\n"), "a\nbin = 1\n", Some("a\nbin = 2\n"));
    assert!(refused.unwrap_err().contains("0.before") && text.as_deref() == Some("a\nbin = 2\n"));
}

#[test]
fn a_file_that_changed_since_the_plan_is_left() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("x");
    fs::write(&path, "new").unwrap();
    let plan = plan(vec![change(&path, Some("old"), "after")]);
    let journal = Journal::write(&root.path().join("journals"), &plan).unwrap();
    assert!(matches!(journal.apply(&plan), Err(JournalError::Raced(_))));
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    let fresh = Plan { files: vec![change(&path, None, "after")], ..plan };
    assert!(journal.apply(&fresh).is_err(), "it exists by now");
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
}

#[test]
fn a_restored_file_keeps_its_time() {
    let root = tempfile::tempdir().unwrap();
    let (all, path) = (root.path().join("journals"), root.path().join("x"));
    fs::write(&path, "old").unwrap();
    let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::new(1_000_000_000, 123_000_000);
    fs::File::open(&path).unwrap().set_modified(time).unwrap();
    let plan = plan(vec![change(&path, Some("old"), "new")]);
    let journal = Journal::write(&all, &plan).unwrap();
    journal.apply(&plan).unwrap();
    assert_ne!(fs::metadata(&path).unwrap().modified().unwrap(), time);
    journal.undo().unwrap();
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), time);
}

#[test]
fn names_stay_until_the_last_undo() {
    let root = tempfile::tempdir().unwrap();
    let (all, path) = (root.path().join("journals"), root.path().join("daemon.json"));
    for before in [None, Some("{\n  \"debug\": true\n}")] {
        let _ = fs::remove_file(&path);
        if let Some(text) = before {
            fs::write(&path, text).unwrap();
        }
        let tombstone = vec![r#"{"runtimes":{"oomshim":{"path":"/runc"}}}"#.to_owned()];
        let after = r#"{"debug":true,"runtimes":{"oomshim":{"path":"/s"}},"default-runtime":"oomshim"}"#;
        let plan = plan(vec![FileChange { tombstone, ..change(&path, before, after) }]);
        let journal = Journal::write(&all, &plan).unwrap();
        journal.apply(&plan).unwrap();
        assert_eq!(journal.leave(None).unwrap()[0].1, Undone::Left);
        let left: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!((&left["runtimes"]["oomshim"]["path"], left.get("default-runtime")), (&"/runc".into(), None));
        let journal = Journal::read(&all, "podman").unwrap();
        assert!(journal.is_remainder());
        // Once more while a container needs it, and then for good.
        journal.leave(None).unwrap();
        Journal::read(&all, "podman").unwrap().undo().unwrap();
        assert_eq!(fs::read_to_string(&path).ok().as_deref(), before);
    }
}

#[test]
fn one_installation_at_a_time() {
    let root = tempfile::tempdir().unwrap();
    let lock = Lock::take(root.path()).unwrap();
    let directory = root.path().to_owned();
    let (sender, receiver) = std::sync::mpsc::channel();
    let other = std::thread::spawn(move || {
        let lock = Lock::take(&directory);
        sender.send(()).unwrap();
        drop(lock.unwrap());
    });
    assert!(receiver.recv_timeout(std::time::Duration::from_millis(200)).is_err(), "the second one waits");
    drop(lock);
    other.join().unwrap();
}
