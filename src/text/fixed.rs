//! Text that is formatted without an allocation, into room that is there already.

use std::fmt::{self, Write};

/// At most `N` bytes of text. What does not fit is cut off, not within a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fixed<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Fixed<N> {
    /// What is displayed, as far as it fits.
    ///
    /// ```
    /// assert_eq!(oomshim::text::fixed::Fixed::<4>::of("naïve").as_str(), "naï");
    /// ```
    #[must_use]
    pub fn of(text: impl fmt::Display) -> Fixed<N> {
        let mut fixed = Fixed { bytes: [0; N], length: 0 };
        // The only error is that it is full.
        let _ = write!(fixed, "{text}");
        fixed
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The text as bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl<const N: usize> Write for Fixed<N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut end = text.len().min(N - self.length);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.bytes[self.length..self.length + end].copy_from_slice(&text.as_bytes()[..end]);
        self.length += end;
        if end == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_cut_off() {
        assert_eq!(Fixed::<8>::of(format_args!("{} {}", 12, "max")).as_str(), "12 max");
        let cut = Fixed::<5>::of(format_args!("{}{}{}", "abcd", "é", "z"));
        assert_eq!(cut.as_str(), "abcd", "nothing follows what did not fit");
        assert_eq!(Fixed::<0>::of("x").as_bytes(), b"");
    }
}
