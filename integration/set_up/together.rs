//! Two at once, file systems that are full or cannot be written, and files that others change meanwhile.

use std::fs;
use std::process::Command;

use super::machine::Machine;
use crate::common::{needed, stderr};

fn said(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn two_at_once_do_it_once() {
    for _ in 0..5 {
        let machine = Machine::of("docker-kubeadm");
        let before = machine.files();
        let start = |command: &str| {
            let words = machine.words(command);
            Command::new(&words[0]).args(&words[1..]).spawn().unwrap()
        };
        let mut children: Vec<_> = (0..6).map(|_| start("install")).collect();
        for child in &mut children {
            assert!(child.wait().unwrap().success());
        }
        let after = machine.files();
        let mut children: Vec<_> = (0..3).map(|_| start("uninstall")).collect();
        let done = children.iter_mut().filter_map(|child| child.wait().unwrap().code()).filter(|&code| code == 0);
        assert!(done.count() >= 1);
        assert!(machine.files() == before && after != before);
        assert!(!machine.has_journal());
    }
}

/// Runs a script in a mount namespace of its own, with the command line of `oomshim` as `"$@"`.
fn mounted(machine: &Machine, script: &str) -> Option<std::process::Output> {
    let unshare = needed("unshare")?;
    let root = machine.root().to_str().unwrap();
    let text = format!("set -e\nroot={root}\n{script}");
    let mut command = Command::new(unshare);
    command.args(["--mount", "sh", "-c", &text, "sh"]).args(machine.words("install"));
    Some(command.output().unwrap())
}

#[test]
fn a_read_only_file_system_is_told() {
    for (what, mount) in [
        ("etc", "mount --bind $root/etc $root/etc && mount -o remount,ro,bind $root/etc"),
        ("var", "mkdir -p $root/var && mount -t tmpfs -o ro none $root/var"),
    ] {
        let machine = Machine::of("docker-kubeadm");
        let before = machine.files();
        let Some(output) = mounted(&machine, &format!("{mount}\nexec \"$@\"")) else { return };
        assert_eq!(output.status.code(), Some(2), "{what}: {output:?}");
        assert!(stderr(&output).contains("EROFS"), "{what}: {}", stderr(&output));
        let now: Vec<_> = machine.files().into_iter().filter(|(path, _)| !path.starts_with("var")).collect();
        assert!(now == before.into_iter().collect::<Vec<_>>(), "{what}");
    }
}

#[test]
fn a_full_file_system_loses_nothing() {
    let machine = Machine::of("docker-kubeadm");
    let before = machine.files();
    // The configuration is on a file system with no room left, as the journal is in a second round.
    for place in ["etc/docker", "var/lib/oomshim"] {
        let script = format!(
            "mkdir -p $root/{place} $root/keep && cp -a $root/{place}/. $root/keep/\n\
             mount -t tmpfs -o size=64k none $root/{place} && cp -a $root/keep/. $root/{place}/\n\
             head -c 1m /dev/zero >$root/{place}/.fill 2>/dev/null || true\n\
             \"$@\" && exit 9\n\
             rm $root/{place}/.fill; rmdir $root/{place}/install 2>/dev/null || true\n\
             diff -r $root/keep $root/{place} >&2 || exit 8\n\
             rm -r $root/keep; exit 2"
        );
        let Some(output) = mounted(&machine, &script) else { return };
        assert_eq!(output.status.code(), Some(2), "{place}: {output:?}");
        assert!(stderr(&output).contains("ENOSPC"), "{place}: {}", stderr(&output));
        let _ = fs::remove_dir_all(machine.root().join("var"));
        assert!(machine.files() == before, "{place}");
    }
}

#[test]
fn what_others_changed_since_stays() {
    let machine = Machine::of("docker-kubeadm");
    let file = machine.root().join("etc/docker/daemon.json");
    assert!(machine.call("install", &[]).status.success());
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("\"100m\"", "\"50m\"")).unwrap();
    let output = machine.call("uninstall", &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(said(&output).contains("oomshim's part is taken out"), "{}", said(&output));
    let now = fs::read_to_string(&file).unwrap();
    assert!(now.contains("\"50m\"") && !now.contains("oomshim"), "{now}");

    // Where its part is not as it was written, nothing is guessed, and nothing of the installation is taken back by half.
    assert!(machine.call("install", &[]).status.success());
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("\"default-runtime\": \"oomshim\"", "\"default-runtime\": \"runc\"")).unwrap();
    let before = machine.files();
    let output = machine.call("uninstall", &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains(".before") && machine.files() == before, "{}", stderr(&output));
}

#[test]
fn names_stay_while_containers_have_them() {
    let machine = Machine::of("docker-hosts");
    let before = machine.files();
    assert!(machine.call("install", &[]).status.success());
    let container = machine.root().join("srv/docker/containers/0123456789abcdef");
    fs::create_dir_all(&container).unwrap();
    fs::write(container.join("hostconfig.json"), r#"{"Runtime":"oomshim"}"#).unwrap();
    fs::write(container.join("config.v2.json"), "{\"Name\":\"/web\\u001b[31m\"}").unwrap();
    let left = machine.call("uninstall", &[]);
    assert_eq!(left.status.code(), Some(1), "{left:?}");
    assert!(said(&left).contains("need the name: web\\u{1b}[31m"), "{}", said(&left));
    let file = fs::read_to_string(machine.root().join("etc/docker/daemon.json")).unwrap();
    let json: serde_json::Value = file.parse().unwrap();
    assert_eq!(json["runtimes"]["oomshim"]["path"], "/usr/bin/runc");
    assert!(json.get("default-runtime").is_none(), "{file}");
    // Installed anew, it is the whole again; and taken back for good when the container is gone.
    assert!(machine.call("install", &[]).status.success());
    assert_eq!(machine.call("uninstall", &[]).status.code(), Some(1));
    fs::remove_dir_all(machine.root().join("srv")).unwrap();
    assert!(machine.call("uninstall", &[]).status.success());
    assert!(machine.files() == before);
}
