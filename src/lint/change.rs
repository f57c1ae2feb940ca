//! Changes of a file as splices, through the same lossless edit as the shim's.

use crate::json::Node;
use crate::spec::edit::{self, Edit, Splice};

/// The value becomes that text.
#[must_use]
pub(super) fn replace(node: Node<'_>, text: impl Into<String>) -> Splice {
    Splice { range: node.span(), text: text.into() }
}

/// The members come first in the object.
#[must_use]
pub(super) fn insert(object: Node<'_>, members: &[(&str, &str)]) -> Splice {
    edit::insert_first(object, members)
}

/// The member or the item goes, and one comma with it.
#[must_use]
pub(super) fn remove(node: Node<'_>) -> Splice {
    let text = node.tree().bytes();
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let (mut start, mut end) = (node.name_span().start, node.span().end);
    let skip = text[end..].iter().take_while(|byte| is_space(byte)).count();
    if text.get(end + skip) == Some(&b',') {
        end += skip + 1;
        end += text[end..].iter().take_while(|byte| is_space(byte)).count();
    } else {
        let skip = text[..start].iter().rev().take_while(|byte| is_space(byte)).count();
        if start > skip && text[start - skip - 1] == b',' {
            start -= skip + 1;
        }
    }
    Splice { range: start..end, text: String::new() }
}

/// What the shim would do to the spec.
#[must_use]
pub(super) fn edits(node: Node<'_>, edits: &[Edit]) -> Vec<Splice> {
    edit::splices(node.tree().root(), edits).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn without(text: &str, position: usize) -> String {
        let tree = json::parse(text.as_bytes()).unwrap();
        let splice = remove(tree.root().children().nth(position).unwrap());
        String::from_utf8(edit::splice(text.as_bytes(), vec![splice])).unwrap()
    }

    #[test]
    fn what_goes_takes_one_comma_along() {
        assert_eq!(without(r#"{"a":1,"b":2}"#, 0), r#"{"b":2}"#);
        assert_eq!(without(r#"{"a":1,"b":2}"#, 1), r#"{"a":1}"#);
        assert_eq!(without(r#"{ "a" : 1 }"#, 0), r"{  }");
        assert_eq!(without("{\n  \"a\": 1,\n  \"b\": 2\n}", 1), "{\n  \"a\": 1\n}");
        assert_eq!(without("{\n  \"a\": 1,\n  \"b\": 2\n}", 0), "{\n  \"b\": 2\n}");
        assert_eq!(without("[1, 2 , 3]", 1), "[1, 3]");
    }

    #[test]
    fn what_comes_is_written_like_the_rest() {
        let inserted = |text: &str| {
            let tree = json::parse(text.as_bytes()).unwrap();
            String::from_utf8(edit::splice(text.as_bytes(), vec![insert(tree.root(), &[("x", "5"), ("y", "6")])]))
                .unwrap()
        };
        assert_eq!(inserted("{}"), r#"{"x":5,"y":6}"#);
        assert_eq!(inserted("{\n\t\"a\": 1\n}"), "{\n\t\"x\": 5,\n\t\"y\": 6,\n\t\"a\": 1\n}");
    }
}
