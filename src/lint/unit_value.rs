//! What systemd takes for a value of the settings about memory (systemd `load-fragment.c`, `parse_size`). What it does
//! not take it ignores, with a line in the journal.

/// The settings of a unit that say who is killed for memory, and what limits it.
pub(super) const SETTINGS: [(&str, Value); 16] = [
    ("OOMScoreAdjust", Value::Score),
    ("OOMPolicy", Value::Word(&["continue", "stop", "kill"])),
    ("ManagedOOMSwap", Value::Word(&["auto", "kill"])),
    ("ManagedOOMMemoryPressure", Value::Word(&["auto", "kill"])),
    ("ManagedOOMPreference", Value::Word(&["none", "avoid", "omit"])),
    ("ManagedOOMMemoryPressureLimit", Value::Share),
    ("MemoryMin", Value::Size(Zero::Allowed)),
    ("MemoryLow", Value::Size(Zero::Allowed)),
    ("MemoryHigh", Value::Size(Zero::Refused)),
    ("MemoryMax", Value::Size(Zero::Refused)),
    ("MemorySwapMax", Value::Size(Zero::Allowed)),
    ("MemoryZSwapMax", Value::Size(Zero::Allowed)),
    ("MemoryLimit", Value::Size(Zero::Refused)),
    ("DefaultMemoryMin", Value::Size(Zero::Allowed)),
    ("DefaultMemoryLow", Value::Size(Zero::Allowed)),
    ("StartupMemoryMax", Value::Size(Zero::Refused)),
];

/// What a setting takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value {
    /// A number from -1000 to 1000.
    Score,
    /// One of some words.
    Word(&'static [&'static str]),
    /// A share such as `80%`.
    Share,
    /// A size, a share of the memory, or `infinity`.
    Size(Zero),
}

/// What 0 is in the place of a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zero {
    /// A size like any other.
    Allowed,
    /// Out of range.
    Refused,
}

impl Value {
    /// Whether systemd takes that text.
    pub(super) fn takes(self, text: &str) -> bool {
        match self {
            Value::Score => score(text).is_some(),
            Value::Word(words) => words.contains(&text),
            Value::Share => share(text).is_some(),
            Value::Size(zero) => {
                text == "infinity"
                    || share(text).is_some_and(|share| share > 0.0 || zero == Zero::Allowed)
                    || size(text).is_some_and(|bytes| bytes > 0.0 || zero == Zero::Allowed)
            }
        }
    }

    /// What it takes, for people.
    pub(super) fn words(self) -> String {
        match self {
            Value::Score => "a whole number from -1000 to 1000".to_owned(),
            Value::Word(words) => format!("one of {}", words.join(", ")),
            Value::Share => "a share such as 80%".to_owned(),
            Value::Size(_) => "a size such as 8G, a share such as 50%, or infinity".to_owned(),
        }
    }
}

/// The number of `OOMScoreAdjust=`, if systemd takes it.
pub(super) fn score(text: &str) -> Option<i32> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    if !digits.starts_with(|letter: char| letter.is_ascii_digit()) {
        return None;
    }
    let radix = |prefix: &str, radix| i32::from_str_radix(digits.strip_prefix(prefix)?, radix).ok();
    let is_octal = digits.len() > 1 && digits.starts_with('0');
    let octal = || if is_octal { i32::from_str_radix(digits, 8).ok() } else { digits.parse().ok() };
    let number = radix("0x", 16).or_else(|| radix("0b", 2)).or_else(|| radix("0o", 8)).or_else(octal)?;
    Some(sign * number).filter(|number| (-1000..=1000).contains(number))
}

/// A share of a whole, as `50%`, `50.5%`, `5‰`.
fn share(text: &str) -> Option<f64> {
    let units = [("%", 100.0), ("‰", 1000.0), ("‱", 10_000.0)];
    let (number, whole) = units.iter().find_map(|(unit, whole)| Some((text.strip_suffix(unit)?, whole)))?;
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number: f64 = number.parse().ok().filter(|_| is_number)?;
    (number <= *whole).then_some(number)
}

/// The bytes of a size: numbers with a unit of powers of 1024, largest first.
pub(super) fn size(text: &str) -> Option<f64> {
    const UNITS: [(&str, i32); 8] = [("E", 6), ("P", 5), ("T", 4), ("G", 3), ("M", 2), ("K", 1), ("B", 0), ("", 0)];
    let mut rest = text.trim();
    let (mut bytes, mut least) = (0.0, 0);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let length = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
        let number: f64 = rest[..length].parse().ok()?;
        rest = rest[length..].trim_start();
        let unit = UNITS.iter().enumerate().skip(least).find(|(_, (unit, _))| rest.starts_with(unit))?;
        least = unit.0 + 1;
        rest = rest[unit.1.0.len()..].trim_start();
        bytes += number * 1024_f64.powi(unit.1.1);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_taken_as_systemd_does() {
        // Each as `systemd-analyze verify` of systemd 252 said.
        let of = |key: &str| SETTINGS.iter().find(|(name, _)| *name == key).unwrap().1;
        for (key, good) in [
            ("OOMScoreAdjust", &["-1000", "+5", "0x10", "0", "1000"][..]),
            ("OOMPolicy", &["kill", "stop", "continue"]),
            ("MemoryMax", &["8G", "8 G", "1.5G", "50%", "infinity", "8K", "1G 512M", "512B", "1M"]),
            ("MemorySwapMax", &["0", "1G"]),
            ("ManagedOOMSwap", &["auto", "kill"]),
            ("ManagedOOMMemoryPressureLimit", &["80%", "0%"]),
        ] {
            assert!(good.iter().all(|text| of(key).takes(text)), "{key}");
        }
        for (key, bad) in [
            ("OOMScoreAdjust", &["1500", "5x", "-5;x", ""][..]),
            ("OOMPolicy", &["foo", "Kill"]),
            ("MemoryMax", &["8GB", "8g", "8Gi", "150%", "max", "0", "-1", "1G # c"]),
            ("MemoryHigh", &["0"]),
            ("MemorySwapMax", &["5X"]),
            ("ManagedOOMSwap", &["Kill"]),
            ("ManagedOOMMemoryPressureLimit", &["80"]),
        ] {
            assert!(!bad.iter().any(|text| of(key).takes(text)), "{key}");
        }
    }
}
