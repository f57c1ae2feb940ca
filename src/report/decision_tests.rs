use std::time::Duration;

use super::*;
use crate::guard::record::{Record, Told};
use crate::guard::replay::replay;
use crate::guard::ring::Moment;
use crate::guard::series::Series;
use crate::guard::settings::Settings;
use crate::picture::terminal::Letters;
use crate::report::text::{self, Look};

/// What the guard would have kept of its kill in a recorded series.
fn recorded() -> Record {
    let series = Series::parse(include_str!("../../testdata/series/6.1-noswap-50.tsv")).unwrap();
    let (acts, _) = replay(&series, Settings::of_host(series.samples[0].host.memory_total));
    let verdict = acts[0].verdict;
    let told = |it: &_| Told::new(it, "/buildkit/abcdefgh1".to_owned(), None, Some("abcdefgh1".to_owned()));
    let mut record = Record::new(Deed::Killed, "the floor\u{1b}".to_owned(), &verdict, told);
    record.time = "2026-11-25T10:00:00.000Z".to_owned();
    record.series =
        series.samples.iter().filter(|it| it.at <= verdict.at + Duration::from_secs(1)).map(Moment::of).collect();
    record.outcome = Some(Ended {
        dead: true,
        method: Some("cgroup.kill".to_owned()),
        decided_us: 900,
        sampled_us: 100,
        told_ms: Some(1),
        oom_counted_ms: Some(7),
        killed_ms: Some(8),
        empty_ms: Some(120),
        settled_ms: Some(200),
        before: 700 << 20,
        after: 100 << 20,
        leftovers: vec!["104857600 bytes of a tmpfs of the host: /dev/shm/x".to_owned()],
        unexplained: 0,
        survivors: Vec::new(),
        failures: Vec::new(),
    });
    record
}

#[test]
fn a_kill_without_a_line_of_the_kernel_is_told_and_drawn() {
    let decision = Decision::of(&recorded());
    let told = text::write_decision(&decision, Look { width: Some(120), picture: Some((Letters::Ascii, 80)) });
    let mut lines = told.lines();
    assert_eq!(lines.next(), Some("2026-11-25T10:00:00Z  oomshim guard: the floor\\u{1b}"));
    for part in [
        "outcome       the job was dead after 120 ms; 600M came back; the kernel counted it as out of memory",
        "left          104857600 bytes of a tmpfs of the host: /dev/shm/x",
        "killed ^",
        "job 0 (killed)",
    ] {
        assert!(told.contains(part), "{part} is not in\n{told}");
    }
    assert!(!text::write_decision(&decision, Look::default()).contains("killed ^"));
}

#[test]
fn the_numbers_are_in_the_json() {
    let json: serde_json::Value = serde_json::from_str(&Decision::of(&recorded()).json()).unwrap();
    assert_eq!((json["cause"].as_str(), json["guard"]["memory_total"].as_u64()), (Some("guard"), Some(1_000_341_504)));
    let series = json["guard"]["series"].as_array().unwrap();
    assert!(series.len() > 100 && series.iter().all(|it| it["memory_available"].is_u64() && it["jobs"].is_array()));
}

#[test]
fn a_decision_is_found_by_its_container() {
    let decision = Decision::of(&recorded());
    assert!(decision.is_about("abcdefgh1") && decision.is_about("abcdefgh"));
    assert!(!decision.is_about("abcdef") && !decision.is_about("other"));
}
