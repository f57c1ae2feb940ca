//! A ranking as a table for people.

use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Ranking, Row};
use crate::text::escape;
use crate::text::size::size;

/// How much of command lines is shown, which may hold secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commands {
    /// As much as fits.
    Cut,
    /// All of them.
    Whole,
}

/// How wide the table is where nobody says.
const WIDTH: usize = 120;

/// The table. `width` is how many columns a line may have; 120 where standard output is no terminal. Whole command lines
/// have no end.
#[must_use]
pub fn write(ranking: &Ranking, width: Option<usize>, commands: Commands) -> String {
    let width = if commands == Commands::Whole { None } else { Some(width.unwrap_or(WIDTH)) };
    let mut text = head(ranking);
    let rows: Vec<[String; 11]> = ranking.shown.iter().enumerate().map(|(index, row)| cells(index, row)).collect();
    text.push_str(&table(&rows, width));
    text.push_str(&tail(ranking));
    text
}

fn head(ranking: &Ranking) -> String {
    let whole = size(ranking.total);
    let what = match &ranking.cgroup {
        None => format!("the machine runs out of its {whole} of RAM and swap"),
        Some(path) => format!("cgroup {} runs out of its {whole} of memory and swap", path_text(path)),
    };
    let mut text = format!("If {what}:\n\n");
    if let Some(victim) = &ranking.victim {
        let name = escape::bytes(&victim.name);
        _ = write!(text, "  process {} ({name}) is killed", victim.pid);
        match &victim.group {
            None => text.push_str(", alone\n"),
            Some(group) => {
                let others = match group.dying.len().saturating_sub(1) {
                    1 => "1 other process".to_owned(),
                    count => format!("{count} other processes"),
                };
                _ = write!(text, ", and with it {others} in {} (memory.oom.group)", path_text(&group.path));
                if !group.spared.is_empty() {
                    _ = write!(text, "; spared by oom_score_adj -1000: {}", pids(&group.spared));
                }
                text.push('\n');
            }
        }
    }
    for warning in &ranking.warnings {
        _ = writeln!(text, "  warning: {warning}");
    }
    text.push('\n');
    text
}

const TITLES: [&str; 11] =
    ["#", "PID", "BADNESS", "ADJ", "RSS", "SWAP", "PGTABLES", "SHMEM", "CLASS", "CGROUP", "COMMAND"];

/// The columns of numbers stand at the right.
const NUMBERS: usize = 8;

fn cells(index: usize, row: &Row) -> [String; 11] {
    let task = &row.candidate.task;
    let memory = task.memory.unwrap_or_default();
    let class = row.container.as_ref().map_or("-".to_owned(), |container| escape::text(&container.class).into_owned());
    [
        (index + 1).to_string(),
        task.pid.to_string(),
        row.candidate.badness.points.to_string(),
        task.score.to_string(),
        size(memory.resident()),
        size(memory.swap),
        size(memory.page_tables),
        size(memory.shared),
        class,
        row.cgroup.as_deref().map_or("-".to_owned(), path_text),
        command(row),
    ]
}

/// The command line, or the name in brackets, as ps(1) has it.
pub(super) fn command(row: &Row) -> String {
    if row.command.is_empty() {
        return format!("[{}]", escape::bytes(&row.candidate.task.name));
    }
    let words: Vec<&[u8]> = row.command.iter().map(|word| word.as_bytes()).collect();
    escape::bytes(&words.join(&b' '))
}

fn path_text(path: &Path) -> String {
    escape::bytes(path.as_os_str().as_bytes())
}

fn table(rows: &[[String; 11]], width: Option<usize>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let titles = TITLES.map(str::to_owned);
    let all = || std::iter::once(&titles).chain(rows);
    let widths: Vec<usize> = (0..TITLES.len())
        .map(|column| all().map(|row| row[column].width()).max().unwrap_or(0))
        // The tail of a cgroup's path tells more than its head.
        .map(|widest| widest.min(40))
        .collect();
    let mut text = String::new();
    for row in all() {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let room = widths[column];
            let cell = if column + 1 == TITLES.len() { cell.clone() } else { shorten(cell, room) };
            // Letters of some languages are two columns wide.
            let gap = " ".repeat(room.saturating_sub(cell.width()));
            _ = if column < NUMBERS { write!(line, "{gap}{cell}  ") } else { write!(line, "{cell}{gap}  ") };
        }
        let line = line.trim_end();
        text.push_str(width.map_or(line, |width| cut(line, width)));
        text.push('\n');
    }
    text
}

/// As much of the beginning as fits into so many columns.
fn cut(text: &str, room: usize) -> &str {
    let mut used = 0;
    let fits = |letter: char| {
        used += letter.width().unwrap_or(0);
        used <= room
    };
    let end = text.char_indices().map(|(at, _)| at).zip(text.chars().map(fits)).find(|(_, fits)| !fits);
    end.map_or(text, |(at, _)| &text[..at])
}

/// The end of a text, behind an ellipsis, where it is too long.
fn shorten(text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    let mut used = 1;
    let kept = text.char_indices().rev().take_while(|(_, letter)| {
        used += letter.width().unwrap_or(0);
        used <= room
    });
    let start = kept.last().map_or(text.len(), |(at, _)| at);
    format!("…{}", &text[start..])
}

fn pids(pids: &[u32]) -> String {
    pids.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
}

fn tail(ranking: &Ranking) -> String {
    let mut text = String::new();
    let more = ranking.killable - ranking.shown.len();
    if more > 0 {
        _ = writeln!(text, "… and {more} more that may be killed");
    }
    if !ranking.shown.is_empty() {
        text.push('\n');
    }
    text.push_str("Never killed:\n");
    let mut reasons: Vec<_> = ranking.exempt.iter().map(|(_, why)| *why).collect();
    reasons.sort_unstable();
    reasons.dedup();
    for reason in reasons {
        let tasks: Vec<_> = ranking.exempt.iter().filter(|(_, why)| *why == reason).map(|(task, _)| task).collect();
        let named = tasks.iter().take(8).map(|task| format!("{} ({})", task.pid, escape::bytes(&task.name)));
        let more = if tasks.len() > 8 { format!(", … {} in all", tasks.len()) } else { String::new() };
        _ = writeln!(text, "  {}{more}: {reason}", named.collect::<Vec<_>>().join(", "));
    }
    _ = writeln!(text, "  {} kernel threads", ranking.kernel_threads);
    let kernel = ranking.rules.kernel;
    _ = writeln!(text, "\nBADNESS is in pages of {}; by the rules of Linux {kernel}.", size(ranking.rules.page));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_letters_count_twice() {
        assert_eq!((cut("漢字ab", 5), cut("漢字ab", 3), cut("ab", 9)), ("漢字a", "漢", "ab"));
        assert_eq!((shorten("漢字ab", 6), shorten("漢字ab", 5)), ("漢字ab".into(), "…字ab".into()));
    }

    #[test]
    fn a_long_path_keeps_its_end() {
        assert_eq!((shorten("/a/b/c", 6), shorten("/a/b/cd", 6)), ("/a/b/c".into(), "…/b/cd".into()));
    }
}
