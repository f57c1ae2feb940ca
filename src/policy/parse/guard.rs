//! `[guard]` and the guard's keys of a class.

use std::time::Duration;

use super::class::{Zero, size};
use super::table::{Parsed, Table, Value, absolute, boolean, one_of, problem, string};
use crate::policy::class::Size;
use crate::policy::guard::{ClassGuard, Guard, Mode, OnPressure, Order, Sustained};
use crate::policy::rule::Pattern;
use crate::system::oom_score_adj::OomScoreAdj;

const MODES: [(&str, Mode); 2] = [("kill", Mode::Kill), ("observe", Mode::Observe)];
const ORDERS: [(&str, Order); 4] =
    [("first", Order::First), ("normal", Order::Normal), ("last", Order::Last), ("never", Order::Never)];

/// The keys of `[guard]`.
const KEYS: [&str; 16] = [
    "mode",
    "on_pressure",
    "watch",
    "kill",
    "never",
    "floor",
    "swap_low",
    "storm",
    "thrash",
    "own_limit",
    "horizon",
    "report_budget",
    "tell_step",
    "kills_per_minute",
    "events",
    "metrics",
];

/// `[guard]`: what is absent stays as `base` has it.
pub(super) fn guard(table: &Table<'_, '_>, base: Guard) -> Parsed<Guard> {
    table.allow(&KEYS)?;
    let mut guard = base;
    if let Some(value) = table.get("mode") {
        guard.mode = one_of(value, &MODES)?;
    }
    if let Some(value) = table.get("on_pressure") {
        guard.on_pressure = on_pressure(value)?;
    }
    for (key, list) in [("watch", &mut guard.watch), ("kill", &mut guard.kill), ("never", &mut guard.never)] {
        if let Some(value) = table.get(key) {
            *list = patterns(key, value)?;
        }
    }
    if let Some(value) = table.get("floor") {
        guard.floor = size(value, Zero::Kills)?;
        if let Size::Percent(51..) = guard.floor {
            let message = "a floor above 50% of RAM would kill on healthy machines";
            return problem(value.span(), message);
        }
    }
    if let Some(value) = table.get("swap_low") {
        guard.swap_low = percent(value)?;
    }
    if let Some(storm) = table.table("storm")? {
        guard.storm = sustained(&storm, &["share", "for"], guard.storm)?;
    }
    if let Some(thrash) = table.table("thrash")? {
        guard.thrash = sustained(&thrash, &["share", "for", "below"], guard.thrash)?;
        if let Some(value) = thrash.get("below") {
            guard.thrash_below = size(value, Zero::Kills)?;
        }
    }
    if let Some(value) = table.get("own_limit") {
        guard.own_limit = if value.get_ref().is_str() {
            one_of(value, &[("off", None)])?
        } else {
            let default = guard.own_limit.or(Guard::default().own_limit);
            let base = default.unwrap_or(Sustained { share: 50, hold: Duration::from_secs(10) });
            Some(sustained(&Table::of(value, "own_limit")?, &["share", "for"], base)?)
        };
    }
    if let Some(value) = table.get("horizon") {
        guard.horizon = duration(value, Duration::ZERO, Duration::from_mins(1))?;
    }
    if let Some(value) = table.get("report_budget") {
        guard.report_budget = duration(value, Duration::ZERO, Duration::from_secs(2))?;
    }
    if let Some(value) = table.get("tell_step") {
        guard.tell_step = boolean(value)?;
    }
    if let Some(value) = table.get("kills_per_minute") {
        guard.kills_per_minute = number(value, 1, 60)?;
    }
    if let Some(value) = table.get("events") {
        guard.events = boolean(value)?;
    }
    if let Some(value) = table.get("metrics") {
        guard.metrics = Some(absolute(value)?);
    }
    Ok(guard)
}

