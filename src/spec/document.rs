//! A spec's bytes as the values that rules and edits ask for.

use thiserror::Error;

use crate::json::{self, Node, Outline, Tree};

const OUTLINE: Outline<'static> = Outline { fields: super::field::READ, items: super::workload::ARGS };

/// Why bytes are not a JSON document that can be edited.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line} column {column}: {message}")]
pub struct DocumentError {
    /// The line, from 1.
    pub line: usize,
    /// The column in bytes, from 1.
    pub column: usize,
    /// What is wrong there.
    pub message: String,
}

/// A spec: one JSON value, and whatever stands behind it (Go's decoder, and so runc, reads the first value only).
#[derive(Debug)]
pub struct Document<'a> {
    tree: Tree<'a>,
}

impl<'a> Document<'a> {
    /// Checks that the bytes begin with one well-formed JSON value, whatever its depth.
    ///
    /// # Errors
    /// [`DocumentError`] with the place.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DocumentError> {
        let tree = json::parse_outline(bytes, &OUTLINE).map_err(|error| {
            let before = &bytes[..error.at.min(bytes.len())];
            let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
            DocumentError {
                line: before.split(|&byte| byte == b'\n').count(),
                column: 1 + before.len() - line_start,
                message: error.message,
            }
        })?;
        Ok(Document { tree })
    }

    /// The document as it was given, with what stands behind its value.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.tree.bytes()
    }

    /// The document's value.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        self.tree.root()
    }

    /// Every value that some runtime may take for the one at that path ([`Node::find`]).
    #[must_use]
    pub fn find(&self, path: &[&str]) -> Vec<Node<'_>> {
        self.root().find(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_line_and_column() {
        let error = Document::parse(b"{\n  \"a\": trux\n}").unwrap_err();
        assert_eq!(error.to_string(), "line 2 column 8: expected `true`, but there is `t`");
        for text in ["", "{", "{\"a\":1", "nul", "{\"a\" 1}", "\u{feff}{}"] {
            assert!(Document::parse(text.as_bytes()).is_err(), "{text:?}");
        }
    }
}
