//! Colours where standard output shows them: `--color`, `NO_COLOR` and whether it is a terminal decide, here alone.
//!
//! What commands print is plain text; a [`Mark`] says of a line what of it stands out. Piped output has no escapes.

use std::ops::Range;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Effects, Style};

use crate::lint::output::human::Colour;

/// What of a line stands out, if anything.
pub(super) type Mark = fn(&str) -> Option<(Range<usize>, Style)>;

const ERROR: Style = bold(AnsiColor::Red);
const WARNING: Style = bold(AnsiColor::Yellow);
const HELP: Style = bold(AnsiColor::Green);
const HEAD: Style = Style::new().effects(Effects::BOLD);
const QUIET: Style = Style::new().effects(Effects::DIMMED);

const fn bold(colour: AnsiColor) -> Style {
    Style::new().fg_color(Some(anstyle::Color::Ansi(colour))).effects(Effects::BOLD)
}

/// Whether standard output is to have colours.
pub(super) fn choice() -> Colour {
    match AutoStream::choice(&std::io::stdout()) {
        ColorChoice::Never => Colour::Plain,
        _ => Colour::Ansi,
    }
}

/// Prints a text, with colours where they are wanted.
pub(super) fn print(text: &str, mark: Mark) -> anyhow::Result<()> {
    match choice() {
        Colour::Plain => super::print(text),
        Colour::Ansi => super::print(&painted(text, mark)),
    }
}

fn painted(text: &str, mark: Mark) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for line in text.split_inclusive('\n') {
        let Some((range, style)) = mark(line.trim_end_matches('\n')) else {
            out.push_str(line);
            continue;
        };
        let (before, rest) = line.split_at(range.start);
        let (inside, behind) = rest.split_at(range.end - range.start);
        out.push_str(&format!("{before}{style}{inside}{style:#}{behind}"));
    }
    out
}

/// The place of a word that a line begins with, behind spaces.
fn word(line: &str) -> Range<usize> {
    let start = line.len() - line.trim_start().len();
    start..start + line[start..].find([' ', ':']).unwrap_or(line.len() - start)
}

/// `oomshim doctor`: how each check ended, and where a remedy begins.
pub(super) fn doctor(line: &str) -> Option<(Range<usize>, Style)> {
    let place = word(line);
    let style = match (place.start, &line[place.clone()]) {
        (0, "fail") => ERROR,
        (0, "warn") => WARNING,
        (0, "pass") | (14, "->") => HELP,
        (0, "skipped") => QUIET,
        _ => return None,
    };
    Some((place, style))
}

/// `oomshim rank`: who is killed, warnings and titles.
pub(super) fn rank(line: &str) -> Option<(Range<usize>, Style)> {
    let style = match line {
        _ if line.starts_with("  process ") => ERROR,
        _ if line.starts_with("  warning: ") => WARNING,
        _ if line.starts_with("If ") || line.starts_with('#') || line == "Never killed:" => HEAD,
        _ => return None,
    };
    Some((0..line.len(), style))
}

/// `oomshim report`: what happened, and what to do.
pub(super) fn report(line: &str) -> Option<(Range<usize>, Style)> {
    let place = word(line);
    match (place.start, &line[place.clone()]) {
        (_, "") => None,
        (0, _) => Some((0..line.len(), HEAD)),
        (4, "next") => Some((place, HELP)),
        (4, "killed") => Some((place, ERROR)),
        (4, _) => Some((place, HEAD)),
        _ => None,
    }
}

/// `oomshim policy explain` and `check`: titles, and what is not as it should be.
pub(super) fn policy(line: &str) -> Option<(Range<usize>, Style)> {
    let severities = [(": error: ", ERROR), (": warning: ", WARNING), (": note: ", HEAD)];
    let found = severities.iter().find_map(|(word, style)| Some((line.find(word)? + 2, word.len() - 4, *style)));
    let place = word(line);
    match (&line[place.clone()], found) {
        ("=", _) => Some((place.start..(place.start + "= help".len()).min(line.len()), HELP)),
        (_, Some((start, length, style))) if !line.starts_with(' ') => Some((start..start + length, style)),
        ("class" | "because" | "policy", _) if place.start == 0 => Some((place, HEAD)),
        _ if line == "not applied" => Some((0..line.len(), WARNING)),
        _ if ["rules, in order", "edits of config.json", "to know"].contains(&line) => Some((0..line.len(), HEAD)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKS: [Mark; 4] = [doctor, rank, report, policy];

    #[test]
    fn colours_change_no_letter() {
        let text = "warn          a: b\n              -> do\n\n  process 1 (x) is killed\n/p:1:2: error: x [y]\n  = help: é\n\
            no end";
        for mark in MARKS {
            let painted = painted(text, mark);
            assert_eq!(anstream::adapter::strip_str(&painted).to_string(), text);
        }
    }

    #[test]
    fn what_matters_stands_out() {
        let of = |mark: Mark, line: &str| mark(line).map(|(range, style)| (line[range].to_owned(), style));
        assert_eq!(of(doctor, "fail          x: y"), Some(("fail".to_owned(), ERROR)));
        assert_eq!(of(doctor, "              -> run"), Some(("->".to_owned(), HELP)));
        assert_eq!(of(rank, "  warning: x"), Some(("  warning: x".to_owned(), WARNING)));
        assert_eq!(of(report, "    next          y"), Some(("next".to_owned(), HELP)));
        assert_eq!(of(report, "                  more"), None);
        assert_eq!(of(policy, "/p:1:2: warning: x"), Some(("warning".to_owned(), WARNING)));
        assert_eq!(of(policy, "  = help: x"), Some(("= help".to_owned(), HELP)));
        assert_eq!(of(policy, "  0: no"), None);
    }
}
