//! A report for programs, one line an event. Version 1: fields are added, never changed or taken away; sizes are bytes.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde_json::{Value, json};

use super::Report;
use super::cause;
use super::line::Killed;
use super::time::Time;
use crate::text::escape;

/// The JSON, in one line.
#[must_use]
pub fn write(report: &Report) -> String {
    let event = &report.event;
    let verdict = &report.verdict;
    let container = report.container.as_ref().map(|it| {
        json!({
            "id": text(&it.id),
            "class": it.class,
            "asked_oom_score_adj": it.asked,
            "bundle": path(&it.bundle),
            "command": it.command.iter().map(|word| text(word)).collect::<Vec<_>>(),
        })
    });
    let invoked = event.invoked.as_ref().map(|it| json!({"name": escape::bytes(&it.name), "oom_score_adj": it.score}));
    let value = json!({
        "version": 1,
        "time": report.when.map(|when| humantime::format_rfc3339_micros(when).to_string()),
        "logged": logged(&event.time),
        "cause": verdict.cause.id(),
        "confidence": verdict.confidence.to_string(),
        "evidence": verdict.evidence,
        "next": cause::advice(event, &verdict.cause),
        "killed": event.killed.iter().map(killed).collect::<Vec<_>>(),
        "group": event.group.as_deref().map(path),
        "limit_cgroup": event.limit_path.as_deref().map(path),
        "victim_cgroup": event.victim_path.as_deref().map(path),
        "limit": event.limit,
        "used": event.used,
        "shmem": event.shared,
        "invoked_by": invoked,
        "nothing_killable": event.nothing_killable,
        "panicked": event.panicked,
        "container": container,
    });
    format!("{value}\n")
}

fn logged(time: &Time) -> Value {
    match time {
        Time::Unknown => Value::Null,
        Time::SinceBoot(micros) => json!({"microseconds_since_boot": micros}),
        Time::Epoch(micros) => json!({"microseconds_since_1970": micros}),
        Time::Words(words) => json!({"words": words}),
    }
}

fn killed(killed: &Killed) -> Value {
    json!({
        "pid": killed.pid,
        "name": escape::bytes(&killed.name),
        "total_vm": killed.virtual_size,
        "rss_anon": killed.anonymous,
        "rss_file": killed.file,
        "rss_shmem": killed.shared,
        "page_tables": killed.page_tables,
        "uid": killed.user,
        "oom_score_adj": killed.score,
    })
}

fn path(path: &Path) -> String {
    text(path.as_os_str())
}

fn text(text: &OsStr) -> String {
    escape::bytes(text.as_bytes())
}
