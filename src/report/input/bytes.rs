//! The lines of a saved log: of gzip and UTF-16 too, one at a time, each of a limited length.

use std::io::{BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use thiserror::Error;

/// The longest line that is kept whole, in bytes; of a longer one this much.
const LONGEST: usize = 4 << 20;

/// Why there are no lines.
#[derive(Debug, Error)]
pub enum InputError {
    /// The log cannot be read.
    #[error("{0}")]
    Read(#[from] std::io::Error),
    /// It is in a form that another program has to undo.
    #[error("it is {form}; use `{remedy}`")]
    Form {
        /// What it is.
        form: &'static str,
        /// What to do.
        remedy: &'static str,
    },
}

/// Forms that are known by how they begin, and what undoes them.
const FORMS: [(&[u8], &str, &str); 5] = [
    (b"LPKSHHRH", "a journal file", "journalctl --file FILE -k -o json | oomshim report --from -"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "zstdcat FILE | oomshim report --from -"),
    (b"\xfd7zXZ\0", "compressed with xz", "xzcat FILE | oomshim report --from -"),
    (b"BZh", "compressed with bzip2", "bzcat FILE | oomshim report --from -"),
    (b"PK\x03\x04", "a zip archive", "unzip -p FILE | oomshim report --from -"),
];

/// How characters are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Bytes,
    Utf16 { is_big_endian: bool },
}

/// Reads lines.
pub struct Lines<'a> {
    input: Box<dyn BufRead + 'a>,
    encoding: Option<Encoding>,
    line: Vec<u8>,
}

impl std::fmt::Debug for Lines<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Lines").field("encoding", &self.encoding).finish_non_exhaustive()
    }
}

impl<'a> Lines<'a> {
    /// The lines of what is read from there.
    pub fn new(input: impl Read + 'a) -> Lines<'a> {
        Lines { input: Box::new(BufReader::with_capacity(64 * 1024, input)), encoding: None, line: Vec::new() }
    }

    /// The next line, without its line break; `None` at the end.
    ///
    /// # Errors
    /// [`InputError`]
    pub fn read(&mut self) -> Result<Option<&[u8]>, InputError> {
        let encoding = match self.encoding {
            Some(encoding) => encoding,
            None => self.open()?,
        };
        self.line.clear();
        let is_line = match encoding {
            Encoding::Bytes => self.bytes()?,
            Encoding::Utf16 { is_big_endian } => self.utf16(is_big_endian)?,
        };
        Ok(is_line.then_some(self.line.as_slice()))
    }

    /// Looks at how the log begins.
    fn open(&mut self) -> Result<Encoding, InputError> {
        let begins = |head: &[u8], with: &[u8]| head.starts_with(with);
        if begins(self.input.fill_buf()?, b"\x1f\x8b") {
            let packed = std::mem::replace(&mut self.input, Box::new(std::io::empty()));
            self.input = Box::new(BufReader::with_capacity(64 * 1024, MultiGzDecoder::new(packed)));
        }
        let head = self.input.fill_buf()?;
        if let Some((_, form, remedy)) = FORMS.iter().find(|(start, ..)| begins(head, start)) {
            return Err(InputError::Form { form, remedy });
        }
        let (encoding, mark) = match head {
            [0xff, 0xfe, ..] => (Encoding::Utf16 { is_big_endian: false }, 2),
            [0xfe, 0xff, ..] => (Encoding::Utf16 { is_big_endian: true }, 2),
            [0xef, 0xbb, 0xbf, ..] => (Encoding::Bytes, 3),
            // Letters of ASCII, every other byte 0.
            [first, 0, second, 0, ..] if *first != 0 && *second != 0 => (Encoding::Utf16 { is_big_endian: false }, 0),
            [0, first, 0, second, ..] if *first != 0 && *second != 0 => (Encoding::Utf16 { is_big_endian: true }, 0),
            _ => (Encoding::Bytes, 0),
        };
        self.input.consume(mark);
        self.encoding = Some(encoding);
        Ok(encoding)
    }

    fn bytes(&mut self) -> Result<bool, InputError> {
        let mut is_line = false;
        loop {
            let buffer = match self.input.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                // What a gzip file that was cut short still gave counts.
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(is_line),
                Err(error) => return Err(error.into()),
            };
            if buffer.is_empty() {
                return Ok(is_line);
            }
            is_line = true;
            let end = memchr::memchr(b'\n', buffer);
            let part = &buffer[..end.unwrap_or(buffer.len())];
            let room = LONGEST.saturating_sub(self.line.len());
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            let length = part.len() + usize::from(end.is_some());
            self.input.consume(length);
            if end.is_some() {
                return Ok(true);
            }
        }
    }

    fn utf16(&mut self, is_big_endian: bool) -> Result<bool, InputError> {
        let mut units = Vec::new();
        let mut is_line = false;
        loop {
            let mut pair = [0; 2];
            match self.input.read_exact(&mut pair) {
                Ok(()) => is_line = true,
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => break,
                Err(error) => return Err(error.into()),
            }
            let unit = if is_big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) };
            if unit == u16::from(b'\n') {
                break;
            }
            if units.len() < LONGEST {
                units.push(unit);
            }
        }
        let letters = char::decode_utf16(units).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER));
        self.line.extend_from_slice(letters.collect::<String>().as_bytes());
        Ok(is_line)
    }
}
