//! Whether Go compiles a pattern: the syntax of RE2 as `regexp/syntax` of Go reads it, and nothing of what it matches.
//!
//! hooks.d is read by programs written in Go. Rust's engines know another language: classes with `&&`, no `\Q`, larger
//! repeats. What is refused and in which words is that of `parse.go`
//! (Go 1.26) with the flags that `regexp.Compile` sets.

mod classes;
mod limits;
mod refusal;

use limits::{Group, Part, REPEATS};
pub use refusal::Refusal;

/// Reads a pattern as `regexp.Compile` does.
///
/// # Errors
/// [`Refusal`]
pub fn check(pattern: &str) -> Result<(), Refusal> {
    let mut parser = Parser { rest: pattern, groups: vec![Group::default()], follows_repeat: false };
    while !parser.rest.is_empty() {
        let repeats = parser.token()?;
        parser.follows_repeat = repeats;
    }
    if parser.groups.len() > 1 {
        return Err(Refusal::MissingParen);
    }
    Ok(())
}

struct Parser<'p> {
    rest: &'p str,
    groups: Vec<Group>,
    follows_repeat: bool,
}

impl Parser<'_> {
    /// Reads one token; tells whether it was a repeat.
    fn token(&mut self) -> Result<bool, Refusal> {
        match self.rest.as_bytes()[0] {
            b'(' if self.rest.starts_with("(?") => self.perl_group()?,
            b'(' => {
                self.skip(1);
                self.open(true);
            }
            b'|' => {
                self.skip(1);
                self.group().bar()?;
            }
            b')' => {
                self.skip(1);
                self.close()?;
            }
            b'[' => {
                self.class()?;
                self.push(Part::ONE);
            }
            op @ (b'*' | b'+' | b'?') => {
                self.skip(1);
                let added = if op == b'*' { 2 } else { 1 };
                self.repeat(None, |size| size.saturating_add(added))?;
                return Ok(true);
            }
            b'{' => {
                let Some((least, most, rest)) = counts(self.rest) else {
                    self.skip(1);
                    self.push(Part::ONE);
                    return Ok(false);
                };
                let (Some(least), Some(most)) = (least, most) else { return Err(Refusal::RepeatSize) };
                if least > REPEATS || most.is_some_and(|most| most > REPEATS || least > most) {
                    return Err(Refusal::RepeatSize);
                }
                self.rest = rest;
                self.repeat(Some((least, most)), |size| match most {
                    None if least == 0 => size.saturating_add(2),
                    None => size.saturating_mul(least).saturating_add(1),
                    Some(most) => size.saturating_mul(most).saturating_add(most - least),
                })?;
                return Ok(true);
            }
            b'\\' => self.backslash()?,
            _ => {
                self.next();
                self.push(Part::ONE);
            }
        }
        Ok(false)
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }

    fn next(&mut self) -> Option<char> {
        let mut letters = self.rest.chars();
        let letter = letters.next()?;
        self.rest = letters.as_str();
        Some(letter)
    }

    fn group(&mut self) -> &mut Group {
        if self.groups.is_empty() {
            self.groups.push(Group::default());
        }
        let last = self.groups.len() - 1;
        &mut self.groups[last]
    }

    fn push(&mut self, part: Part) {
        self.group().push(part);
    }

    fn open(&mut self, captures: bool) {
        self.groups.push(Group { captures, ..Group::default() });
    }

    fn close(&mut self) -> Result<(), Refusal> {
        if self.groups.len() < 2 {
            return Err(Refusal::UnexpectedParen);
        }
        let Some(mut group) = self.groups.pop() else { return Err(Refusal::UnexpectedParen) };
        let several = group.alternatives.is_some();
        group.bar()?;
        let mut part = group.alternatives.unwrap_or(Part::ONE);
        if several {
            part = part.deeper()?;
        }
        if group.captures {
            part = Part { size: part.size.saturating_add(2), ..part.deeper()? };
        }
        self.push(part);
        Ok(())
    }

    /// The last part is repeated: from `least` to `most` times where the repeat has counts.
    fn repeat(&mut self, counts: Option<(u64, Option<u64>)>, size: impl Fn(u64) -> u64) -> Result<(), Refusal> {
        if self.rest.starts_with('?') {
            self.skip(1);
        }
        if self.follows_repeat {
            return Err(Refusal::RepeatOp);
        }
        let Some(part) = self.group().last.take() else { return Err(Refusal::MissingRepeatArgument) };
        let mut part = Part { size: size(part.size).max(1), ..part }.deeper()?;
        if let Some((least, most)) = counts {
            let times = most.unwrap_or(least);
            part.copies = if most == Some(0) { 1 } else { part.copies.saturating_mul(times.max(1)) };
            let counted = least >= 2 || most.is_some_and(|most| most >= 2);
            if counted && part.copies > REPEATS {
                return Err(Refusal::RepeatSize);
            }
        }
        self.group().last = Some(part);
        Ok(())
    }

    /// `(?P<name>`, `(?<name>`, `(?i)` or `(?i:`.
    fn perl_group(&mut self) -> Result<(), Refusal> {
        let name = match () {
            () if self.rest.len() > 4 && self.rest.starts_with("(?P<") => Some(4),
            () if self.rest.len() > 3 && self.rest.starts_with("(?<") => Some(3),
            () => None,
        };
        if let Some(start) = name {
            let end = self.rest.find('>').ok_or(Refusal::NamedCapture)?;
            let name = self.rest.get(start..end).unwrap_or_default();
            if name.is_empty() || !name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric()) {
                return Err(Refusal::NamedCapture);
            }
            self.skip(end + 1);
            self.open(true);
            return Ok(());
        }
        self.skip(2);
        let (mut negated, mut has_flag) = (false, false);
        while let Some(letter) = self.next() {
            match letter {
                'i' | 'm' | 's' | 'U' => has_flag = true,
                '-' if !negated => (negated, has_flag) = (true, false),
                ':' | ')' if !negated || has_flag => {
                    if letter == ':' {
                        self.open(false);
                    }
                    return Ok(());
                }
                _ => break,
            }
        }
        Err(Refusal::PerlOp)
    }
}

