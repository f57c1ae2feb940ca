//! A picture in the columns of a terminal, in letters of Unicode or of ASCII.
//!
//! Who holds memory is told by the density of the letter, not by colour: it survives a pager, a ticket and a serial console.

use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::axis::{self, Unit};
use super::{Picture, Role};

/// Which letters a terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Letters {
    /// Blocks and lines.
    Unicode,
    /// Those of every terminal.
    Ascii,
}

/// The letters for each thing.
struct Set {
    victim: char,
    others: [char; 3],
    rest: char,
    stall: char,
    level: char,
    mark: char,
    axis: char,
    tick: char,
    corner: char,
    line: char,
    below: char,
    pointer: char,
    cut: &'static str,
}

const UNICODE: Set = Set {
    victim: '█',
    others: ['▓', '▒', '╳'],
    rest: '░',
    stall: '▆',
    level: '┄',
    mark: '│',
    axis: '│',
    tick: '┤',
    corner: '└',
    line: '─',
    below: '┬',
    pointer: '▲',
    cut: "…",
};

const ASCII: Set = Set {
    victim: '#',
    others: ['o', '=', 'x'],
    rest: '.',
    stall: '*',
    level: '-',
    mark: '|',
    axis: '|',
    tick: '+',
    corner: '+',
    line: '-',
    below: '+',
    pointer: '^',
    cut: "...",
};

/// How many lines memory has, and stall, and what is available beside swap.
const MEMORY: usize = 14;
const STALL: usize = 4;
const AVAILABLE: usize = 5;

/// No wider than this, however wide the terminal is: a line has to be followed by the eye.
const WIDEST: usize = 120;

/// The narrowest that shows anything.
const NARROWEST: usize = 40;

/// The picture in lines of at most `width` columns, each with its end.
#[must_use]
pub fn draw(picture: &Picture, letters: Letters, width: usize) -> String {
    draw_in(picture, letters, width, MEMORY)
}

/// The same with so many lines for memory.
#[must_use]
pub fn draw_in(picture: &Picture, letters: Letters, width: usize, height: usize) -> String {
    let set = match letters {
        Letters::Unicode => &UNICODE,
        Letters::Ascii => &ASCII,
    };
    if picture.points.is_empty() {
        return String::new();
    }
    let unit = Unit::of(picture.capacity());
    let width = width.clamp(NARROWEST, WIDEST);
    let labels = unit.amount(picture.capacity()).len();
    let columns = Columns::new(picture, width - labels - 2);
    let height = height.max(2);
    let mut canvas = Canvas { out: String::new(), set, labels, unit, columns, height };
    canvas.memory(picture);
    if picture.swap_total > 0 {
        canvas.available(picture);
    }
    if picture.points.iter().any(|point| point.stall.is_some()) {
        canvas.stall(picture);
    }
    canvas.times();
    canvas.marks(picture);
    canvas.legend(picture, width);
    canvas.out
}

/// Which point stands in which column.
struct Columns {
    from: i64,
    to: i64,
    points: Vec<usize>,
}

impl Columns {
    /// The fullest point of each column's time, or the last one before it.
    fn new(picture: &Picture, count: usize) -> Columns {
        let (from, to) = picture.span();
        let mut columns = Columns { from, to, points: Vec::with_capacity(count) };
        let mut next = 0;
        let mut last = 0;
        for column in 0..count {
            let mut fullest: Option<usize> = None;
            while let Some(point) = picture.points.get(next).filter(|point| columns.of(point.at, count) <= column) {
                let fuller = |other: usize| picture.used(point) >= picture.used(&picture.points[other]);
                if fullest.is_none_or(fuller) {
                    fullest = Some(next);
                }
                last = next;
                next += 1;
            }
            columns.points.push(fullest.unwrap_or(last));
        }
        columns
    }

    /// The column of a time.
    fn of(&self, at: i64, count: usize) -> usize {
        let place = i128::from(at.saturating_sub(self.from)) * (count as i128 - 1)
            / i128::from(self.to.saturating_sub(self.from).max(1));
        usize::try_from(place).unwrap_or(0).min(count.saturating_sub(1))
    }

    fn len(&self) -> usize {
        self.points.len()
    }

    fn place(&self, at: i64) -> usize {
        self.of(at, self.len())
    }
}

struct Canvas<'a> {
    out: String,
    set: &'a Set,
    labels: usize,
    unit: Unit,
    columns: Columns,
    height: usize,
}

