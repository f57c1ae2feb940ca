//! What a program knows, found in its file: whether a setting has any effect on it, whatever its version says.

use std::fs::File;
use std::io::Read;

/// The largest program that is looked into, in bytes: far above any engine.
const LIMIT: u64 = 512 * 1024 * 1024;

/// How much of a program is looked into at a time, in bytes.
const CHUNK: u64 = 1024 * 1024;

/// Whether a file has that text in it.
pub(super) fn mentions(file: File, text: &[u8]) -> std::io::Result<bool> {
    let mut rest = file.take(LIMIT);
    let mut seen = Vec::new();
    while rest.by_ref().take(CHUNK).read_to_end(&mut seen)? > 0 {
        if seen.windows(text.len()).any(|part| part == text) {
            return Ok(true);
        }
        // What two chunks share is looked at again.
        seen.drain(..seen.len().saturating_sub(text.len()));
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Seek, Write};

    #[test]
    fn a_text_is_found_wherever_it_stands() {
        let chunk = usize::try_from(CHUNK).unwrap();
        for (before, text, found) in [
            (0, "THE_NAME", true),
            (chunk - 4, "THE_NAME", true),
            (chunk, "THE_NAME", true),
            (3 * chunk - 7, "THE_NAME", true),
            (3 * chunk - 7, "THE_NAM", false),
            (0, "", false),
        ] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all("x".repeat(before).as_bytes()).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            file.rewind().unwrap();
            assert_eq!(mentions(file, b"THE_NAME").unwrap(), found, "{before} {text}");
        }
    }
}
