//! A report for programs, one line an event. Version 1: fields are added, never changed or taken away; sizes are bytes.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::choice::{self, Usage};
use super::collect::Rest;
use super::kernel::{Constraint, CounterKind, Killed, Stat};
use super::owner::{self, Owner};
use super::time::{Time, Wall};
use super::{Report, advice, assemble, event, filled, sentence};
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
    let invoked = event
        .invoked
        .as_ref()
        .map(|it| json!({"name": escape::bytes(&it.name), "oom_score_adj": it.score, "order": it.order}));
    let exiting: Vec<Value> =
        event.exiting.iter().map(|(pid, name)| json!({"pid": pid, "name": escape::bytes(name)})).collect();
    let mut value = json!({
        "version": 1,
        "line": if event.line == 0 { Value::Null } else { event.line.into() },
        "time": report.when.map(|when| format!("{when:.6}")),
        "logged": logged(&event.time),
        "kernel": event.release.as_deref().map(escape::text),
        "cause": verdict.cause.id(),
        "confidence": verdict.confidence.to_string(),
        "evidence": verdict.evidence,
        "notes": sentence::notes(report),
        "next": advice::of(event, verdict.cause),
        "killed": event.killed.iter().map(killed).collect::<Vec<_>>(),
        "exiting": exiting,
        "unreaped": event.unreaped,
        "group": event.group.as_deref().map(path),
        "limit_cgroup": event.limit_path.as_deref().map(path),
        "victim_cgroup": event.victim_path.as_deref().map(path),
        "owner": owner(event),
        "limit": event.limit(),
        "limit_of": event.counter().map(|it| counter(it.kind)),
        "used": event.used(),
        "shmem": event.stat(Stat::Shared),
        "memory": memory(event),
        "filled": filled::sentences(event),
        "largest": choice::largest(event, 5).iter().map(usage).collect::<Vec<_>>(),
        "chosen": chosen(event),
        "constraint": event.constraint().map(constraint),
        "cpuset": event.summary.as_ref().and_then(|it| it.cpuset.as_deref()).map(path),
        "nodes": event.summary.as_ref().and_then(|it| it.nodes.as_deref()),
        "invoked_by": invoked,
        "nothing_killable": event.nothing_killable,
        "panicked": event.panicked,
        "panic_on_oom": event.panic_on_oom,
        "cut": event.is_cut,
        "container": container,
    });
    if let Some(decision) = &report.decision {
        value["guard"] = decision.record.clone();
    }
    format!("{value}\n")
}

fn logged(time: &Time) -> Value {
    let mut fields = Map::new();
    if let Some(micros) = time.since_boot {
        fields.insert("microseconds_since_boot".to_owned(), micros.into());
    }
    match &time.wall {
        None => {}
        Some(Wall::Epoch(micros)) => _ = fields.insert("microseconds_since_1970".to_owned(), (*micros).into()),
        Some(Wall::Local { words, .. } | Wall::Words(words)) => {
            fields.insert("words".to_owned(), escape::text(words).into());
        }
    }
    if fields.is_empty() { Value::Null } else { Value::Object(fields) }
}

fn killed(killed: &Killed) -> Value {
    let sizes = killed.sizes.as_ref();
    json!({
        "pid": killed.pid,
        "name": escape::bytes(&killed.name),
        "total_vm": sizes.map(|it| it.virtual_size),
        "rss_anon": sizes.map(|it| it.anonymous),
        "rss_file": sizes.map(|it| it.file),
        "rss_shmem": sizes.map(|it| it.shared),
        "page_tables": sizes.and_then(|it| it.page_tables),
        "uid": killed.user,
        "oom_score_adj": killed.score,
    })
}

