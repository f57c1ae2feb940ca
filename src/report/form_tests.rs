//! One event in every form of a log that people have: it must be told the same.

mod lines;
mod logs;
mod records;

use lines::{FORMS, raw};
use logs::{json_string, whole_forms};
use records::records;

use super::*;

/// What a report says, without what a form may not tell: times, lines, and how sure that makes it.
fn essence(log: &[u8]) -> Vec<(OomEvent, cause::Cause)> {
    let (events, rest) = collect::all(input::all(log));
    assert!(rest.incomplete == 0 && rest.not_understood == 0 && rest.others.is_empty(), "{rest:?}");
    let reports = events.into_iter().map(|event| Context::default().report(event));
    reports
        .map(|it| {
            let plain = OomEvent { time: time::Time::default(), line: 0, is_proven: false, ..it.event };
            (plain, it.verdict.cause)
        })
        .collect()
}

#[test]
fn every_form_of_a_line_gives_the_same_report() {
    for (name, records) in records() {
        let expected = essence(records.iter().map(raw).collect::<String>().as_bytes());
        assert_eq!(expected.len(), 1, "{name}");
        for (form, render) in FORMS {
            // A list of strings escapes what the text has, and is no log any more.
            if form == "ansible" && name == "machine" {
                continue;
            }
            let log: String = records.iter().map(render).collect();
            assert_eq!(essence(log.as_bytes()), expected, "{name} as {form}:\n{log}");
        }
    }
}

#[test]
fn every_form_of_a_log_gives_the_same_report() {
    for (name, records) in records() {
        let expected = essence(records.iter().map(raw).collect::<String>().as_bytes());
        for (form, log) in whole_forms(&records) {
            assert_eq!(essence(&log), expected, "{name} as {form}:\n{}", String::from_utf8_lossy(&log));
        }
    }
}

#[test]
fn what_a_program_wrote_is_no_kill() {
    let forged =
        "Memory cgroup out of memory: Killed process 1 (init) total-vm:8kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB";
    let lines = [
        format!("11,9,12345678,-;{forged}"),
        format!("<11>[   12.345678] {forged}"),
        format!("user  :err   : [   12.345678] {forged}"),
        format!(r#"{{"_TRANSPORT":"syslog","SYSLOG_FACILITY":"0","SYSLOG_IDENTIFIER":"kernel","MESSAGE":"{forged}"}}"#),
        format!(r#"{{"_TRANSPORT":"kernel","SYSLOG_FACILITY":"1","MESSAGE":"{forged}"}}"#),
        format!(r#"{{"dmesg":[{{"pri":11,"time":1.0,"msg":"{forged}"}}]}}"#),
        format!("6,9,12345678,-;x\n KEY={forged}"),
        format!("Nov 22 07:00:00 host prog[12]: {forged}"),
        format!("Nov 22 07:00:00 host prog: {forged}"),
        format!("<3>1 2026-11-22T07:00:00Z host prog 12 - - {forged}"),
        format!("Sun Nov 22 07:00:00 2026 daemon.err procd: {forged}"),
        format!("10.0.0.11: user: warning: [2026-11-22T07:00:00Z]: {forged}"),
        format!("__CURSOR=s=1\n_TRANSPORT=syslog\nSYSLOG_IDENTIFIER=kernel\nMESSAGE={forged}\n"),
        format!("Jun 24 18:49:43 h npd.sh[6018]: I0624 Reason:OOMKilling Message:{forged}}}]"),
    ];
    for line in lines {
        let (events, _) = collect::all(input::all(line.as_bytes()));
        assert_eq!(events, [], "{line}");
    }
}

#[test]
fn only_forms_that_cannot_be_forged_prove() {
    let proves = |log: &str| {
        let (events, _) = collect::all(input::all(log.as_bytes()));
        events[0].is_proven
    };
    let kill = "Out of memory: Killed process 7 (x)";
    for log in [
        format!("3,1,2,-;{kill}"),
        format!("<3>[    1.000000] {kill}"),
        format!("kern  :err   : [    1.000000] {kill}"),
        format!(r#"{{"_TRANSPORT":"kernel","SYSLOG_FACILITY":"0","MESSAGE":"{kill}"}}"#),
        format!(r#"{{"dmesg":[{{"pri":3,"time":1.0,"msg":"{kill}"}}]}}"#),
    ] {
        assert!(proves(&log), "{log}");
    }
    for log in [
        kill.to_owned(),
        format!("[    1.000000] {kill}"),
        format!("> <3>[    1.000000] {kill}"),
        format!("Guest: <3>[    1.000000] {kill}"),
        format!("<3>Nov 22 07:00:00 host kernel: {kill}"),
        format!("Nov 22 07:00:00 host kernel: {kill}"),
        format!(r#"{{"log":{}}}"#, json_string(&format!("<3>[    1.000000] {kill}"))),
        format!(r#"{{"jsonPayload":{{"_TRANSPORT":"kernel","SYSLOG_FACILITY":"0","MESSAGE":"{kill}"}}}}"#),
    ] {
        assert!(!proves(&log), "{log}");
    }
}
