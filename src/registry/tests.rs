use super::*;
use crate::runtime::flavor::Flavor;
use crate::runtime::maker::Maker;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

/// A container whose runtime keeps its state below `run/state`.
fn container(run: &Path, root: &str, id: &str) -> Container {
    let state = run.join("state").join(format!("{}-{id}", root.trim_start_matches('/')));
    Container {
        id: id.into(),
        root: root.into(),
        bundle: "/b".into(),
        class: "build-step".into(),
        asked: Some(500),
        cgroup: "/buildkit/x".into(),
        runtime: Some(Maker {
            path: "/usr/bin/runc".into(),
            target: None,
            inode: (1, 2),
            flavor: Flavor::Runc,
            state: Some(state),
        }),
        command: vec!["sh".into(), "-c".into(), OsStr::from_bytes(b"make \xff\n").to_owned()],
    }
}

fn state(container: &Container) -> PathBuf {
    container.runtime.clone().unwrap().state.unwrap()
}

/// Records the container and makes its runtime's state.
fn start(run: &Path, root: &str, id: &str) -> Container {
    let container = container(run, root, id);
    std::fs::create_dir_all(state(&container)).unwrap();
    record(run, &container).unwrap();
    container
}

fn ids(containers: &[Container]) -> Vec<&str> {
    containers.iter().map(|it| it.id.to_str().unwrap()).collect()
}

fn lookup(run: &Path, root: &str, id: &str) -> Option<Container> {
    find(run, OsStr::new(root), OsStr::new(id)).unwrap()
}

#[test]
fn two_roots_do_not_share_an_id() {
    let run = tempfile::tempdir().unwrap();
    let one = start(run.path(), "/run/containerd/runc/moby", "x");
    let other = start(run.path(), "/run/containerd/runc/k8s.io", "x");
    let plain = start(run.path(), "", "x");
    assert_eq!(lookup(run.path(), "/run/containerd/runc/moby", "x"), Some(one));
    assert_eq!(lookup(run.path(), "/run/containerd/runc/k8s.io", "x"), Some(other));
    assert_eq!(lookup(run.path(), "", "x"), Some(plain));
    assert_eq!(lookup(run.path(), "/elsewhere", "x"), None);
    assert_eq!(all(run.path()).len(), 3);
}

#[test]
fn a_refused_delete_leaves_the_record() {
    let run = tempfile::tempdir().unwrap();
    let container = start(run.path(), "", "x");
    let before = find_for_delete(run.path(), OsStr::new(""), OsStr::new("x")).unwrap().unwrap();
    assert_eq!(before.runtime, container.runtime);
    assert_eq!((ids(&all(run.path())), deleted(run.path())), (vec!["x"], vec![]), "its runtime still has it");
    assert_eq!(lookup(run.path(), "", "x").unwrap().command, ["sh"], "arguments do not outlive a delete");
    std::fs::remove_dir(state(&container)).unwrap();
    assert_eq!((all(run.path()), ids(&deleted(run.path()))), (vec![], vec!["x"]));
    assert!(find_for_delete(run.path(), OsStr::new(""), OsStr::new("never")).unwrap().is_none());
}

#[test]
fn the_newest_gone_are_kept() {
    let run = tempfile::tempdir().unwrap();
    let there = start(run.path(), "", "there");
    let begin = std::time::SystemTime::now() - std::time::Duration::from_hours(1);
    let older = run.path().join(DIRECTORY).join("d17");
    std::fs::write(&older, "1\0old\0/b\0c\0\0/x\0arg\0").unwrap();
    File::options().write(true).open(&older).unwrap().set_modified(begin).unwrap();
    for number in 0..300 {
        let id = format!("build-{number:03}");
        record(run.path(), &container(run.path(), "", &id)).unwrap();
        // The kernel's clock for files is coarser than this loop.
        let path = run.path().join(DIRECTORY).join(file_name(OsStr::new(""), OsStr::new(&id)));
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(begin + std::time::Duration::from_secs(1 + number)).unwrap();
    }
    sweep(run.path());
    sweep(run.path());
    let left = deleted(run.path());
    let newest: Vec<String> = (172..300).map(|number| format!("build-{number}")).collect();
    assert_eq!(ids(&left), newest);
    assert!(left.iter().all(|it| it.command == ["sh"]), "their arguments are gone");
    assert_eq!(all(run.path()), [there], "what runs is never swept");
    assert!(!older.exists());
}

