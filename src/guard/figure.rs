//! The minutes around a decision as a [`Picture`]: of a record, and of a recorded series.

use std::collections::BTreeMap;

use super::record::{self, Record};
use super::replay::{Act, Deed};
use super::ring::Moment;
use super::sample::JobId;
use super::series::Series;
use crate::picture::{Band, Mark, Picture, Point, Role};
use crate::text::escape;

/// How many of the largest jobs are told apart beside the victim.
const OTHERS: usize = 3;

/// Over how long stall is measured, in microseconds: as the conditions do.
const SHARE_WINDOW: u64 = 1_000_000;

/// How a record came about; `None` where it has no series, because it is of a guard that had just started.
#[must_use]
pub fn of_record(record: &Record) -> Option<Picture> {
    let names: BTreeMap<JobId, &str> = record.names.iter().map(|(id, name)| (*id, name.as_str())).collect();
    let victim = record.victim.as_ref();
    let (done, mark) = match record.deed {
        record::Deed::Killed => ("killed", "killed"),
        record::Deed::WouldKill => ("would have killed", "would kill"),
        record::Deed::Helpless => ("could not help", "helpless"),
    };
    let whom = victim.map_or_else(String::new, |it| format!(" {}", escape::text(&it.cgroup)));
    let picture = Picture {
        title: format!("oomshim guard {done}{whom}, {}", record.time),
        caption: escape::text(&record.message).into_owned(),
        memory_total: record.memory_total,
        swap_total: record.swap_total,
        floor: Some(record.floor),
        marks: vec![Mark { at: 0, what: mark.to_owned() }],
        ..Picture::default()
    };
    let name = |id| names.get(&id).map_or_else(|| format!("job {}", id.0), |name| escape::text(name).into_owned());
    fill(picture, &record.series, record.monotonic_us, victim.map(|it| (it.id, mark)), &name)
}

/// What the guard would have done with a series: at its first deed, or all of it where there was none.
#[must_use]
pub fn of_series(series: &Series, acts: &[Act], floor: u64) -> Option<Picture> {
    let moments: Vec<Moment> = series.samples.iter().map(Moment::of).collect();
    let host = series.samples.first()?.host;
    let first = acts.first();
    let micros = |time: std::time::Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let zero = first.map_or(moments.first()?.at_us, |act| micros(act.verdict.at));
    let name = |id| escape::text(&series.name(id)).into_owned();
    let word = |deed: Deed| match deed {
        Deed::Kill => "kill",
        Deed::Observe => "would kill",
        Deed::Helpless(_) => "helpless",
    };
    let mut marks: Vec<Mark> = Vec::new();
    for act in acts {
        marks.push(Mark { at: since(micros(act.verdict.at), zero), what: word(act.deed).to_owned() });
    }
    if let Some(kill) = series.kernel_kill {
        marks.push(Mark { at: since(micros(kill), zero), what: "the kernel's OOM killer".to_owned() });
    }
    let picture = Picture {
        title: "what oomshim guard would have done".to_owned(),
        caption: first.map_or_else(|| "nothing".to_owned(), |act| escape::text(&act.describe(&name)).into_owned()),
        memory_total: host.memory_total,
        swap_total: host.swap_total,
        floor: Some(first.map_or(floor, |act| act.verdict.outlook.floor)),
        marks,
        ..Picture::default()
    };
    let victim = first.and_then(|act| Some((act.verdict.victim?.id, word(act.deed))));
    fill(picture, &moments, zero, victim, &name)
}

/// Milliseconds from `zero` to a time.
fn since(at: u64, zero: u64) -> i64 {
    let milliseconds = |it: u64| i64::try_from(it / 1000).unwrap_or(i64::MAX);
    milliseconds(at).saturating_sub(milliseconds(zero))
}

/// Gives a picture its points and bands, and leaves of them what tells how it came to the moment.
fn fill(
    mut picture: Picture,
    moments: &[Moment],
    zero: u64,
    victim: Option<(JobId, &str)>,
    name: &impl Fn(JobId) -> String,
) -> Option<Picture> {
    let mut largest: BTreeMap<JobId, u64> = BTreeMap::new();
    for (id, frees) in moments.iter().flat_map(|moment| moment.jobs.iter().flatten()) {
        let most = largest.entry(*id).or_default();
        *most = (*most).max(*frees);
    }
    let mut others: Vec<(u64, JobId)> =
        largest.into_iter().filter(|(id, _)| Some(*id) != victim.map(|it| it.0)).map(|(id, most)| (most, id)).collect();
    others.sort_by_key(|&(most, id)| (std::cmp::Reverse(most), id));
    others.truncate(OTHERS);
    let mut ids: Vec<JobId> = others.iter().map(|(_, id)| *id).collect();
    picture.bands = ids.iter().map(|id| Band { name: name(*id), role: Role::Other }).collect();
    if let Some((id, what)) = victim {
        ids.push(id);
        picture.bands.push(Band { name: format!("{} ({what})", name(id)), role: Role::Victim });
    }
    // Without PSI the counter stays at 0.
    let has_stall = moments.last()?.full_stall_us > 0;
    let mut before = 0;
    for moment in moments {
        while moments[before].at_us.saturating_add(SHARE_WINDOW) <= moment.at_us && before + 1 < moments.len() {
            before += 1;
        }
        // The last one that is at least that old, as far as there is one.
        let old = &moments[before.saturating_sub(1)];
        let stalled = moment.full_stall_us.saturating_sub(old.full_stall_us);
        let share = stalled.saturating_mul(100).checked_div(moment.at_us.saturating_sub(old.at_us)).unwrap_or(0);
        let held = |id: &JobId| moment.jobs.iter().flatten().find(|(other, _)| other == id).map_or(0, |it| it.1);
        picture.points.push(Point {
            at: since(moment.at_us, zero),
            available: moment.memory_available,
            swap_free: moment.swap_free,
            stall: has_stall.then_some(share.min(100)),
            held: ids.iter().map(held).collect(),
        });
    }
    Some(picture.focused())
}

#[cfg(test)]
mod tests;
