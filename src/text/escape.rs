//! Untrusted text made fit for a line of text: command lines, hostnames, annotations and file names are written by
//! whoever starts a container.

use std::borrow::Cow;

/// Whether a character would move the cursor, end the line, or make text look like other text.
fn is_unsafe(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            // The soft hyphen, line and paragraph separators, the marks that reorder text, zero-width characters, the byte order mark.
            '\u{ad}' | '\u{61c}' | '\u{2028}' | '\u{2029}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The text with control, reordering and invisible characters escaped as in Rust (`\n`, `\u{1b}`).
///
/// ```
/// assert_eq!(oomshim::text::escape::text("a\x1b[2J\nb"), "a\\u{1b}[2J\\nb");
/// ```
#[must_use]
pub fn text(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let escaped = text.chars().flat_map(|letter| {
        let escape = is_unsafe(letter).then(|| letter.escape_default());
        let plain = (!is_unsafe(letter)).then_some(letter);
        escape.into_iter().flatten().chain(plain)
    });
    Cow::Owned(escaped.collect())
}

/// The bytes as text, what is not UTF-8 as U+FFFD, and the result as [`text`] has it.
#[must_use]
pub fn bytes(bytes: &[u8]) -> String {
    text(&String::from_utf8_lossy(bytes)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_harmless_is_left_alone() {
        for harmless in ["", "plain", "ümläut 漢字 🦀", "a\\b\"c'"] {
            assert!(matches!(text(harmless), Cow::Borrowed(_)));
        }
    }

    #[test]
    fn what_could_deceive_is_escaped() {
        assert_eq!(text("a\u{202e}b\u{200b}\u{7f}\r\n\t"), r"a\u{202e}b\u{200b}\u{7f}\r\n\t");
        assert_eq!(bytes(b"a\xff\x00"), "a\u{fffd}\\u{0}");
    }
}
