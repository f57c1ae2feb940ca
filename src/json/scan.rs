//! The tokens of JSON: where a string, a number or a name ends, and what is wrong with one that is none.

use super::SyntaxError;

type Parsed<T> = Result<T, SyntaxError>;

/// A text and how far it was read.
pub(super) struct Scanner<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Scanner { bytes, at: 0 }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    pub(super) fn string(&mut self) -> Parsed<()> {
        let start = self.at;
        self.at += 1;
        loop {
            let rest = &self.bytes[self.at..];
            let Some(plain) = rest.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20) else {
                self.at = start;
                return self.fail("a string that begins here has no end");
            };
            self.at += plain;
            match rest[plain] {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => self.escape()?,
                byte => return self.fail(&format!("a control character in a string: write it as \\u{byte:04x}")),
            }
        }
    }

    fn escape(&mut self) -> Parsed<()> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let digits = self.bytes.get(self.at + 2..self.at + 6);
                if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                    return self.fail("\\u needs four hexadecimal digits");
                }
                self.at += 6;
            }
            _ => return self.fail("no such escape: JSON has \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\uXXXX"),
        }
        Ok(())
    }

    pub(super) fn number(&mut self) -> Parsed<()> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => {
                self.at += 1;
                if matches!(self.peek(), Some(b'0'..=b'9')) {
                    return self.fail("a number with a leading zero");
                }
            }
            Some(b'1'..=b'9') => self.digits()?,
            _ => return self.wrong("a digit"),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Parsed<()> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return self.wrong("a digit");
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }

    pub(super) fn word(&mut self, word: &str) -> Parsed<()> {
        if self.bytes[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(());
        }
        self.wrong(&format!("`{word}`"))
    }

    pub(super) fn wrong<T>(&self, expected: &str) -> Parsed<T> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let found = match (rest.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next()), rest.first()) {
            (Some(letter), _) => format!("there is `{}`", crate::text::escape::text(letter.encode_utf8(&mut [0; 4]))),
            (None, Some(byte)) => format!("there is the byte {byte:#04x}"),
            (None, None) => "the file ends".to_owned(),
        };
        self.fail(&format!("expected {expected}, but {found}"))
    }

    pub(super) fn fail<T>(&self, message: &str) -> Parsed<T> {
        Err(SyntaxError { at: self.at, message: message.to_owned() })
    }
}
