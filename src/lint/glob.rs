//! Which globs of a policy cover others.

use crate::policy::rule::Pattern;

/// A part of a glob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Any,
    One,
    Letter(char),
}

/// Whether `wide` matches everything that `narrow` matches. `false` where that cannot be told.
///
/// `wide` is matched against the parts of `narrow` as if they were letters: only a `*` can stand for a `*`, and a `?`
/// for a `?`.
pub(super) fn covers(wide: &Pattern, narrow: &Pattern) -> bool {
    let (wide, narrow) = (parts(wide.text()), parts(narrow.text()));
    // Which parts of `wide` may come next; one bit of state for each, so hostile globs take no longer than their
    // lengths multiplied.
    let mut states = vec![false; wide.len() + 1];
    states[0] = true;
    spread(&wide, &mut states);
    for part in narrow {
        let mut next = vec![false; wide.len() + 1];
        for (index, _) in states.iter().enumerate().filter(|(_, active)| **active) {
            match wide.get(index) {
                Some(Part::Any) => next[index] = true,
                Some(Part::One) if part != Part::Any => next[index + 1] = true,
                Some(Part::Letter(_)) if wide[index] == part => next[index + 1] = true,
                _ => {}
            }
        }
        spread(&wide, &mut next);
        states = next;
    }
    states[wide.len()]
}

/// A `*` may also stand for nothing.
fn spread(wide: &[Part], states: &mut [bool]) {
    for index in 0..wide.len() {
        if states[index] && wide[index] == Part::Any {
            states[index + 1] = true;
        }
    }
}

fn parts(glob: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut letters = glob.chars().take(4096);
    while let Some(letter) = letters.next() {
        parts.push(match letter {
            '*' => Part::Any,
            '?' => Part::One,
            '\\' => Part::Letter(letters.next().unwrap_or('\\')),
            other => Part::Letter(other),
        });
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_covers_what_it_matches_at_least() {
        let cases = [
            ("*", "/a/*", true),
            ("/a/*", "/a/b/*", true),
            ("/a/*", "/a/b?", true),
            ("/a/?", "/a/b", true),
            ("?", "*", false),
            ("/a/*", "/*", false),
            ("*b*", "*abc*", true),
            ("a*b", "a*xb", true),
            ("a*b", "a*", false),
            ("x", "x", true),
            ("", "", true),
            ("\\*", "*", false),
            ("*\\*", "a\\*", true),
            ("**", "*", true),
        ];
        for (wide, narrow, expected) in cases {
            let pattern = |text| Pattern::new(text).unwrap();
            assert_eq!(covers(&pattern(wide), &pattern(narrow)), expected, "{wide} {narrow}");
        }
    }
}
