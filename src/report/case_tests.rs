//! Logs that people pasted, in testdata/report: each gives what its expectation says.

use serde_json::Value;

use super::*;

fn directory(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/report").join(name)
}

struct Told {
    reports: Vec<Report>,
    rest: collect::Rest,
    text: String,
}

fn told(log: &[u8]) -> Told {
    let (events, rest) = collect::all(input::all(log));
    let reports: Vec<Report> = events.into_iter().map(|event| Context::default().report(event)).collect();
    let text = text::write_all(&reports, text::Look::default()) + &rest::write(&rest, !reports.is_empty());
    Told { reports, rest, text }
}

fn victims(report: &Report) -> Vec<(u32, String)> {
    let names = report.event.killed.iter();
    names.map(|it| (it.pid, String::from_utf8_lossy(&it.name).into_owned())).collect()
}

/// The expectation's word for a cause.
fn cause(word: &str) -> &str {
    match word {
        "own" => "own-limit",
        "pod" => "pod-limit",
        "shared" => "shared-limit",
        "machine" => "whole-machine",
        "nodes" => "memory-nodes",
        "cgroup-nobody" => "cgroup-limit",
        other => other,
    }
}

fn check_event(name: &str, report: &Report, expected: &Value) {
    let event = &report.event;
    let path = |path: &Option<std::path::PathBuf>| path.as_ref().map(|it| it.to_str().unwrap().to_owned());
    let text = |key: &str| expected[key].as_str().map(str::to_owned);
    let wanted: Vec<(u32, String)> = serde_json::from_value(expected["victims"].clone()).unwrap();
    assert_eq!(victims(report), wanted, "{name}");
    assert_eq!(report.verdict.cause.id(), cause(expected["cause"].as_str().unwrap()), "{name}");
    assert_eq!(path(&event.limit_path), text("oom_memcg"), "{name}");
    assert_eq!(path(&event.victim_path), text("task_memcg"), "{name}");
    assert_eq!(event.limit(), expected["limit"].as_u64(), "{name}");
    assert_eq!(event.used(), expected["used"].as_u64(), "{name}");
    assert_eq!(event.group.is_some(), expected["group"].as_bool().unwrap(), "{name}");
    assert_eq!(event.panicked, expected["panic"].as_bool().unwrap_or(false), "{name}");
}

#[test]
fn pasted_logs_give_what_is_expected() {
    let mut count = 0;
    for entry in std::fs::read_dir(directory("logs")).unwrap() {
        let path = entry.unwrap().path();
        let Some(name) = path.to_str().and_then(|path| path.strip_suffix(".expect.json")) else { continue };
        let expected: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let log = std::fs::read(format!("{name}.log")).unwrap();
        let told = told(&log);
        let events = expected["events"].as_array().unwrap();
        assert_eq!(told.reports.len(), events.len(), "{name}: {}", told.text);
        for (report, event) in told.reports.iter().zip(events) {
            check_event(name, report, event);
        }
        assert_eq!(told.rest.incomplete, expected["incomplete"].as_u64().unwrap(), "{name}");
        assert_eq!(told.rest.not_understood, 0, "{name}: {:?}", told.rest.first_not_understood);
        assert_eq!(told.rest.others.is_empty(), expected["other_killer"].is_null(), "{name}");
        for words in expected["must_say"].as_array().unwrap() {
            let words = words.as_str().unwrap();
            assert!(told.text.contains(words.strip_prefix("time ").unwrap_or(words)), "{name}: {words}\n{}", told.text);
        }
        for words in expected["must_not_say"].as_array().unwrap() {
            assert!(!told.text.contains(words.as_str().unwrap()), "{name}: {words}\n{}", told.text);
        }
        count += 1;
    }
    assert!(count >= 31, "{count}");
}

