//! JSON as its readers read it, each value with its place: one loop, no recursion, nothing copied.
//!
//! It takes what Go's `encoding/json` takes, which is JSON of any depth where strings may hold bytes that are not UTF-8.
//! `scan` knows the tokens, `parser` how they nest, [`tree`] what can be asked, `text` what a string stands for.

mod parser;
mod scan;
#[cfg(test)]
mod tests;
mod text;
pub mod tree;

use thiserror::Error;

pub use parser::{parse, parse_outline};
pub use text::folds_to;
pub use tree::{Node, Tree};

/// The six shapes of a JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `{…}`
    Object,
    /// `[…]`
    Array,
    /// `"…"`
    String,
    /// Digits, with a sign, a fraction or an exponent.
    Number,
    /// `true` or `false`
    Bool,
    /// `null`
    Null,
}

/// Why a text is not JSON, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// The first byte that cannot stand where it stands, counted from 0.
    pub at: usize,
    /// What is wrong there.
    pub message: String,
}

/// What is read of a document: the whole of it is checked, but only this much gets into the tree.
///
/// A spec may have millions of values that nobody asks for, and the shim runs when memory is short.
#[derive(Debug, Clone, Copy)]
pub struct Outline<'f> {
    /// The keys of the objects and arrays whose members are read, in any spelling that Go takes for them. The document's
    /// own value is always read.
    pub fields: &'f [&'f str],
    /// How many items of an array are read.
    pub items: usize,
}