#[test]
fn records_are_swept_as_they_come() {
    let run = tempfile::tempdir().unwrap();
    for number in 0..2000 {
        record(run.path(), &container(run.path(), "", &format!("build-{number}"))).unwrap();
    }
    let left = std::fs::read_dir(run.path().join(DIRECTORY)).unwrap().count();
    assert!((128..128 + 400).contains(&left), "{left} of 2000 are left");
    assert!(lookup(run.path(), "", "build-1999").is_some());
}

#[test]
fn an_older_record_never_survives_a_newer_container() {
    let run = tempfile::tempdir().unwrap();
    let old = start(run.path(), "", "x");
    let new = Container { class: "daemon".into(), asked: None, runtime: None, ..old.clone() };
    record(run.path(), &new).unwrap();
    assert_eq!(lookup(run.path(), "", "x"), Some(new));
    let huge = Container { cgroup: "x".repeat(9000).into(), ..old };
    assert_eq!(record(run.path(), &huge), Err(RegistryError::TooLarge));
    assert_eq!(lookup(run.path(), "", "x"), None);
}

#[test]
fn an_id_is_no_path_and_no_two_have_the_same_file() {
    let run = tempfile::tempdir().unwrap();
    let long = "x".repeat(400);
    let ids = ["..", ".", "../../etc/passwd", "a/b", "a%2fb", "a\nb", "", &long, &format!("{long}y")];
    for id in ids {
        record(run.path(), &container(run.path(), "", id)).unwrap();
        assert_eq!(lookup(run.path(), "", id).unwrap().id, id);
    }
    assert_eq!(deleted(run.path()).len(), ids.len());
    assert_eq!(std::fs::read_dir(run.path()).unwrap().count(), 1);
    let metadata = std::fs::metadata(run.path().join(DIRECTORY)).unwrap();
    assert_eq!(metadata.mode() & 0o7777, 0o700);
}

#[test]
fn no_record_of_somebody_else_counts() {
    let run = tempfile::tempdir().unwrap();
    let container = start(run.path(), "", "x");
    let directory = run.path().join(DIRECTORY);
    let file = directory.join(file_name(OsStr::new(""), OsStr::new("x")));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(lookup(run.path(), "", "x"), None, "anybody may have written it");
    if geteuid().is_root() {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::chown(&file, Some(12), None).unwrap();
        assert_eq!(lookup(run.path(), "", "x"), None);
    }
    // A record under another container's name.
    record(run.path(), &container).unwrap();
    std::fs::rename(&file, directory.join(file_name(OsStr::new(""), OsStr::new("y")))).unwrap();
    assert_eq!(lookup(run.path(), "", "y"), None);
    std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o777)).unwrap();
    assert!(record(run.path(), &container).is_err(), "anybody may write there");
    let other = tempfile::tempdir().unwrap();
    symlink(&directory, other.path().join(DIRECTORY)).unwrap();
    assert!(record(other.path(), &container).is_err());
}

#[test]
fn no_link_is_followed() {
    let run = tempfile::tempdir().unwrap();
    let victim = run.path().join("victim");
    std::fs::write(&victim, "precious").unwrap();
    start(run.path(), "", "x");
    let link = run.path().join(DIRECTORY).join(file_name(OsStr::new(""), OsStr::new("evil")));
    symlink(&victim, &link).unwrap();
    assert_eq!(lookup(run.path(), "", "evil"), None);
    record(run.path(), &container(run.path(), "", "evil")).unwrap();
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");
    assert!(lookup(run.path(), "", "evil").is_some());
}

#[test]
fn what_cannot_be_read_is_not_absent() {
    let run = tempfile::tempdir().unwrap();
    start(run.path(), "", "x");
    let long = OsString::from("x".repeat(5000));
    // The path itself is too long for the kernel.
    assert!(find(&run.path().join(long), OsStr::new(""), OsStr::new("x")).is_err());
    assert_eq!(find(Path::new("/absent"), OsStr::new(""), OsStr::new("x")), Ok(None));
}
