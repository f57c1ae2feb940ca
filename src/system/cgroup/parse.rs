//! What files of a cgroup hold. Pure.

use std::fmt;

/// The number of a line `KEY NUMBER` (`memory.events`, `memory.stat`, `cgroup.events`).
#[must_use]
pub fn keyed(text: &[u8], key: &str) -> Option<u64> {
    text.split(|&byte| byte == b'\n').find_map(|line| {
        let rest = line.strip_prefix(key.as_bytes())?.strip_prefix(b" ")?;
        std::str::from_utf8(rest).ok()?.trim_ascii().parse().ok()
    })
}

/// What a file of a limit holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// `max`
    Unlimited,
    /// Bytes, or whatever the file counts.
    Of(u64),
}

impl Limit {
    /// The number, where there is one.
    #[must_use]
    pub fn number(self) -> Option<u64> {
        match self {
            Limit::Unlimited => None,
            Limit::Of(number) => Some(number),
        }
    }
}

impl fmt::Display for Limit {
    /// As cgroup v2 reads it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::Unlimited => out.write_str("max"),
            Limit::Of(number) => number.fmt(out),
        }
    }
}

/// A number or `max` alone in its file. What cgroup v1 writes for no limit, `LONG_MAX` rounded down to a page, is none
/// either.
#[must_use]
pub fn limit(text: &[u8]) -> Option<Limit> {
    const V1_UNLIMITED: u64 = 0x7fff_ffff_ffff_0000;
    let text = text.trim_ascii();
    if text == b"max" {
        return Some(Limit::Unlimited);
    }
    let number: u64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    Some(if number < V1_UNLIMITED { Limit::Of(number) } else { Limit::Unlimited })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_matched_whole() {
        let text = b"oom_group_kill 1\noom 2\noom_kill 3\nmax 4\nodd x\n";
        assert_eq!((keyed(text, "oom"), keyed(text, "oom_kill"), keyed(text, "max")), (Some(2), Some(3), Some(4)));
        assert_eq!((keyed(text, "odd"), keyed(text, "high"), keyed(b"", "oom")), (None, None, None));
    }

    #[test]
    fn limits_of_both_versions() {
        assert_eq!(limit(b"max\n"), Some(Limit::Unlimited));
        assert_eq!(limit(b"4096\n"), Some(Limit::Of(4096)));
        assert_eq!(limit(b"9223372036854771712\n"), Some(Limit::Unlimited));
        assert_eq!((limit(b""), limit(b"-1\n"), limit(b"4096 max\n")), (None, None, None));
    }
}