fn owner(event: &event::OomEvent) -> Option<Value> {
    let path = event.victim_path.as_deref().or(event.group.as_deref()).or(event.limit_path.as_deref())?;
    let (owner, root) = owner::of(path)?;
    let engine = match &owner {
        Owner::Container { engine, .. } => *engine,
        _ => None,
    };
    let pod = root.ancestors().find_map(|outer| match owner::here(outer) {
        Some(Owner::Pod(uid)) => Some(uid),
        _ => None,
    });
    Some(json!({
        "kind": owner.kind(),
        "id": escape::text(owner.id()),
        "engine": engine,
        "pod": pod.as_deref().map(escape::text),
    }))
}

fn counter(kind: CounterKind) -> &'static str {
    match kind {
        CounterKind::Memory => "memory",
        CounterKind::MemoryAndSwap => "memory+swap",
        CounterKind::KernelMemory => "kernel memory",
        CounterKind::Swap => "swap",
    }
}

fn constraint(constraint: Constraint) -> &'static str {
    match constraint {
        Constraint::None => "none",
        Constraint::Cpuset => "cpuset",
        Constraint::Policy => "memory-policy",
        Constraint::Cgroup => "cgroup",
        Constraint::Other => "other",
    }
}

/// The machine's memory by what filled it, in bytes, where the log has `Mem-Info`.
fn memory(event: &event::OomEvent) -> Option<Value> {
    if event.pages.is_empty() && event.swap == (None, None) {
        return None;
    }
    let page = event.page();
    let mut fields: Map<String, Value> = Map::new();
    for (name, pages) in &event.pages {
        fields.insert((*name).to_owned(), pages.saturating_mul(page).into());
    }
    fields.insert("swap_free".to_owned(), event.swap.0.into());
    fields.insert("swap_total".to_owned(), event.swap.1.into());
    fields.insert("hugetlb".to_owned(), event.hugetlb.into());
    let exhausted =
        event.zones.iter().filter(|zone| zone.free < zone.min).map(|zone| escape::text(&zone.name).into_owned());
    fields.insert("exhausted_zones".to_owned(), exhausted.collect::<Vec<_>>().into());
    Some(Value::Object(fields))
}

fn usage(usage: &Usage) -> Value {
    json!({
        "pid": usage.pid,
        "name": escape::bytes(&usage.name),
        "rss": usage.resident,
        "swap": usage.swap,
        "page_tables": usage.page_tables,
        "oom_score_adj": usage.score,
    })
}

/// Badness is in bytes, and depends on what may be used in all.
fn chosen(event: &event::OomEvent) -> Option<Value> {
    let choice = choice::of(event)?;
    let with = |it: &Usage| {
        let mut value = usage(it);
        let badness = choice.of.and_then(|of| i64::try_from(it.badness(of)).ok());
        value["badness"] = badness.into();
        value
    };
    Some(json!({"victim": with(&choice.victim), "next": choice.next.as_ref().map(with), "of": choice.of}))
}

/// What the log tells besides its events, in one line with the key `rest`; nothing where there is nothing.
#[must_use]
pub fn write_rest(rest: &Rest) -> String {
    if rest.is_empty() {
        return String::new();
    }
    let part = |count: u64, first: &Option<assemble::Incomplete>| {
        let first = first.as_ref().map(|it| json!({"line": it.line, "text": escape::bytes(&it.text)}));
        json!({"count": count, "first": first})
    };
    let others: Vec<Value> = rest
        .others
        .iter()
        .map(|(line, time, other)| {
            json!({"killer": other.killer, "victim": escape::text(&other.victim), "line": line, "logged": logged(time)})
        })
        .collect();
    let value = json!({
        "version": 1,
        "rest": {
            "incomplete": part(rest.incomplete, &rest.first_incomplete),
            "not_understood": part(rest.not_understood, &rest.first_not_understood),
            "failed_allocations": part(rest.failed_allocations, &rest.first_failed_allocation),
            "witnesses": part(rest.witnesses, &rest.first_witness),
            "other_killers": others,
            "truncated": rest.is_truncated,
        },
    });
    format!("{value}\n")
}

fn path(path: &Path) -> String {
    text(path.as_os_str())
}

fn text(text: &OsStr) -> String {
    escape::bytes(text.as_bytes())
}
