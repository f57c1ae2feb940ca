//! The parts of a pattern as far as Go's limits ask about them: how large, how deep, how often repeated.

use super::Refusal;

/// The most copies of the innermost thing that nested repeats may make.
pub(super) const REPEATS: u64 = 1000;
/// The most levels of a pattern.
const LEVELS: u32 = 1000;
/// The most instructions of the compiled program: 128 MiB of 40 bytes each.
const INSTRUCTIONS: u64 = (128 << 20) / 40;

/// A part of the pattern, as far as limits ask about it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Part {
    /// Instructions.
    pub(super) size: u64,
    /// The largest product of repeats on a way to its innermost parts.
    pub(super) copies: u64,
    /// Levels.
    pub(super) height: u32,
}

impl Part {
    pub(super) const ONE: Part = Part { size: 1, copies: 1, height: 1 };

    /// Both one behind the other, or one or the other.
    fn with(self, other: Part) -> Part {
        Part {
            size: self.size.saturating_add(other.size),
            copies: self.copies.max(other.copies),
            height: self.height.max(other.height),
        }
    }

    /// One level above it.
    pub(super) fn deeper(self) -> Result<Part, Refusal> {
        let part = Part { height: self.height + 1, ..self };
        match () {
            () if part.height > LEVELS => Err(Refusal::NestingDepth),
            () if part.size > INSTRUCTIONS => Err(Refusal::Large),
            () => Ok(part),
        }
    }
}

/// What stands between a parenthesis and the next one.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) captures: bool,
    /// The alternatives that are complete.
    pub(super) alternatives: Option<Part>,
    /// What the present alternative has, apart from its last part.
    pub(super) before: Option<Part>,
    /// Its last part: what a repeat takes.
    pub(super) last: Option<Part>,
}

impl Group {
    pub(super) fn push(&mut self, part: Part) {
        self.before = join(self.before, self.last);
        self.last = Some(part);
    }

    /// Ends the alternative.
    pub(super) fn bar(&mut self) -> Result<(), Refusal> {
        let whole = match (self.before.take(), self.last.take()) {
            (Some(before), Some(last)) => before.with(last).deeper()?,
            (None, last) => last.unwrap_or(Part::ONE),
            (before, None) => before.unwrap_or(Part::ONE),
        };
        self.alternatives = join(self.alternatives, Some(whole));
        Ok(())
    }
}

fn join(one: Option<Part>, other: Option<Part>) -> Option<Part> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.with(other)),
        (one, other) => one.or(other),
    }
}
