//! From bytes to lines and columns, and the piece of text that a person is shown.

use std::ops::Range;

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The bytes, from 0.
    pub bytes: Range<usize>,
    /// Its first character.
    pub start: Position,
    /// The character behind its last.
    pub end: Position,
}

/// A position as people count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters (Unicode code points), from 1.
    pub column: usize,
}

/// The line that a place begins on, cut to what fits beside it: engines write whole specs into one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The text.
    pub text: String,
    /// The place in it, bytes.
    pub marked: Range<usize>,
}

/// The most characters that are shown before the marked ones.
const BEFORE: usize = 36;
/// The most characters of the marked place, and behind it, that are shown.
const BEHIND: usize = 60;

/// The bytes between two counts of characters.
const STEP: usize = 1024;

/// Where the lines of a text begin, and how many characters there are up to every thousandth byte, so that each place
/// costs a search and not a walk through the file. Engines write whole specs into one line, so a column is no short
/// walk either; the crate line-index walks the line's wide characters for each, which a hostile file makes quadratic.
#[derive(Debug)]
pub struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
    /// The characters that begin before each multiple of [`STEP`] bytes.
    counts: Vec<usize>,
}

impl<'a> Lines<'a> {
    /// The lines of that text.
    #[must_use]
    pub fn of(text: &'a str) -> Self {
        let behind = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let starts = std::iter::once(0).chain(behind).collect();
        let blocks = text.as_bytes().chunks(STEP).scan(0, |sum, block| {
            *sum += characters(block);
            Some(*sum)
        });
        let counts = std::iter::once(0).chain(blocks).collect();
        Lines { text, starts, counts }
    }

    /// The place of those bytes; what lies outside of the text or within a character is moved to the nearest edge.
    #[must_use]
    pub fn place(&self, bytes: Range<usize>) -> Place {
        let start = floor(self.text, bytes.start);
        let end = floor(self.text, bytes.end).max(start);
        Place { start: self.position(start), end: self.position(end), bytes: start..end }
    }

    fn position(&self, at: usize) -> Position {
        let line = self.starts.partition_point(|start| *start <= at);
        let start = self.starts[line - 1];
        Position { line, column: 1 + self.characters_before(at) - self.characters_before(start) }
    }

    fn characters_before(&self, at: usize) -> usize {
        let block = at / STEP;
        self.counts[block] + characters(&self.text.as_bytes()[block * STEP..at])
    }

    /// What to show of a place: a part of its first line.
    #[must_use]
    pub fn excerpt(&self, place: &Place) -> Excerpt {
        let line_start = self.starts[place.start.line - 1];
        let next = self.starts.get(place.start.line).map_or(self.text.len(), |next| next - 1);
        let line = &self.text[line_start..next];
        let line = line.strip_suffix('\r').unwrap_or(line);
        let mark = (place.bytes.start - line_start).min(line.len());
        let end = (place.bytes.end - line_start).clamp(mark, line.len());
        let from = line[..mark].char_indices().rev().nth(BEFORE - 1).map_or(0, |(at, _)| at);
        let until =
            |at: usize, count: usize| line[at..].char_indices().nth(count).map_or(line.len(), |(more, _)| at + more);
        let shown_end = end.min(until(mark, BEHIND));
        let to = until(shown_end, BEHIND.saturating_sub(characters(&line.as_bytes()[mark..shown_end])));
        let (before, after) = (if from > 0 { "…" } else { "" }, if to < line.len() { "…" } else { "" });
        let shift = before.len() + mark - from;
        Excerpt { text: format!("{before}{}{after}", &line[from..to]), marked: shift..shift + shown_end - mark }
    }
}

fn characters(text: &[u8]) -> usize {
    // Counting the bytes that begin a character is many times faster than decoding them.
    text.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_characters() {
        let lines = Lines::of("aä\nx漢y\n");
        let place = lines.place(8..9);
        assert_eq!((place.start, place.end), (Position { line: 2, column: 3 }, Position { line: 2, column: 4 }));
        assert_eq!(lines.place(2..2).bytes, 1..1, "inside of a character");
        assert_eq!(lines.place(999..1000).start, Position { line: 3, column: 1 });
    }

    #[test]
    fn columns_of_long_lines_are_counted() {
        let text = format!("{}\n{}x", "é".repeat(3 * STEP), "漢a".repeat(STEP));
        let lines = Lines::of(&text);
        for at in [0, STEP - 2, STEP, 4 * STEP, 6 * STEP, 6 * STEP + 1, 8 * STEP, text.len() - 1, text.len()] {
            let place = lines.place(at..at);
            let start = text[..place.bytes.start].rfind('\n').map_or(0, |end| end + 1);
            assert_eq!(place.start.column, 1 + text[start..place.bytes.start].chars().count(), "{at}");
        }
    }

    #[test]
    fn an_excerpt_of_a_long_line_is_short() {
        let text = format!("first\n{}MARK{}\nlast", "é".repeat(500), "b".repeat(500));
        let lines = Lines::of(&text);
        let at = text.find("MARK").unwrap();
        let excerpt = lines.excerpt(&lines.place(at..at + 4));
        assert_eq!(&excerpt.text[excerpt.marked.clone()], "MARK");
        assert!(excerpt.text.starts_with('…') && excerpt.text.ends_with("b…"), "{}", excerpt.text);
        assert_eq!(excerpt.text.chars().count(), 1 + 36 + 60 + 1);
        let whole = lines.excerpt(&lines.place(at..text.len()));
        assert!(whole.text.len() < 200 && whole.text[whole.marked].starts_with("MARKbb"));
    }

    #[test]
    fn the_end_of_a_file_can_be_shown() {
        for text in ["", "a", "a\r\n"] {
            let lines = Lines::of(text);
            let excerpt = lines.excerpt(&lines.place(text.len()..text.len()));
            assert!(excerpt.marked.is_empty(), "{text:?}");
        }
    }
}
