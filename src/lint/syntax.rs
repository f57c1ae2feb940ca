//! The ways in which files are written, and their readers. All of them make a [`Tree`].

use std::path::Path;

use super::kind::FileKind;
use super::{toml, unit, yaml};
use crate::json;
use crate::json::SyntaxError;
use crate::json::Tree;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// RFC 8259
    Json,
    /// TOML 1.0
    Toml,
    /// YAML 1.2, one document or several
    Yaml,
    /// A unit file, systemd.syntax(7)
    Unit,
    /// Text that only becomes one of the others, a template say; its tree is one `null`, and rules read the text.
    Text,
}

impl Syntax {
    /// How the names of such files end.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Syntax::Json => "json",
            Syntax::Toml => "toml",
            Syntax::Yaml => "yaml",
            Syntax::Unit => "service",
            Syntax::Text => "tmpl",
        }
    }

    /// What people call it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Syntax::Json => "JSON",
            Syntax::Toml => "TOML",
            Syntax::Yaml => "YAML",
            Syntax::Unit => "a unit file",
            Syntax::Text => "text",
        }
    }

    /// What a comment begins with.
    #[must_use]
    pub fn comments(self) -> &'static [u8] {
        match self {
            Syntax::Json => b"",
            Syntax::Toml | Syntax::Yaml | Syntax::Text => b"#",
            Syntax::Unit => b"#;",
        }
    }

    /// Reads a text.
    ///
    /// # Errors
    /// [`SyntaxError`]
    pub fn parse(self, text: &str) -> Result<Tree<'_>, SyntaxError> {
        match self {
            Syntax::Json => json::parse(text.as_bytes()),
            Syntax::Toml => toml::parse(text),
            Syntax::Yaml => yaml::parse(text),
            Syntax::Unit => unit::parse(text),
            Syntax::Text => Ok(Tree::empty(text.as_bytes())),
        }
    }
}

/// How a file of that name is written: as its name's ending says, else as the kinds whose names it may have, and where
/// that leaves a choice, as it begins.
pub(super) fn of(text: &str, name: &Path) -> Syntax {
    match name.extension().and_then(|extension| extension.to_str()) {
        Some("json") => return Syntax::Json,
        Some("toml") => return Syntax::Toml,
        Some("yaml" | "yml") => return Syntax::Yaml,
        _ => {}
    }
    let mut possible = FileKind::ALL.iter().filter(|(kind, _)| kind.may_be_called(name)).map(|(kind, _)| kind.syntax());
    let first = possible.next();
    match first {
        Some(first) if possible.all(|other| other == first) => first,
        _ => sniff(text),
    }
}

fn sniff(text: &str) -> Syntax {
    let text = text.trim_start_matches('\u{feff}');
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', ';']));
    let Some(first) = lines.next() else { return Syntax::Json };
    let section = first.strip_prefix('[').and_then(|line| line.strip_suffix(']'));
    match first.as_bytes().first() {
        Some(b'{' | b'"') => Syntax::Json,
        _ if section.is_some_and(|section| unit::SECTIONS.contains(&section)) => Syntax::Unit,
        _ if first.starts_with("---") || first.ends_with(':') || first.contains(": ") => Syntax::Yaml,
        _ => Syntax::Toml,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_tells_where_the_name_does_not() {
        let cases = [
            ("{}", Syntax::Json),
            ("", Syntax::Json),
            ("\u{feff}{\"a\":1}", Syntax::Json),
            ("# x\n[worker.oci]\n", Syntax::Toml),
            ("a = 1", Syntax::Toml),
            ("; x\n[Service]\nOOMScoreAdjust=5\n", Syntax::Unit),
            ("services:\n  a: {}\n", Syntax::Yaml),
            ("# x\n---\na: b\n", Syntax::Yaml),
        ];
        for (text, expected) in cases {
            assert_eq!(of(text, Path::new("<stdin>")), expected, "{text}");
        }
        assert_eq!(of("{}", Path::new("x.yml")), Syntax::Yaml);
        assert_eq!(of("{}", Path::new("x.toml")), Syntax::Toml);
    }
}
