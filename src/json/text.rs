//! What a JSON string stands for: its escapes resolved, without a copy where there are none.

use std::borrow::Cow;

/// What a JSON string stands for, as Go reads it: a lone surrogate and every byte that belongs to no character become
/// U+FFFD. `raw` has its quotes.
pub(super) fn string(raw: &[u8]) -> Cow<'_, str> {
    let inner = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
    let inner = match std::str::from_utf8(inner) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(replaced(inner)),
    };
    if !inner.contains('\\') {
        return inner;
    }
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner.as_ref();
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let (letter, length) = escape(&rest[at..]);
        text.push(letter);
        rest = &rest[at + length..];
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// The text with one U+FFFD for each byte that belongs to no character (`encoding/json/decode.go`, `unquoteBytes`);
/// Rust's own replacement may take several bytes for one.
fn replaced(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
}

/// Whether Go's decoder takes `key` for the field `name`: equal but for case, in its simple folding, where U+017F
/// counts as `s` and U+212A as `k` (`encoding/json/fold.go`).
#[must_use]
pub fn folds_to(key: &str, name: &str) -> bool {
    let fold = |letter: char| match letter {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    key.chars().map(fold).eq(name.chars().map(fold))
}

/// The character of the escape that the text begins with, and the escape's length in bytes.
fn escape(text: &str) -> (char, usize) {
    let letter = match text.as_bytes().get(1) {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode(text),
        Some(&other) => char::from(other),
        None => return ('\\', 1),
    };
    (letter, 2)
}

/// The character of a `\u` escape or of a pair of them.
fn unicode(text: &str) -> (char, usize) {
    let unit = |text: &str| u32::from_str_radix(text.get(2..6)?, 16).ok();
    let Some(first) = unit(text) else { return (char::REPLACEMENT_CHARACTER, text.len().min(2)) };
    if !(0xd800..0xe000).contains(&first) {
        return (char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 6);
    }
    let second = text.get(6..).filter(|rest| rest.starts_with("\\u")).and_then(unit);
    match second {
        Some(low @ 0xdc00..0xe000) if first < 0xdc00 => {
            let letter = 0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00);
            (char::from_u32(letter).unwrap_or(char::REPLACEMENT_CHARACTER), 12)
        }
        _ => (char::REPLACEMENT_CHARACTER, 6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_resolved() {
        let cases = [
            (r#""plain é""#, "plain é"),
            (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
            (r#""\u0041\u00e9""#, "Aé"),
            (r#""\ud83e\udd80!""#, "🦀!"),
            (r#""\ud83e""#, "\u{fffd}"),
            (r#""\udd80\ud83e""#, "\u{fffd}\u{fffd}"),
            (r#""\ud83e\u0041""#, "\u{fffd}A"),
        ];
        for (raw, expected) in cases {
            assert_eq!(string(raw.as_bytes()), expected, "{raw}");
        }
        assert!(matches!(string(br#""plain""#), Cow::Borrowed(_)));
    }

    #[test]
    fn bytes_of_no_character_are_replaced_one_by_one() {
        assert_eq!(string(b"\"a\xff\xe2\x82b\\u0041\""), "a\u{fffd}\u{fffd}\u{fffd}bA");
        assert_eq!(string(b"\"\xed\xa0\x80\""), "\u{fffd}\u{fffd}\u{fffd}", "a surrogate in UTF-8 is none");
    }

    #[test]
    fn keys_fold_as_in_go() {
        assert!(folds_to("OOMScoreAdj", "oomScoreAdj") && folds_to("proce\u{17f}\u{17f}", "process"));
        assert!(folds_to("\u{212a}ey", "key") && !folds_to("keys", "key") && !folds_to("É", "é"));
    }
}
