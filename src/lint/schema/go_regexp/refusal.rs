//! Why Go does not compile a pattern.

use std::fmt;

/// Why Go does not compile a pattern, in Go's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A class such as `[z-a]` or `\p{Nothing}`.
    CharRange,
    /// An escape that Go does not know.
    Escape,
    /// `(?P<` without a good name.
    NamedCapture,
    /// `(?=`, `(?!` and the like.
    PerlOp,
    /// `a**`, `a++`.
    RepeatOp,
    /// A repeat above 1000, alone or multiplied with those around it.
    RepeatSize,
    /// `[` without `]`.
    MissingBracket,
    /// `(` without `)`.
    MissingParen,
    /// `*` with nothing before it.
    MissingRepeatArgument,
    /// A backslash at the end.
    TrailingBackslash,
    /// `)` without `(`.
    UnexpectedParen,
    /// More than 1000 levels.
    NestingDepth,
    /// A program of more than 128 MiB.
    Large,
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Refusal::CharRange => "invalid character class range",
            Refusal::Escape => "invalid escape sequence",
            Refusal::NamedCapture => "invalid named capture",
            Refusal::PerlOp => "invalid or unsupported Perl syntax",
            Refusal::RepeatOp => "invalid nested repetition operator",
            Refusal::RepeatSize => "invalid repeat count",
            Refusal::MissingBracket => "missing closing ]",
            Refusal::MissingParen => "missing closing )",
            Refusal::MissingRepeatArgument => "missing argument to repetition operator",
            Refusal::TrailingBackslash => "trailing backslash at end of expression",
            Refusal::UnexpectedParen => "unexpected )",
            Refusal::NestingDepth => "expression nests too deeply",
            Refusal::Large => "expression too large",
        })
    }
}
