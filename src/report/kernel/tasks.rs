//! The list of tasks: what every process used when memory was short.

use super::super::scan::{leading, split};
use super::{Line, NAME};

/// Which columns the list has between the process ids and the names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Layout {
    /// `uid tgid total_vm rss cpu oom_adj oom_score_adj name`, before 3.4.
    Processor,
    /// `uid tgid total_vm rss nr_ptes swapents oom_score_adj name`, 3.4 to 4.14; page tables in pages.
    PageTables,
    /// The same with `nr_pmds`, 4.0 to 4.14.
    PageTablesAndMiddle,
    /// `uid tgid total_vm rss pgtables_bytes swapents oom_score_adj name`, since 4.15.
    #[default]
    Bytes,
    /// The same with `rss_anon rss_file rss_shmem` behind `rss`, since 6.8.
    Split,
}

/// A process of the list. Counts are pages, but for page tables since 4.15.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its id.
    pub pid: u32,
    /// What stands between its id and its name, in the order of the columns.
    pub numbers: Vec<i64>,
    /// Its name.
    pub name: Vec<u8>,
    /// Whether the brackets are as wide as they are since 4.15.
    pub is_wide: bool,
}

impl Task {
    /// The layout that a line has by itself, for a list whose titles are lost.
    #[must_use]
    pub fn own_layout(&self) -> Layout {
        match (self.numbers.len(), self.is_wide) {
            (10.., _) => Layout::Split,
            (8 | 9, _) => Layout::PageTablesAndMiddle,
            (_, true) => Layout::Bytes,
            (_, false) => Layout::PageTables,
        }
    }

    fn number(&self, at: usize) -> u64 {
        self.numbers.get(at).and_then(|&number| u64::try_from(number).ok()).unwrap_or(0)
    }

    /// Its address space, in pages.
    #[must_use]
    pub fn virtual_size(&self) -> u64 {
        self.number(2)
    }

    /// What is resident, in pages.
    #[must_use]
    pub fn resident(&self) -> u64 {
        self.number(3)
    }

    /// What is in swap, in pages.
    #[must_use]
    pub fn swap(&self, layout: Layout) -> u64 {
        match layout {
            Layout::Processor => 0,
            Layout::PageTables | Layout::Bytes => self.number(5),
            Layout::PageTablesAndMiddle => self.number(6),
            Layout::Split => self.number(8),
        }
    }

    /// Its page tables, in bytes.
    #[must_use]
    pub fn page_tables(&self, layout: Layout, page: u64) -> u64 {
        match layout {
            Layout::Processor => 0,
            Layout::PageTables => self.number(4).saturating_mul(page),
            Layout::PageTablesAndMiddle => self.number(4).saturating_add(self.number(5)).saturating_mul(page),
            Layout::Bytes => self.number(4),
            Layout::Split => self.number(7),
        }
    }

    /// Its `oom_score_adj`.
    #[must_use]
    pub fn score(&self, layout: Layout) -> Option<i16> {
        let at = match layout {
            Layout::Processor | Layout::PageTables | Layout::Bytes => 6,
            Layout::PageTablesAndMiddle => 7,
            Layout::Split => 9,
        };
        self.numbers.get(at).and_then(|&score| i16::try_from(score).ok())
    }
}

pub(super) fn read(text: &[u8]) -> Option<Line> {
    let text = text.trim_ascii_start();
    if text.starts_with(b"Tasks state (memory values in pages)") {
        return Some(Line::TaskTitles(Layout::default()));
    }
    let (inner, rest) = split(text.strip_prefix(b"[")?, b"]")?;
    if inner.trim_ascii() == b"pid" {
        return titles(rest).map(Line::TaskTitles);
    }
    // `[  1234]     0  1234     …`
    let pid = super::super::scan::pid(inner)?;
    let mut numbers = Vec::with_capacity(10);
    let mut rest = rest;
    while numbers.len() < 10 {
        let after_space = rest.trim_ascii_start();
        let Some((number, after)) =
            leading(after_space).filter(|(_, after)| after.first().is_none_or(|&it| it == b' '))
        else {
            break;
        };
        numbers.push(number);
        rest = after;
    }
    let name = rest.strip_prefix(b" ").unwrap_or(rest);
    // A name that is a number is taken for a column, unless there is nothing behind it.
    let is_row = numbers.len() >= 7 && !name.is_empty() && name.len() <= NAME + 1;
    is_row.then(|| Line::Task(Task { pid, numbers, name: name.to_owned(), is_wide: inner.len() >= 7 }))
}

fn titles(text: &[u8]) -> Option<Layout> {
    let has = |title: &[u8]| text.split(u8::is_ascii_whitespace).any(|word| word == title);
    if !has(b"tgid") || !has(b"total_vm") {
        return None;
    }
    Some(if has(b"rss_anon") {
        Layout::Split
    } else if has(b"pgtables_bytes") {
        Layout::Bytes
    } else if has(b"nr_pmds") {
        Layout::PageTablesAndMiddle
    } else if has(b"nr_ptes") {
        Layout::PageTables
    } else {
        Layout::Processor
    })
}