/// The victims of an event, its cause, and what its text has to say.
type Expected = (&'static [u32], &'static str, &'static str);

/// What each log of `min/` gives: its events, and how many shortages are told in part.
const MIN: [(&str, &[Expected], u64); 32] = [
    ("F10-trailing-spaces-panic", &[(&[], "whole-machine", "panicked")], 0),
    ("F10-trailing-spaces", &[(&[7], "own-limit", "")], 0),
    ("F11-kmem-limit", &[(&[7], "own-limit", "limit of kernel memory")], 0),
    ("F1a-dmesg-colour", &[(&[7], "whole-machine", "100.000001 s after boot")], 0),
    ("F1a-dmesg-iso", &[(&[7], "whole-machine", "2024-04-29T12:55:41Z")], 0),
    ("F1a-hypervisor", &[(&[7], "whole-machine", "2023-12-04T10:49:30Z")], 0),
    ("F1a-kernel-only", &[(&[7], "whole-machine", "")], 0),
    ("F1a-short-monotonic-no-hostname", &[(&[7], "whole-machine", "12345.678901 s after boot")], 0),
    ("F1a-syslog-pri", &[(&[7], "whole-machine", "Nov 22 07:00:00")], 0),
    ("F1a-talosctl", &[(&[7], "whole-machine", "2025-04-22T10:37:36Z")], 0),
    ("F1b-chosen-only", &[(&[7], "unknown-limit", "or a child of it")], 0),
    ("F1b-cut-before-the-kill", &[(&[], "own-limit", "the log ends before it says who was killed")], 0),
    ("F1b-invoked-only", &[], 1),
    ("F1b-no-sizes", &[(&[7], "whole-machine", "")], 0),
    ("F1b-summary-only", &[(&[7], "own-limit", "the line of the kill is not in the log")], 0),
    ("F1c-indented", &[(&[7], "whole-machine", "100.000001 s after boot")], 0),
    ("F1c-quoted", &[(&[7], "whole-machine", "100.000001 s after boot")], 0),
    ("F1d-wrapped", &[(&[7], "whole-machine", "oom_score_adj 0, user 0")], 0),
    ("F2-bare-kill-after-a-group", &[(&[7], "own-limit", "all of cgroup /a"), (&[99], "unknown-limit", "")], 0),
    ("F2-newest-first", &[(&[3], "own-limit", ""), (&[7], "own-limit", "")], 0),
    ("F2-other-reach", &[(&[7], "whole-machine", ""), (&[99], "unknown-limit", "")], 0),
    ("F2-skipped-victim", &[(&[], "own-limit", "x (7) was exiting already"), (&[99], "unknown-limit", "")], 0),
    ("F2-stale-beginning", &[(&[99], "whole-machine", "Aug 25 20:00:13")], 1),
    ("F3-constraint-none", &[(&[9188], "own-limit", "")], 0),
    ("F4-pod", &[(&[7], "pod-limit", "had 3.9G of the 4.0G (98 %)")], 0),
    ("F5-no-cpusets", &[(&[7], "own-limit", "")], 0),
    ("F5-no-memcg", &[(&[7], "whole-machine", "this kernel has no memory cgroups")], 0),
    ("F6-x2d", &[(&[7], "own-limit", r"/app.slice/app-gnome-google\x2dchrome-5029.scope")], 0),
    ("F7-no-hostname", &[(&[7], "whole-machine", "Nov 22 07:00:00  x (7)")], 0),
    ("F7-openwrt", &[(&[7], "whole-machine", "Tue Aug 11 16:28:56 2020  x (7)")], 0),
    ("F8-early-boot", &[(&[], "whole-machine", "the machine was still starting")], 0),
    ("F8-init-killed", &[(&[1], "whole-machine", "PID 1 was among the victims and the machine panicked")], 0),
];

#[test]
fn each_fault_of_the_reader_is_mended() {
    let logs = std::fs::read_dir(directory("min")).unwrap().count();
    assert_eq!(logs, MIN.len(), "each has a row");
    for (name, events, incomplete) in MIN {
        let told = told(&std::fs::read(directory("min").join(format!("{name}.log"))).unwrap());
        let found: Vec<(Vec<u32>, &str)> = told
            .reports
            .iter()
            .map(|it| (it.event.killed.iter().map(|it| it.pid).collect(), it.verdict.cause.id()))
            .collect();
        let wanted: Vec<(Vec<u32>, &str)> = events.iter().map(|it| (it.0.to_vec(), it.1)).collect();
        assert_eq!(found, wanted, "{name}");
        for (_, _, words) in events {
            assert!(told.text.contains(words), "{name}: {words}\n{}", told.text);
        }
        assert_eq!(told.rest.incomplete, incomplete, "{name}");
    }
}
