//! When a record was written: on the kernel's clock, on the wall, or in words.

use std::time::UNIX_EPOCH;

/// When a record was written, as far as its form says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Time {
    /// Not at all.
    #[default]
    Unknown,
    /// Microseconds since boot.
    SinceBoot(u64),
    /// Microseconds since 1970.
    Epoch(u64),
    /// As it was written, in words that name no time zone or no year.
    Words(String),
}

impl Time {
    /// Microseconds between two times on the same clock.
    #[must_use]
    pub fn until(&self, later: &Time) -> Option<u64> {
        match (self, later) {
            (Time::SinceBoot(from), Time::SinceBoot(to)) | (Time::Epoch(from), Time::Epoch(to)) => {
                Some(to.saturating_sub(*from))
            }
            // Without a year the last of December is later than the first of January.
            (Time::Words(from), Time::Words(to)) => Some(wall(to)?.abs_diff(wall(from)?)),
            _ => None,
        }
    }
}

/// A time such as `2026-11-22T07:00:00+0100` in microseconds since 1970.
pub(super) fn epoch(text: &str) -> Option<u64> {
    let (date, clock) = text.split_once('T')?;
    let at = clock.find(['+', '-', 'Z'])?;
    let (clock, zone) = clock.split_at(at);
    let local = micros(&format!("{date}T{}", clock.replace(',', ".")))?;
    let digits = zone.replace(':', "");
    let offset = match digits.strip_prefix(['+', '-']) {
        None if digits == "Z" => return Some(local),
        Some(digits) if digits.len() == 4 => {
            let number: u64 = digits.parse().ok()?;
            (number / 100 * 60 + number % 100) * 60_000_000
        }
        _ => return None,
    };
    if digits.starts_with('+') { local.checked_sub(offset) } else { local.checked_add(offset) }
}

/// `Sun Nov 22 07:00:00 2026`, `Nov 22 07:00:00` or `Sun 2026-11-22 07:00:00 CET` in microseconds, for differences only:
/// the zone is not known, and where there is no year it is one that has each day.
fn wall(words: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = words.split_whitespace().collect();
    let clock = words.iter().position(|word| word.contains(':'))?;
    let date = words.get(clock.checked_sub(1)?)?;
    if date.contains('-') {
        return micros(&format!("{date}T{}", words[clock]));
    }
    let day: u8 = date.parse().ok()?;
    let month = words.get(clock.checked_sub(2)?)?;
    let month = MONTHS.iter().position(|name| name == month)? + 1;
    let year: u16 = words.get(clock + 1).and_then(|year| year.parse().ok()).unwrap_or(2000);
    micros(&format!("{year:04}-{month:02}-{day:02}T{}", words[clock]))
}

fn micros(utc: &str) -> Option<u64> {
    let since = humantime::parse_rfc3339_weak(utc).ok()?.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(since.as_micros()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_counted_in() {
        let noon = epoch("2026-11-22T12:00:00Z");
        assert!(noon.is_some());
        for text in [
            "2026-11-22T12:00:00+0000",
            "2026-11-22T13:00:00+01:00",
            "2026-11-22T06:30:00,000000-0530",
            "2026-11-22T12:00:00.000000+00:00",
        ] {
            assert_eq!(epoch(text), noon, "{text}");
        }
        for text in ["2026-11-22T12:00:00", "2026-11-22T12:00:00+1", "2026-11-22T12:00:00+xx00", "noon"] {
            assert_eq!(epoch(text), None, "{text}");
        }
    }

    #[test]
    fn words_tell_how_long_it_was() {
        let cases = [
            ("Sun Nov 22 07:00:00 2026", "Sun Nov 22 19:00:00 2026", Some(43_200_000_000)),
            ("Nov  2 07:00:00", "Nov  2 07:00:01", Some(1_000_000)),
            ("Feb 28 23:59:59", "Feb 29 00:00:00", Some(1_000_000)),
            ("Nov 22 07:00:00.250000", "Nov 22 07:00:00.500000", Some(250_000)),
            ("Sun 2026-11-22 07:00:00 CET", "Sun 2026-11-22 07:00:03 CET", Some(3_000_000)),
            ("yesterday", "Nov 22 07:00:00", None),
        ];
        for (from, to, expected) in cases {
            assert_eq!(Time::Words(from.into()).until(&Time::Words(to.into())), expected, "{from}");
        }
        let around_new_year = Time::Words("Dec 31 23:59:59".into()).until(&Time::Words("Jan  1 00:00:00".into()));
        assert!(around_new_year.is_some_and(|pause| pause > 0), "rather two events than one");
    }
}
