//! Files as they are in the field, of every engine: what `install` writes is only ours, and `uninstall` gives every byte back.

use std::collections::BTreeMap;
use std::fs;

use super::machine::{Machine, cases, corpus};
use crate::common::stderr;

#[test]
fn every_byte_comes_back() {
    let all = cases();
    let mut by_engine: BTreeMap<String, usize> = BTreeMap::new();
    for case in all.iter().filter(|case| !case.ends_with("-refused")) {
        let machine = Machine::of(case);
        *by_engine.entry(machine.engine.clone()).or_default() += 1;
        let before = machine.files();
        let diff = machine.call("install", &["--dry-run"]);
        assert_eq!(diff.status.code(), Some(1), "{case}: {diff:?}");
        assert!(machine.files() == before && !machine.has_journal(), "{case}: --dry-run changed something");

        let installed = machine.call("install", &[]);
        assert_eq!(installed.status.code(), Some(0), "{case}: {}", stderr(&installed));
        let after = machine.files();
        assert!(after != before, "{case}");
        for (path, (bytes, mode)) in &before {
            let (now, mode_now) = &after[path];
            assert_eq!(mode, mode_now, "{case}: {}", path.display());
            // Nothing is written anew: all lines are there, in their order, but those with a value of ours.
            let mut rest = now.split_inclusive(|&byte| byte == b'\n');
            let lines = bytes.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n"));
            let changed =
                lines.filter(|line| !rest.clone().any(|other| other == *line) || !rest.any(|other| other == *line));
            assert!(changed.count() <= 2, "{case}: {} lost lines", path.display());
        }
        let shown = String::from_utf8_lossy(&diff.stdout);
        for path in after.keys().filter(|path| after.get(*path) != before.get(*path)) {
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(shown.contains(name), "{case}: --dry-run does not show {name}: {shown}");
        }

        let twice = machine.call("install", &[]);
        assert_eq!(twice.status.code(), Some(0), "{case}: {}", stderr(&twice));
        assert!(machine.files() == after, "{case}: a second install changed something");
        let check = machine.call("install", &["--check"]);
        assert_eq!(check.status.code(), Some(check_status(&machine)), "{case}: {check:?}");

        let undone = machine.call("uninstall", &[]);
        assert_eq!(undone.status.code(), Some(0), "{case}: {}", stderr(&undone));
        assert!(machine.files() == before, "{case}: uninstall did not bring everything back");
        assert!(!machine.has_journal(), "{case}");
        let again = machine.call("uninstall", &[]);
        assert_eq!(again.status.code(), Some(2), "{case}: {again:?}");
    }
    assert!(all.len() >= 60, "{} cases", all.len());
    assert!(by_engine.len() == 7 && by_engine.values().all(|&cases| cases >= 4), "{by_engine:?}");
}

/// What is only written down for a distribution's next start is not in effect yet.
fn check_status(machine: &Machine) -> i32 {
    let is_rendered = matches!(machine.engine.as_str(), "k3s" | "rke2");
    let main = format!("var/lib/rancher/{}/agent/etc/containerd/config.toml", machine.engine);
    let imports = fs::read_to_string(machine.root().join(main)).is_ok_and(|text| text.contains("imports"));
    i32::from(is_rendered && !imports)
}

/// The blocks of docs/install that show what becomes of a case: page, case, and lines.
fn shown_blocks() -> Vec<(String, String, Vec<String>)> {
    let directory = corpus().join("../../docs/install");
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let Some(case) = line.strip_prefix("<!-- install ").and_then(|rest| rest.strip_suffix(" -->")) else {
                continue;
            };
            assert_eq!(lines.next(), Some("```diff"), "{}", path.display());
            let block = lines.by_ref().take_while(|line| *line != "```").map(str::to_owned).collect();
            all.push((path.display().to_string(), case.to_owned(), block));
        }
    }
    all
}

#[test]
fn pages_show_what_is_written() {
    let blocks = shown_blocks();
    for (page, case, block) in &blocks {
        let diff = Machine::of(case).call("install", &["--dry-run"]);
        let diff = String::from_utf8_lossy(&diff.stdout).into_owned();
        let lines: Vec<&str> = diff.lines().collect();
        let is_there = !block.is_empty() && lines.windows(block.len()).any(|run| run == block.as_slice());
        assert!(is_there, "{page} shows something else for {case} than:\n{diff}");
    }
    assert!(blocks.len() >= 5, "{} blocks", blocks.len());
}

#[test]
fn what_cannot_be_edited_is_left() {
    let mut count = 0;
    for case in cases().iter().filter(|case| case.ends_with("-refused")) {
        let machine = Machine::of(case);
        let before = machine.files();
        let refused = machine.call("install", &[]);
        assert_eq!(refused.status.code(), Some(2), "{case}: {refused:?}");
        assert!(machine.files() == before && !machine.has_journal(), "{case}: something was changed");
        let said = stderr(&refused);
        assert!(said.starts_with("oomshim: ") && said.contains('/'), "{case}: it names no file: {said}");
        count += 1;
    }
    assert!(count >= 10, "{count} cases");
}