/// The guard's keys of a class.
pub(super) fn of_class(table: &Table<'_, '_>, oom_score_adj: OomScoreAdj) -> Parsed<ClassGuard> {
    let mut guard = ClassGuard::of_class(oom_score_adj);
    if let Some(value) = table.get("guard") {
        guard.order = one_of(value, &ORDERS)?;
        if oom_score_adj < OomScoreAdj::ZERO && guard.order != Order::Never {
            let message = "a class with an oom_score_adj below 0 is for daemons, which the guard never kills; \
                           leave `guard` out or give the class an oom_score_adj of at least 0";
            return problem(value.span(), message);
        }
    }
    if let Some(value) = table.get("guard_reserve") {
        guard.reserve = size(value, Zero::IsALimit)?;
    }
    Ok(guard)
}

fn sustained(table: &Table<'_, '_>, keys: &[&str], base: Sustained) -> Parsed<Sustained> {
    table.allow(keys)?;
    let mut rule = base;
    if let Some(value) = table.get("share") {
        rule.share = percent(value)?;
    }
    if let Some(value) = table.get("for") {
        rule.hold = duration(value, Duration::from_millis(100), Duration::from_mins(10))?;
    }
    Ok(rule)
}

/// `["kill"]` or `["pause", "kill"]`, in that order.
fn on_pressure(value: Value<'_, '_>) -> Parsed<OnPressure> {
    let words = value.get_ref().as_array().map(|list| list.iter().map(|it| it.get_ref().as_str()).collect::<Vec<_>>());
    match words.as_deref() {
        Some([Some("kill")]) => Ok(OnPressure::Kill),
        Some([Some("pause"), Some("kill")]) => Ok(OnPressure::PauseThenKill),
        _ => problem(value.span(), "write on_pressure = [\"kill\"] or [\"pause\", \"kill\"]"),
    }
}

fn patterns(key: &str, value: Value<'_, '_>) -> Parsed<Vec<Pattern>> {
    let Some(list) = value.get_ref().as_array() else {
        return problem(value.span(), format!("write {key} = [\"/buildkit/*\"], a list of cgroups"));
    };
    list.iter()
        .map(|value| {
            let text = string(value, "a cgroup like \"/buildkit/*\"")?;
            if !text.starts_with('/') || text.split('/').any(|name| name == "..") {
                let message = "a cgroup is written from the root of the cgroup file system: \"/buildkit/*\"";
                return problem(value.span(), message);
            }
            if text.trim_matches('/').is_empty() || text.trim_matches(['/', '*']).is_empty() {
                return problem(
                    value.span(),
                    "this would make the whole machine a job; name the directory of the jobs",
                );
            }
            Pattern::new(text).or_else(|error| problem(value.span(), error.to_string()))
        })
        .collect()
}

fn percent(value: Value<'_, '_>) -> Parsed<u8> {
    if let Some(text) = value.get_ref().as_str() {
        let number = text.strip_suffix('%').and_then(|text| text.trim().parse().ok());
        return match number {
            Some(percent @ 1..=100) => Ok(percent),
            _ => problem(value.span(), format!("{text:?} is no percentage from \"1%\" to \"100%\"")),
        };
    }
    number(value, 1, 100)
}

fn number(value: Value<'_, '_>, least: u8, most: u8) -> Parsed<u8> {
    let integer = value.get_ref().as_integer().and_then(|it| i64::from_str_radix(it.as_str(), it.radix()).ok());
    match integer.and_then(|it| u8::try_from(it).ok()) {
        Some(number) if (least..=most).contains(&number) => Ok(number),
        _ => problem(value.span(), format!("write a number from {least} to {most}")),
    }
}

fn duration(value: Value<'_, '_>, least: Duration, most: Duration) -> Parsed<Duration> {
    let text = string(value, "a time like \"10s\" or \"100ms\"")?;
    let split = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let milliseconds = match (number.parse::<u64>(), unit.trim_start()) {
        (Ok(number), "ms") => Some(number),
        (Ok(number), "s") => number.checked_mul(1000),
        (Ok(number), "min") => number.checked_mul(60_000),
        (Ok(0), "") => Some(0),
        _ => None,
    };
    match milliseconds.map(Duration::from_millis) {
        Some(time) if (least..=most).contains(&time) => Ok(time),
        Some(_) => problem(value.span(), format!("{text:?} is not between {least:?} and {most:?}")),
        None => problem(value.span(), format!("{text:?} is no time; write it like \"10s\", \"100ms\" or \"1min\"")),
    }
}