/// Of a height of `rows`, the row that a value of `end` falls into, counted from the bottom.
fn row_of(value: u64, end: u64, rows: usize) -> usize {
    let row = u128::from(value) * rows as u128 / u128::from(end.max(1));
    usize::try_from(row).unwrap_or(rows).min(rows - 1)
}

/// How many rows a value fills, to the nearest; something is never shown as nothing.
fn filled(value: u64, end: u64, rows: usize) -> usize {
    let end = u128::from(end.max(1));
    let twice = u128::from(value) * rows as u128 * 2 / end;
    usize::try_from(twice.div_ceil(2).min(rows as u128)).unwrap_or(rows)
}

impl Canvas<'_> {
    fn line(&mut self, label: &str, axis: char, cells: &[char]) {
        let cells: String = cells.iter().collect();
        let _ = writeln!(self.out, "{label:>width$} {axis}{}", cells.trim_end(), width = self.labels);
    }

    /// Rows from the top with their labels; the marks go over them.
    fn rows(&mut self, picture: &Picture, rows: &[Vec<char>], label: impl Fn(usize) -> Option<String>) {
        let marks: Vec<usize> = picture.marks.iter().map(|mark| self.columns.place(mark.at)).collect();
        for (number, row) in rows.iter().enumerate().rev() {
            let mut cells = row.clone();
            for &mark in &marks {
                cells[mark] = self.set.mark;
            }
            match label(number) {
                Some(label) => self.line(&label, self.set.tick, &cells),
                None => self.line("", self.set.axis, &cells),
            }
        }
    }

    fn letters(&self, picture: &Picture) -> Vec<char> {
        let mut others = self.set.others.iter().copied().cycle();
        let band = |role| match role {
            Role::Victim => self.set.victim,
            Role::Other => others.next().unwrap_or(self.set.rest),
        };
        std::iter::once(self.set.rest).chain(picture.bands.iter().map(|it| it.role).map(band)).collect()
    }

    fn memory(&mut self, picture: &Picture) {
        let (end, height) = (picture.capacity(), self.height);
        let letters = self.letters(picture);
        let mut rows = vec![vec![' '; self.columns.len()]; height];
        for (column, &point) in self.columns.points.iter().enumerate() {
            let mut below = 0;
            for (edge, letter) in picture.edges(&picture.points[point]).into_iter().zip(&letters) {
                let edge = filled(edge, end, height);
                for row in rows.iter_mut().take(edge).skip(below) {
                    row[column] = *letter;
                }
                below = below.max(edge);
            }
        }
        let level = match picture.floor {
            _ if picture.swap_total > 0 => Some(picture.memory_total),
            Some(floor) => Some(end.saturating_sub(floor)),
            None => None,
        };
        if let Some(level) = level {
            let row = &mut rows[row_of(level, end, height)];
            row.iter_mut().filter(|cell| **cell == ' ').for_each(|cell| *cell = self.set.level);
        }
        let unit = self.unit;
        let ticks = axis::amounts(end, unit, 4);
        let top = unit.amount(end);
        self.rows(picture, &rows, |row| {
            if row == height - 1 {
                return Some(top.clone());
            }
            // The tick stands where its value begins; the one of the top has that row for itself.
            let tick = ticks.iter().rfind(|tick| row_of(**tick, end, height) == row)?;
            Some((tick / unit.bytes).to_string())
        });
    }

    /// What is available, with the floor: beside swap it cannot be seen from what is in use.
    fn available(&mut self, picture: &Picture) {
        let end = picture.memory_total;
        let mut rows = vec![vec![' '; self.columns.len()]; AVAILABLE];
        for (column, &point) in self.columns.points.iter().enumerate() {
            for row in rows.iter_mut().take(filled(picture.points[point].available, end, AVAILABLE)) {
                row[column] = self.set.others[1];
            }
        }
        if let Some(floor) = picture.floor {
            let row = &mut rows[row_of(floor, end, AVAILABLE)];
            row.iter_mut().filter(|cell| **cell == ' ').for_each(|cell| *cell = self.set.level);
        }
        self.heading("MemAvailable");
        let top = self.unit.amount(end);
        self.rows(picture, &rows, |row| match row {
            0 => Some("0".to_owned()),
            _ if row == AVAILABLE - 1 => Some(top.clone()),
            _ => None,
        });
    }

    fn stall(&mut self, picture: &Picture) {
        let mut rows = vec![vec![' '; self.columns.len()]; STALL];
        for (column, &point) in self.columns.points.iter().enumerate() {
            let stall = picture.points[point].stall.unwrap_or(0);
            for row in rows.iter_mut().take(filled(stall, 100, STALL)) {
                row[column] = self.set.stall;
            }
        }
        self.heading("all tasks stalled, share of time");
        self.rows(picture, &rows, |row| match row {
            0 => Some("0".to_owned()),
            _ if row == STALL - 1 => Some("100 %".to_owned()),
            _ => None,
        });
    }

    fn heading(&mut self, text: &str) {
        let cells: Vec<char> = format!(" {text}").chars().take(self.columns.len()).collect();
        self.line("", self.set.axis, &cells);
    }

    fn times(&mut self) {
        let set = self.set;
        let most = i64::try_from(self.columns.len() / 12).unwrap_or(1);
        let times = axis::times(self.columns.from, self.columns.to, most);
        let mut line = vec![set.line; self.columns.len()];
        let mut labels = vec![' '; self.columns.len()];
        for time in times {
            let column = self.columns.place(time);
            line[column] = set.below;
            write_at(&mut labels, column, &axis::time(time));
        }
        self.line("", set.corner, &line);
        self.line("", ' ', &labels);
    }

    fn marks(&mut self, picture: &Picture) {
        for mark in &picture.marks {
            let mut labels = vec![' '; self.columns.len()];
            let column = self.columns.place(mark.at);
            let text: Vec<char> = mark.what.chars().collect();
            // On the side where there is room for it.
            if column + 2 + text.len() <= labels.len() {
                write_from(&mut labels, column, &format!("{} {}", self.set.pointer, mark.what));
            } else {
                let text = format!("{} {}", mark.what, self.set.pointer);
                write_from(&mut labels, (column + 1).saturating_sub(text.chars().count()), &text);
            }
            self.line("", ' ', &labels);
        }
    }

    fn legend(&mut self, picture: &Picture, width: usize) {
        let set = self.set;
        let letters = self.letters(picture);
        let at = picture.point_at(picture.moment()).unwrap_or(&picture.points[0]);
        let indent = " ".repeat(self.labels + 2);
        for (place, band) in picture.bands.iter().enumerate().rev() {
            let letter = letters[place + 1];
            let held = self.unit.amount(at.held.get(place).copied().unwrap_or(0));
            let room = width.saturating_sub(indent.len() + 4 + held.len());
            let name = shorten(&band.name, room, set.cut);
            let _ = writeln!(self.out, "{indent}{letter} {held}  {name}");
        }
        let rest = self.unit.amount(picture.edges(at).first().copied().unwrap_or(0));
        let _ = writeln!(self.out, "{indent}{} {rest}  everything else", set.rest);
        if let Some(floor) = picture.floor {
            let floor = self.unit.amount(floor);
            let level = set.level;
            let text = if picture.swap_total > 0 {
                format!("{level} end of memory, above it swap; below, the floor of {floor}")
            } else {
                format!("{level} floor: {floor} available")
            };
            let _ = writeln!(self.out, "{indent}{}", shorten(&text, width.saturating_sub(indent.len()), set.cut));
        }
    }
}

