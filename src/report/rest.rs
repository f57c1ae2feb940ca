//! What a log tells besides its events, for people: who else killed, and what is told in part only.

use std::fmt::Write;

use super::collect::Rest;
use super::sentence::{NAMED, clock};
use super::{assemble, input};
use crate::text::escape;

/// What the log tells besides its events: who else killed, and what is told in part only.
#[must_use]
pub fn write(rest: &Rest, has_events: bool) -> String {
    let mut text = String::new();
    let mut killers: Vec<&str> = rest.others.iter().map(|(_, _, other)| other.killer).collect();
    killers.sort_unstable();
    killers.dedup();
    for killer in killers {
        let of_it = || rest.others.iter().filter(|(_, _, other)| other.killer == killer);
        let mut victims: Vec<String> = Vec::new();
        for (_, _, other) in of_it().filter(|(_, _, other)| !other.victim.is_empty()) {
            let shown = escape::text(&other.victim).into_owned();
            if !victims.contains(&shown) && victims.len() <= NAMED {
                victims.push(shown);
            }
        }
        let more = if victims.len() > NAMED { ", …" } else { "" };
        let victims = victims.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        let count = of_it().count();
        let Some((line, time, _)) = of_it().next() else { continue };
        let when = if time.is_unknown() { String::new() } else { format!(", at {}", clock(time)) };
        let of = if victims.is_empty() { String::new() } else { format!(": {victims}{more}") };
        _ = writeln!(
            text,
            "{killer} killed, not this kernel ({}, the first{}{when}){of}",
            times(count),
            at_line(*line)
        );
    }
    let mut part = |count: u64, first: &Option<assemble::Incomplete>, one: &str, many: &str| {
        let Some(first) = first else { return };
        let what = if count == 1 { one } else { many };
        let shown = escape::text(&input::lossy(&first.text)).into_owned();
        _ = writeln!(text, "{count} {what}; the first{}: {shown}", at_line(first.line));
    };
    part(
        rest.incomplete,
        &rest.first_incomplete,
        "shortage of memory is in the log only in part, without what was done",
        "shortages of memory are in the log only in part, without what was done",
    );
    part(
        rest.not_understood,
        &rest.first_not_understood,
        "line speaks of running out of memory and was not understood",
        "lines speak of running out of memory and were not understood",
    );
    part(
        rest.failed_allocations,
        &rest.first_failed_allocation,
        "page allocation failed, for which the kernel kills nothing",
        "page allocations failed, for which the kernel kills nothing",
    );
    if !has_events {
        part(
            rest.witnesses,
            &rest.first_witness,
            "line of a program says that memory ran out or a process was killed for it, and the kernel's own lines are not in the log",
            "lines of programs say that memory ran out or a process was killed for it, and the kernel's own lines are not in the log",
        );
    }
    if rest.is_truncated {
        text.push_str(
            "The log is newest first and too long: its oldest lines were left out. Turn it around (`tac`).\n",
        );
    }
    text
}

fn times(count: usize) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

fn at_line(line: u64) -> String {
    if line == 0 { String::new() } else { format!(" in line {line}") }
}
