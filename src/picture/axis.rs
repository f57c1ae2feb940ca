//! Numbers for the axes: round ones, in a unit that keeps them short.

/// A unit of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    /// What it is called.
    pub name: &'static str,
    /// How many bytes it has.
    pub bytes: u64,
}

const MIB: Unit = Unit { name: "MiB", bytes: 1 << 20 };
const GIB: Unit = Unit { name: "GiB", bytes: 1 << 30 };

impl Unit {
    /// The unit for an axis that ends there.
    #[must_use]
    pub fn of(capacity: u64) -> Unit {
        if capacity >= 4 * GIB.bytes { GIB } else { MIB }
    }

    /// An amount in this unit, with one decimal below 100 GiB.
    #[must_use]
    pub fn amount(self, bytes: u64) -> String {
        let tenths = u128::from(bytes) * 10 / u128::from(self.bytes);
        let name = self.name;
        if self == GIB && tenths < 1000 {
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        } else {
            format!("{} {name}", tenths / 10)
        }
    }
}

/// The step between at most `most` round numbers from 0 to `end`: 1, 2 or 5 times a power of ten.
#[must_use]
pub fn step(end: u64, most: u64) -> u64 {
    let mut power = 1_u64;
    loop {
        for factor in [1, 2, 5] {
            let step = power.saturating_mul(factor);
            if end / step <= most.max(1) {
                return step;
            }
        }
        // No power of ten is left for what is as large as a u64 can be.
        power = power.checked_mul(10).unwrap_or(u64::MAX / 5);
    }
}

/// The round amounts of an axis that ends at `end` bytes, in bytes, about `most` of them.
#[must_use]
pub fn amounts(end: u64, unit: Unit, most: u64) -> Vec<u64> {
    let end = end / unit.bytes;
    let step = step(end, most);
    (0..=end / step).map(|number| number * step * unit.bytes).collect()
}

/// Steps of time that people count in, in milliseconds.
const TIMES: [i64; 14] =
    [100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000];

/// The round times from `from` to `to`, at most `most` of them.
#[must_use]
pub fn times(from: i64, to: i64, most: i64) -> Vec<i64> {
    let span = to.saturating_sub(from);
    let fits = |step: &&i64| span / **step < most.max(1);
    let step = TIMES.iter().find(fits).copied().unwrap_or_else(|| (span / most.max(1) / 3_600_000 + 1) * 3_600_000);
    let first = from.div_euclid(step) + i64::from(from.rem_euclid(step) > 0);
    let last = to.div_euclid(step);
    (first..=last).map(|number| number * step).collect()
}

/// A time for people: `-2.5 s`, `3 min`, `2 h`.
#[must_use]
pub fn time(milliseconds: i64) -> String {
    match milliseconds {
        _ if milliseconds % 1000 != 0 => {
            let (sign, size) = (if milliseconds < 0 { "-" } else { "" }, milliseconds.unsigned_abs());
            format!("{sign}{}.{} s", size / 1000, size % 1000 / 100)
        }
        0 => "0 s".to_owned(),
        _ if milliseconds % 3_600_000 == 0 => format!("{} h", milliseconds / 3_600_000),
        _ if milliseconds % 60_000 == 0 => format!("{} min", milliseconds / 60_000),
        _ => format!("{} s", milliseconds / 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_few() {
        assert_eq!((step(954, 5), step(954, 10), step(3, 5), step(0, 5)), (200, 100, 1, 1));
        assert!(u64::MAX / step(u64::MAX, 5) <= 5);
        assert_eq!(amounts(954 << 20, MIB, 4), [0, 200 << 20, 400 << 20, 600 << 20, 800 << 20]);
    }

    #[test]
    fn times_are_those_people_count_in() {
        assert_eq!(times(-21_000, 4000, 6), [-20_000, -15_000, -10_000, -5000, 0]);
        assert_eq!(times(-300, 0, 4), [-300, -200, -100, 0]);
        assert!(times(0, i64::MAX / 2, 6).len() <= 7);
    }

    #[test]
    fn times_and_sizes_read_well() {
        let told: Vec<String> = [-2500, 0, 7000, 120_000, -7_200_000].into_iter().map(time).collect();
        assert_eq!(told, ["-2.5 s", "0 s", "7 s", "2 min", "-2 h"]);
        assert_eq!(Unit::of(1 << 30).amount(954 << 20), "954 MiB");
        assert_eq!(Unit::of(64 << 30).amount(3 << 29), "1.5 GiB");
    }
}