/// The counts of a repeat and what follows it: `None` for a count that is too large to be read, and `Some(None)` for a
/// second one that is open.
type Counts<'p> = (Option<u64>, Option<Option<u64>>, &'p str);

/// `{2}`, `{2,}` or `{2,5}`; anything else is a literal brace.
fn counts(text: &str) -> Option<Counts<'_>> {
    let (least, rest) = number(text.strip_prefix('{')?)?;
    if let Some(rest) = rest.strip_prefix('}') {
        return Some((least, least.map(Some), rest));
    }
    let rest = rest.strip_prefix(',')?;
    if let Some(rest) = rest.strip_prefix('}') {
        return Some((least, Some(None), rest));
    }
    let (most, rest) = number(rest)?;
    Some((least, most.map(Some), rest.strip_prefix('}')?))
}

/// Digits without a leading zero.
fn number(text: &str) -> Option<(Option<u64>, &str)> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(end);
    if digits.is_empty() || digits.len() > 1 && digits.starts_with('0') {
        return None;
    }
    Some((digits.parse().ok().filter(|number| *number < 1_000_000_000), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Go 1.26 said of patterns that were made at random from the pieces of its syntax.
    #[test]
    fn go_says_the_same() {
        let all = include_str!("../../../../testdata/go-regexp.tsv");
        let mut counts = (0, 0);
        for line in all.lines() {
            let (expected, pattern) = line.split_once('\t').unwrap();
            let pattern: String = serde_json::from_str(pattern).unwrap();
            let said = check(&pattern).err().map_or("ok".to_owned(), |refusal| refusal.to_string());
            assert_eq!(said, expected, "{pattern:?}");
            if expected == "ok" { counts.0 += 1 } else { counts.1 += 1 }
        }
        assert!(counts.0 > 200 && counts.1 > 200, "{counts:?}");
    }

    #[test]
    fn limits_hold_for_nested_repeats() {
        let cases = [
            ("a{1000}".to_owned(), None),
            ("(a{30}){30}".to_owned(), None),
            ("(a{40}){30}".to_owned(), Some(Refusal::RepeatSize)),
            ("(a{40}){0}".to_owned(), None),
            ("((a{40}){0}){1000}".to_owned(), None),
            (format!("{}a{}", "(".repeat(900), ")".repeat(900)), None),
            (format!("{}a{}", "(".repeat(1100), ")".repeat(1100)), Some(Refusal::NestingDepth)),
            (format!("({}){{1000}}", "ab".repeat(2000)), Some(Refusal::Large)),
            (format!("({}){{100}}", "ab".repeat(2000)), None),
        ];
        for (pattern, expected) in cases {
            assert_eq!(check(&pattern).err(), expected, "{}", pattern.len());
        }
    }
}
