//! Finding things in the bytes of a line.

use memchr::memmem;

/// The number behind the last `key`.
pub(super) fn last_value(text: &[u8], key: &[u8]) -> Option<i64> {
    let (_, value) = rsplit(text, key)?;
    leading(value.trim_ascii_start()).map(|(number, _)| number)
}

/// The number that a text begins with, and what stands behind it.
pub(super) fn leading(text: &[u8]) -> Option<(i64, &[u8])> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = text.split_at(text.len() - digits.len() + count);
    Some((std::str::from_utf8(number).ok()?.parse().ok()?, rest))
}

/// Digits as a number.
pub(super) fn integer(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// A process id.
pub(super) fn pid(text: &[u8]) -> Option<u32> {
    integer(text.trim_ascii()).and_then(|pid| u32::try_from(pid).ok())
}

/// Whether it is in there.
pub(super) fn contains(text: &[u8], what: &[u8]) -> bool {
    memmem::find(text, what).is_some()
}

/// Where `of` begins, each time.
pub(super) fn positions<'a>(text: &'a [u8], of: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    memmem::find_iter(text, of)
}

/// What stands before the first `by`, and what behind.
pub(super) fn split<'a>(text: &'a [u8], by: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = memmem::find(text, by)?;
    Some((&text[..at], &text[at + by.len()..]))
}

/// What stands before the last `by`, and what behind.
pub(super) fn rsplit<'a>(text: &'a [u8], by: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = memmem::rfind(text, by)?;
    Some((&text[..at], &text[at + by.len()..]))
}
