//! TOML into a [`Tree`], so that rules ask the same questions of every file.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::tree_maker::TreeMaker;
use crate::json::Kind;
use crate::json::SyntaxError;
use crate::json::Tree;

/// Reads a text as TOML.
///
/// # Errors
/// [`SyntaxError`]
pub(super) fn parse(text: &str) -> Result<Tree<'_>, SyntaxError> {
    let document = DeTable::parse(text).map_err(|error| SyntaxError {
        at: error.span().map_or(0, |span| span.start).min(text.len()),
        message: error.message().trim_end().replace('\n', ", "),
    })?;
    let mut maker = TreeMaker::default();
    maker.open(Kind::Object, 0..text.len(), 0..0, None);
    maker.members(document.get_ref());
    maker.close(0);
    Ok(maker.tree(text))
}

impl TreeMaker {
    fn members(&mut self, table: &DeTable<'_>) {
        for (key, value) in table {
            self.value(value, key.span(), Some(key.get_ref()));
        }
    }

    // The depth of the recursion is what the toml crate lets through, 80.
    fn value(&mut self, value: &Spanned<DeValue<'_>>, key: Range<usize>, name: Option<&str>) {
        let kind = match value.get_ref() {
            DeValue::Table(_) => Kind::Object,
            DeValue::Array(_) => Kind::Array,
            DeValue::Boolean(_) => Kind::Bool,
            DeValue::Integer(_) | DeValue::Float(_) => Kind::Number,
            DeValue::String(_) | DeValue::Datetime(_) => Kind::String,
        };
        let index = self.open(kind, value.span(), key, name);
        let text = match value.get_ref() {
            DeValue::String(text) => Some(text.to_string()),
            DeValue::Integer(number) => {
                i128::from_str_radix(number.as_str(), number.radix()).ok().map(|n| n.to_string())
            }
            _ => None,
        };
        if let Some(text) = text {
            self.set_text(index, text);
        }
        match value.get_ref() {
            DeValue::Table(table) => self.members(table),
            DeValue::Array(items) => items.iter().for_each(|item| self.value(item, 0..0, None)),
            _ => {}
        }
        self.close(index);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Node;

    #[test]
    fn tables_read_like_objects() {
        let text = "root = \"/x\"\n[worker.oci]\nenabled = true\nmax = 0x10\n[[rule]]\nclass = 'a'\n";
        let tree = parse(text).unwrap();
        let root = tree.root();
        assert_eq!(root.field("root").and_then(Node::text).as_deref(), Some("/x"));
        let worker = root.at(&["worker", "oci"]).unwrap();
        assert_eq!(worker.field("enabled").and_then(Node::boolean), Some(true));
        assert_eq!(worker.field("max").and_then(Node::integer), Some(16));
        let class = root.field("rule").unwrap().items().next().unwrap().field("class").unwrap();
        assert_eq!((&*class.raw(), &text[class.key_span().unwrap()]), ("'a'", "class"));
        assert_eq!(tree.pointer(class.span().start), "/rule/0/class");
    }

    #[test]
    fn what_is_not_toml_has_a_place() {
        assert_eq!(parse("a = 1\nb = \n").unwrap_err().at, 10);
    }
}
