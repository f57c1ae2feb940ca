//! When a line was written: on the kernel's clock, on the wall, or in words.

use jiff::civil::DateTime;
use jiff::tz::Offset;

/// When a line was written, as far as its form says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Time {
    /// Microseconds since boot.
    pub since_boot: Option<u64>,
    /// On the wall.
    pub wall: Option<Wall>,
}

/// A time on the wall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wall {
    /// Microseconds since 1970.
    Epoch(u64),
    /// Without a zone, and perhaps without a year.
    Local {
        /// The time, in a leap year where it names none.
        at: DateTime,
        /// As it was written.
        words: String,
    },
    /// In words that are not understood, such as the months of some language.
    Words(String),
}

/// What is later than this counts as having nothing to do with what came before.
const UNRELATED: u64 = u64::MAX;

impl Time {
    /// Microseconds since boot.
    #[must_use]
    pub fn since_boot(micros: u64) -> Time {
        Time { since_boot: Some(micros), wall: None }
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.since_boot.is_none() && self.wall.is_none()
    }

    /// Adds what another form of the same line says.
    pub(super) fn or(&mut self, other: Time) {
        self.since_boot = self.since_boot.or(other.since_boot);
        if self.wall.is_none() {
            self.wall = other.wall;
        }
    }

    /// Microseconds to a later line of the same log; negative where it is earlier, as in a log that is newest first.
    #[must_use]
    pub fn difference(&self, later: &Time) -> Option<i64> {
        let signed = |from: u64, to: u64| i64::try_from(i128::from(to) - i128::from(from)).ok();
        if let (Some(from), Some(to)) = (self.since_boot, later.since_boot) {
            return signed(from, to);
        }
        match (self.wall.as_ref()?, later.wall.as_ref()?) {
            (Wall::Epoch(from), Wall::Epoch(to)) => signed(*from, *to),
            (Wall::Local { at: from, .. }, Wall::Local { at: to, .. }) => {
                to.duration_since(*from).as_micros().try_into().ok()
            }
            (Wall::Words(from), Wall::Words(to)) => words(from, to),
            _ => None,
        }
    }

    /// Microseconds between two lines that follow each other in the log's order. The kernel's clock begins anew with
    /// each boot, and lines of several processors may be out of order by a little.
    #[must_use]
    pub fn pause(&self, later: &Time) -> Option<u64> {
        let difference = self.difference(later)?;
        match u64::try_from(difference) {
            Ok(pause) => Some(pause),
            Err(_) if difference > -1_000_000 => Some(0),
            // Without a year the last of December is later than the first of January.
            Err(_) => Some(UNRELATED),
        }
    }
}

/// Words that differ in nothing but the clock.
fn words(from: &str, to: &str) -> Option<i64> {
    let split = |words: &str| {
        let mut clock = None;
        let rest: Vec<String> = words
            .split_whitespace()
            .filter(|word| {
                let found = self::clock(word.as_bytes()).filter(|(_, length)| *length == word.len());
                clock = clock.or(found.map(|(it, _)| it));
                found.is_none()
            })
            .map(str::to_owned)
            .collect();
        Some((clock?, rest))
    };
    let ((one, before), (other, after)) = (split(from)?, split(to)?);
    if before != after {
        return None;
    }
    let micros = |clock: Clock| {
        let seconds = (i64::from(clock.hour) * 60 + i64::from(clock.minute)) * 60 + i64::from(clock.second);
        seconds * 1_000_000 + i64::from(clock.nanos / 1000)
    };
    Some(micros(other) - micros(one))
}

#[derive(Debug, Clone, Copy)]
struct Clock {
    hour: i8,
    minute: i8,
    second: i8,
    nanos: i32,
}