/// Writes a text around a column, where it does not run into another one.
fn write_at(cells: &mut [char], column: usize, text: &str) {
    let length = text.chars().count();
    let start = column.saturating_sub(length / 2).min(cells.len().saturating_sub(length));
    let (before, behind) = (start.saturating_sub(1), (start + length + 1).min(cells.len()));
    if cells[before..behind].iter().all(|cell| *cell == ' ') {
        write_from(cells, start, text);
    }
}

fn write_from(cells: &mut [char], start: usize, text: &str) {
    for (cell, letter) in cells.iter_mut().skip(start).zip(text.chars()) {
        *cell = letter;
    }
}

/// A name in so many columns: its end tells more than its middle.
#[must_use]
pub fn shorten(name: &str, columns: usize, cut: &str) -> String {
    if name.width() <= columns {
        return name.to_owned();
    }
    let room = columns.saturating_sub(cut.width());
    let take = |letters: &mut dyn Iterator<Item = char>, room: usize| {
        let mut used = 0;
        let mut taken = Vec::new();
        for letter in letters {
            used += letter.width().unwrap_or(0);
            if used > room {
                break;
            }
            taken.push(letter);
        }
        taken
    };
    let head: String = take(&mut name.chars(), room / 3).into_iter().collect();
    let tail: String = take(&mut name.chars().rev(), room - room / 3).into_iter().rev().collect();
    format!("{head}{cut}{tail}")
}
