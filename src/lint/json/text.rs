//! What a JSON string stands for: its escapes resolved, without a copy where there are none.

use std::borrow::Cow;

/// What a JSON string stands for. A lone surrogate, which is no character, becomes U+FFFD.
pub(in crate::lint) fn string(raw: &str) -> Cow<'_, str> {
    let inner = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let (letter, length) = escape(&rest[at..]);
        text.push(letter);
        rest = &rest[at + length..];
    }
    text.push_str(rest);
    Cow::Owned(text)
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
            assert_eq!(string(raw), expected, "{raw}");
        }
        assert!(matches!(string(r#""plain""#), Cow::Borrowed(_)));
    }
}
