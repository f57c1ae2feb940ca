//! `[guard]` and the guard's keys of a class, written out.

use std::fmt::Write as _;
use std::time::Duration;

use super::quoted;
use crate::policy::class::Class;
use crate::policy::guard::{Guard, OnPressure, Sustained};
use crate::policy::rule::Pattern;

pub(super) fn write(out: &mut String, guard: &Guard) {
    let _ = writeln!(out, "\n[guard]\nmode = {}", quoted(guard.mode.word()));
    let on_pressure = match guard.on_pressure {
        OnPressure::Kill => "[\"kill\"]",
        OnPressure::PauseThenKill => "[\"pause\", \"kill\"]",
    };
    let _ = writeln!(out, "on_pressure = {on_pressure}");
    for (key, list) in [("watch", &guard.watch), ("kill", &guard.kill), ("never", &guard.never)] {
        let list: Vec<String> = list.iter().map(Pattern::text).map(quoted).collect();
        let _ = writeln!(out, "{key} = [{}]", list.join(", "));
    }
    let _ = writeln!(out, "floor = {}", quoted(&guard.floor.to_string()));
    let _ = writeln!(out, "swap_low = \"{}%\"", guard.swap_low);
    let _ = writeln!(out, "storm = {{ {} }}", sustained(guard.storm));
    let below = quoted(&guard.thrash_below.to_string());
    let _ = writeln!(out, "thrash = {{ {}, below = {below} }}", sustained(guard.thrash));
    match guard.own_limit {
        Some(rule) => drop(writeln!(out, "own_limit = {{ {} }}", sustained(rule))),
        None => drop(writeln!(out, "own_limit = \"off\"")),
    }
    let _ = writeln!(out, "horizon = {}", time(guard.horizon));
    let _ = writeln!(out, "report_budget = {}", time(guard.report_budget));
    let _ = writeln!(out, "tell_step = {}", guard.tell_step);
    let _ = writeln!(out, "kills_per_minute = {}", guard.kills_per_minute);
    let _ = writeln!(out, "events = {}", guard.events);
    match &guard.metrics {
        Some(path) => drop(writeln!(out, "metrics = {}", quoted(&path.to_string_lossy()))),
        None => drop(writeln!(out, "# metrics: none")),
    }
}

pub(super) fn write_class(out: &mut String, class: &Class) {
    let guard = class.guard;
    let _ = writeln!(out, "guard = {}", quoted(guard.order.word()));
    let _ = writeln!(out, "guard_reserve = {}", quoted(&guard.reserve.to_string()));
}

fn sustained(rule: Sustained) -> String {
    format!("share = {}, for = {}", rule.share, time(rule.hold))
}

fn time(time: Duration) -> String {
    let milliseconds = time.as_millis();
    if milliseconds.is_multiple_of(1000) {
        format!("\"{}s\"", milliseconds / 1000)
    } else {
        format!("\"{milliseconds}ms\"")
    }
}
