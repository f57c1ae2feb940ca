//! The kernel's log, saved and running.

use oomshim::report::collect::{self, Collector};
use oomshim::report::input::{self, Reader};
use oomshim::report::text::Look;
use oomshim::report::{Context, Report, json, rest, source, storm, text};

/// A saved log in any form. What is told has no control characters, and as JSON it is JSON.
pub fn report(data: &[u8]) {
    let (events, left) = collect::all(input::all(data));
    let context = Context::default();
    let reports: Vec<Report> = events.into_iter().map(|event| context.report(event)).collect();
    tell(&reports);
    check(&rest::write(&left, !reports.is_empty()));
    let left = json::write_rest(&left);
    assert!(left.is_empty() || serde_json::from_str::<serde_json::Value>(&left).expect("JSON").is_object());
}

/// Records of `/dev/kmsg`, divided by bytes 0xff; an empty one is a pause.
pub fn kmsg(data: &[u8]) {
    let (mut reader, mut collector) = (Reader::default(), Collector::following());
    let (mut entries, mut events) = (Vec::new(), Vec::new());
    for record in data.split(|byte| *byte == 0xff) {
        source::record(&mut reader, record, &mut entries);
        if record.is_empty() {
            reader.finish(&mut entries);
        }
        entries.drain(..).for_each(|entry| collector.entry(entry, &mut events));
        if record.is_empty() {
            collector.pause(&mut events);
        }
    }
    collector.finish(&mut events);
    let context = Context::default();
    tell(&events.into_iter().map(|event| context.report(event)).collect::<Vec<_>>());
}

fn tell(reports: &[Report]) {
    for width in [None, Some(40)] {
        check(&text::write_all(reports, Look { width, picture: None }));
    }
    for storm in storm::group(reports) {
        check(&text::write_storm(storm, Look::default()));
    }
    for report in reports {
        let value: serde_json::Value = serde_json::from_str(&json::write(report)).expect("JSON");
        assert!(value.is_object());
        let _ = report.is_about("0123456789ab");
    }
}

fn check(text: &str) {
    assert!(!text.contains(|it: char| it.is_control() && it != '\n'), "{text:?}");
}