/// `07:00:00[.123456]`, and how long that is. Seconds may be missing nowhere: `07:00` is many other things.
fn clock(text: &[u8]) -> Option<(Clock, usize)> {
    let two = |at: usize, limit: i8| {
        let digits = text.get(at..at + 2).filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
        let number = i8::try_from((digits[0] - b'0') * 10 + (digits[1] - b'0')).ok()?;
        (number <= limit).then_some(number)
    };
    let (hour, minute, second) = (two(0, 23)?, two(3, 59)?, two(6, 60)?);
    if text[2] != b':' || text[5] != b':' {
        return None;
    }
    let mut length = 8;
    let mut nanos = 0;
    if matches!(text.get(8), Some(b'.' | b',')) {
        let digits = text[9..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits > 0 {
            let mut scale = 100_000_000;
            for byte in &text[9..9 + digits.min(9)] {
                nanos += i32::from(byte - b'0') * scale;
                scale /= 10;
            }
            length = 9 + digits;
        }
    }
    Some((Clock { hour, minute, second: second.min(59), nanos }, length))
}

/// A time that a text begins with, and how long that is: `2026-11-22T07:00:00,123456+01:00`, `Nov 22 07:00:00`,
/// `Sun Nov 22 07:00:00 2026`, `Sun 2026-11-22 07:00:00 CET`, `1764054000.123456`, in any language.
pub(super) fn wall(text: &[u8]) -> Option<(Wall, usize)> {
    match text.first()? {
        b'0'..=b'9' => iso(text).or_else(|| seconds(text)).or_else(|| dated(text)),
        byte if byte.is_ascii_alphabetic() || !byte.is_ascii() => dated(text),
        _ => None,
    }
}

/// `2026-11-22T07:00:00[.123456][+01:00]`, with a space for the `T` too, and slashes for the hyphens.
fn iso(text: &[u8]) -> Option<(Wall, usize)> {
    let number = |range: std::ops::Range<usize>| {
        let digits = text.get(range).filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
        std::str::from_utf8(digits).ok()?.parse::<i16>().ok()
    };
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    if !matches!((text[4], text[7]), (b'-', b'-') | (b'/', b'/')) || !matches!(text.get(10), Some(b'T' | b't' | b' ')) {
        return None;
    }
    let (clock, length) = clock(&text[11..])?;
    let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    let at = DateTime::new(year, month, day, clock.hour, clock.minute, clock.second, clock.nanos).ok()?;
    let mut end = 11 + length;
    let rest = &text[end..];
    let (offset, zone) = zone(rest);
    end += zone;
    let wall = match offset {
        Some(offset) => epoch(at, offset)?,
        None => Wall::Local { at, words: String::from_utf8_lossy(&text[..end]).into_owned() },
    };
    Some((wall, end))
}

fn epoch(at: DateTime, offset: Offset) -> Option<Wall> {
    u64::try_from(offset.to_timestamp(at).ok()?.as_microsecond()).ok().map(Wall::Epoch)
}

/// `Z`, `+01:00`, `-0530`, ` UTC`, ` CET`: the offset where it is known, and how long that is.
fn zone(text: &[u8]) -> (Option<Offset>, usize) {
    let space = usize::from(text.first() == Some(&b' '));
    let rest = &text[space..];
    let ends = |at: usize| rest.get(at).is_none_or(|byte| !byte.is_ascii_alphanumeric());
    if space == 0 && matches!(rest.first(), Some(b'Z' | b'z')) && ends(1) {
        return (Some(Offset::UTC), 1);
    }
    if let Some(sign @ (b'+' | b'-')) = rest.first().copied() {
        let digits: Vec<u8> = rest[1..].iter().copied().filter(|&byte| byte != b':').take(4).collect();
        let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let colon = usize::from(rest.get(3) == Some(&b':'));
        let length = 1 + if count == 4 { 4 + colon } else { 2 };
        if (count == 4 || count >= 2 && colon == 0) && ends(length) {
            let two = |at: usize| i32::from(digits[at] - b'0') * 10 + i32::from(digits[at + 1] - b'0');
            let seconds = two(0) * 3600 + if count == 4 { two(2) * 60 } else { 0 };
            let offset = Offset::from_seconds(if sign == b'-' { -seconds } else { seconds });
            if let Ok(offset) = offset {
                return (Some(offset), space + length);
            }
        }
        return (None, 0);
    }
    let letters = rest.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    if space == 0 || !(3..=5).contains(&letters) || !ends(letters) {
        return (None, 0);
    }
    let offset = matches!(&rest[..letters], b"UTC" | b"GMT").then_some(Offset::UTC);
    (offset, space + letters)
}

/// `1764054000.123456`: seconds since 1970, as `journalctl -o short-unix` has it.
fn seconds(text: &[u8]) -> Option<(Wall, usize)> {
    let whole = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let fraction = text.get(whole + 1..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if whole != 10 || text[whole] != b'.' || !matches!(fraction, 3 | 6 | 9) {
        return None;
    }
    let seconds: u64 = std::str::from_utf8(&text[..whole]).ok()?.parse().ok()?;
    let micros: u64 = std::str::from_utf8(&text[whole + 1..whole + 1 + fraction.min(6)]).ok()?.parse().ok()?;
    let micros = if fraction == 3 { micros * 1000 } else { micros };
    Some((Wall::Epoch(seconds * 1_000_000 + micros), whole + 1 + fraction))
}

/// Beginnings of the months' names in the languages of `locale(1)` that people paste from.
const MONTHS: [&[&str]; 12] = [
    &["jan", "ene", "gen", "sty", "янв", "oca", "led", "1月"],
    &["feb", "fev", "fév", "lut", "фев", "şub", "úno", "2月"],
    &["mar", "mär", "mrt", "мар", "bře", "3月"],
    &["apr", "abr", "avr", "kwi", "апр", "nis", "dub", "4月"],
    &["may", "mai", "maj", "mag", "mei", "май", "мая", "kvě", "5月"],
    &["jun", "juin", "giu", "cze", "июн", "haz", "čen", "6月"],
    &["jul", "juil", "lug", "lip", "июл", "tem", "čvc", "7月"],
    &["aug", "ago", "aoû", "sie", "авг", "ağu", "srp", "8月"],
    &["sep", "set", "wrz", "сен", "eyl", "zář", "9月"],
    &["oct", "okt", "out", "ott", "paź", "окт", "eki", "říj", "10月"],
    &["nov", "lis", "ноя", "kas", "11月"],
    &["dec", "dez", "dic", "déc", "gru", "дек", "ara", "pro", "12月"],
];

fn month(word: &str) -> Option<i8> {
    let word = word.to_lowercase();
    let of = |names: &&[&str]| names.iter().any(|name| word.starts_with(name));
    MONTHS.iter().position(of).and_then(|at| i8::try_from(at + 1).ok())
}

/// Up to four words that are numbers or names, then a clock, then perhaps a zone and a year.
fn dated(text: &[u8]) -> Option<(Wall, usize)> {
    let mut at = 0;
    let mut words: Vec<&str> = Vec::new();
    let found = loop {
        let rest = &text[at..];
        if let Some((clock, length)) = clock(rest) {
            break (clock, at + length);
        }
        let end = rest.iter().position(|byte| *byte == b' ').filter(|end| *end <= 24)?;
        let word = std::str::from_utf8(&rest[..end]).ok()?.trim_end_matches([',', '.']);
        let is_word =
            !word.is_empty() && word.chars().count() <= 10 && word.chars().all(|it| it.is_alphanumeric() || it == '-');
        if !is_word || words.len() == 4 {
            return None;
        }
        words.push(word);
        at += end + rest[end..].iter().take_while(|byte| **byte == b' ').count();
    };
    let (clock, mut end) = found;
    // `Sun 2026-11-22 07:00:00 CET`
    if let Some(date) = words.iter().position(|word| word.len() == 10 && word.contains('-')) {
        let start = text.windows(words[date].len()).position(|window| window == words[date].as_bytes())?;
        let (wall, length) = iso(&text[start..])?;
        return Some((wall, start + length));
    }
    let day = words.iter().find_map(|word| word.parse::<i8>().ok().filter(|day| (1..=31).contains(day)))?;
    let (offset, zone) = zone(&text[end..]);
    end += zone;
    let mut year = words.iter().find_map(|word| word.parse::<i16>().ok().filter(|year| *year > 1969));
    let behind = text[end..].strip_prefix(b" ").unwrap_or_default();
    let digits = behind.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if year.is_none() && digits == 4 && behind.get(4).is_none_or(|byte| !byte.is_ascii_alphanumeric()) {
        year = std::str::from_utf8(&behind[..4]).ok().and_then(|year| year.parse().ok());
        end += 5;
    }
    let shown = String::from_utf8_lossy(&text[..end]).into_owned();
    let Some(month) = words.iter().rev().find_map(|word| month(word)) else {
        // A name is needed, or this is no time at all.
        return words.iter().any(|word| word.chars().any(char::is_alphabetic)).then_some((Wall::Words(shown), end));
    };
    let at =
        DateTime::new(year.unwrap_or(2000), month, day, clock.hour, clock.minute, clock.second, clock.nanos).ok()?;
    match (offset, year) {
        (Some(offset), Some(_)) => Some((epoch(at, offset)?, end)),
        _ => Some((Wall::Local { at, words: shown }, end)),
    }
}

#[cfg(test)]
#[path = "time_tests.rs"]
mod tests;
