//! Finding things in the bytes of a record.

/// The number behind the last `key`.
pub(super) fn last_value(text: &[u8], key: &[u8]) -> Option<i64> {
    let (_, value) = rsplit(text, key)?;
    let value = value.trim_ascii_start();
    let end = value.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'-').unwrap_or(value.len());
    std::str::from_utf8(&value[..end]).ok()?.parse().ok()
}

/// Digits as a number.
pub(super) fn integer(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Where `of` begins, each time.
pub(super) fn positions<'a>(text: &'a [u8], of: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    text.windows(of.len()).enumerate().filter(move |(_, window)| *window == of).map(|(at, _)| at)
}

/// What stands before the first `by`, and what behind.
pub(super) fn split<'a>(text: &'a [u8], by: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = text.windows(by.len()).position(|window| window == by)?;
    Some((&text[..at], &text[at + by.len()..]))
}

/// What stands before the last `by`, and what behind.
pub(super) fn rsplit<'a>(text: &'a [u8], by: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = text.windows(by.len()).rposition(|window| window == by)?;
    Some((&text[..at], &text[at + by.len()..]))
}
