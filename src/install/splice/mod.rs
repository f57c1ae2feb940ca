//! Settings put into a text without changing any other byte of it.

mod json;
mod template;
mod toml;

use std::path::Path;

use thiserror::Error;

/// The lines around what is put to the end of a file.
const BEGIN: &str = "# oomshim install: begin. `oomshim uninstall` takes these lines out again.";
const END: &str = "# oomshim install: end";

/// Why settings cannot be put into a text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SpliceError {
    /// It is not written in its language.
    #[error("it is malformed: {0}")]
    Malformed(String),
    /// Not without writing other parts of it anew, as where a table is an inline one.
    #[error("the settings do not fit into it without changing other parts of it; add them by hand")]
    DoesNotFit,
}

/// The text with the settings of `fragment` in it; the same text where it has them already. The file's name tells the
/// language: JSON, the template of a distribution, or else TOML.
///
/// # Errors
/// [`SpliceError`]
pub fn merge(path: &Path, text: &str, fragment: &[String]) -> Result<String, SpliceError> {
    let fragment = fragment.join("\n");
    if path.extension().is_some_and(|extension| extension == "json") {
        json::merge(text, &fragment)
    } else if template::is_template(path) {
        template::merge(path, text, &fragment)
    } else {
        toml::merge(text, &fragment)
    }
}

/// The line ending of a text.
fn newline(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// The white space at the beginning of the line that has `at` in it.
fn indentation(text: &str, at: usize) -> &str {
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let line = &text[start..at];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// The place behind the line that has `at` in it.
fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |end| at + end + 1)
}
