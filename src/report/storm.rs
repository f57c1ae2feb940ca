//! Many kills for the same reason in a row: told as one.

use super::Report;

/// From how many kills on it is a storm.
const FROM: usize = 4;

/// The longest pause within one, in microseconds.
const PAUSE: u64 = 10_000_000;

/// The reports in their order, those of a storm together.
#[must_use]
pub fn group(reports: &[Report]) -> Vec<&[Report]> {
    let mut groups = Vec::new();
    for run in reports.chunk_by(follows) {
        if run.len() < FROM {
            groups.extend(run.chunks(1));
        } else {
            groups.push(run);
        }
    }
    groups
}

/// Whether the second is more of the first.
fn follows(one: &Report, next: &Report) -> bool {
    let same_place = one.event.limit_path == next.event.limit_path;
    let same_cause = one.verdict.cause == next.verdict.cause;
    let is_plain = |it: &Report| !it.event.killed.is_empty() && !it.event.panicked;
    // Times are missing where a log has none at all.
    let is_soon = one.event.time.pause(&next.event.time).is_none_or(|pause| pause <= PAUSE);
    same_place && same_cause && is_plain(one) && is_plain(next) && is_soon
}

/// From the first kill to the last, in microseconds.
#[must_use]
pub fn length(storm: &[Report]) -> Option<u64> {
    let (first, last) = (storm.first()?, storm.last()?);
    first.event.time.pause(&last.event.time)
}

#[cfg(test)]
mod tests {
    use super::super::{Context, collect, input};
    use super::*;

    fn reports(log: &str) -> Vec<Report> {
        let (events, _) = collect::all(input::all(log.as_bytes()));
        events.into_iter().map(|event| Context::default().report(event)).collect()
    }

    #[test]
    fn kills_in_a_row_are_one_storm() {
        let kill =
            |second: u32, pid: u32, reach: &str| format!("[{second:5}.000000] {reach}: Killed process {pid} (x)\n");
        let mut log: String = (0..5).map(|it| kill(10 + it, it + 1, "Out of memory")).collect();
        assert_eq!(group(&reports(&log)).iter().map(|it| it.len()).collect::<Vec<_>>(), [5]);
        assert_eq!(length(&reports(&log)), Some(4_000_000));
        log.push_str(&kill(60, 9, "Out of memory"));
        log.push_str(&kill(61, 10, "Memory cgroup out of memory"));
        assert_eq!(group(&reports(&log)).iter().map(|it| it.len()).collect::<Vec<_>>(), [5, 1, 1]);
        assert_eq!(group(&reports(&kill(1, 1, "Out of memory").repeat(3))).len(), 1, "one process, once");
    }
}
