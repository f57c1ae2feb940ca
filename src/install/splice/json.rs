//! JSON: a value is replaced where it stands, and a member is added behind the last one of its object.

use serde_json::Value;

use super::{SpliceError, indentation, newline};
use crate::json;

pub(super) fn merge(text: &str, fragment: &str) -> Result<String, SpliceError> {
    let malformed = |error: serde_json::Error| SpliceError::Malformed(error.to_string());
    let more: Value = serde_json::from_str(fragment).map_err(malformed)?;
    // Engines take an empty file for an empty object. What is white space to JSON is less than what is to Unicode.
    if text.trim_matches([' ', '\t', '\r', '\n']).is_empty() {
        let shown = serde_json::to_string_pretty(&more).map_err(malformed)?;
        return Ok(format!("{text}{shown}\n"));
    }
    let body = text.trim_start_matches('\u{feff}');
    let before: Value = serde_json::from_str(body).map_err(malformed)?;
    let mut wanted = before.clone();
    merge_values(&mut wanted, &more);
    let result = add(body, &mut Vec::new(), &more)?;
    let after: Value = serde_json::from_str(&result).map_err(malformed)?;
    if after != wanted {
        return Err(SpliceError::DoesNotFit);
    }
    Ok(format!("{}{result}", &text[..text.len() - body.len()]))
}

fn merge_values(value: &mut Value, more: &Value) {
    match (value.as_object_mut(), more) {
        (Some(old), Value::Object(new)) => {
            for (key, value) in new {
                merge_values(old.entry(key).or_insert(Value::Null), value);
            }
        }
        _ => *value = more.clone(),
    }
}

/// The text with the members of `more` in the object at that path.
fn add(text: &str, path: &mut Vec<String>, more: &Value) -> Result<String, SpliceError> {
    let mut text = text.to_owned();
    for (key, value) in more.as_object().into_iter().flatten() {
        let tree = json::parse(text.as_bytes()).map_err(|error| SpliceError::Malformed(error.message))?;
        let mut node = tree.root();
        for key in path.iter() {
            node = node.entry_of(key).ok_or(SpliceError::DoesNotFit)?;
        }
        if !node.is_object() {
            return Err(SpliceError::DoesNotFit);
        }
        let found = node.entry_of(key);
        text = match found {
            Some(member) if member.is_object() && value.is_object() => {
                path.push(key.clone());
                let added = add(&text, path, value)?;
                path.pop();
                added
            }
            Some(member) => spliced(&text, member.span(), &value.to_string()),
            None => add_member(&text, node, key, value),
        };
    }
    Ok(text)
}

/// The text with a member behind the last one of an object, on a line of its own where that is.
fn add_member(text: &str, object: json::Node<'_>, key: &str, value: &Value) -> String {
    let name = Value::from(key);
    let Some(last) = object.children().last() else {
        let inside = object.span().start + 1;
        return spliced(text, inside..inside, &format!("{name}: {value}"));
    };
    let (start, end) = (last.key_span().map_or(last.span().start, |span| span.start), last.span().end);
    let has_line = text[..start].trim_end_matches([' ', '\t']).ends_with('\n');
    let gap = if has_line { format!("{}{}", newline(text), indentation(text, start)) } else { " ".to_owned() };
    spliced(text, end..end, &format!(",{gap}{name}: {value}"))
}

fn spliced(text: &str, span: std::ops::Range<usize>, new: &str) -> String {
    let mut text = text.to_owned();
    text.replace_range(span, new);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAGMENT: &str = r#"{"runtimes":{"oomshim":{"path":"/s"}},"default-runtime":"oomshim"}"#;

    #[test]
    fn each_place_keeps_every_other_byte() {
        for (text, expected) in [
            ("{}", r#"{"default-runtime": "oomshim", "runtimes": {"oomshim":{"path":"/s"}}}"#),
            (
                "{\r\n\t\"debug\": true\r\n}",
                "{\r\n\t\"debug\": true,\r\n\t\"default-runtime\": \"oomshim\",\r\n\t\"runtimes\": {\"oomshim\":{\"path\":\"/s\"}}\r\n}",
            ),
            (
                r#"{ "runtimes": { "a": {"path":"/a"} }, "default-runtime": "a", "n": 1.50 }"#,
                r#"{ "runtimes": { "a": {"path":"/a"}, "oomshim": {"path":"/s"} }, "default-runtime": "oomshim", "n": 1.50 }"#,
            ),
            (FRAGMENT, FRAGMENT),
        ] {
            assert_eq!(merge(text, FRAGMENT).as_deref(), Ok(expected), "{text}");
        }
        for empty in ["", " \r\n\t"] {
            assert!(merge(empty, FRAGMENT).unwrap().starts_with(&format!("{empty}{{\n  \"default-runtime\"")));
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(merge("[]", FRAGMENT), Err(SpliceError::DoesNotFit));
        // A form feed is no white space to JSON.
        for malformed in ["{", "\u{c}"] {
            assert!(matches!(merge(malformed, FRAGMENT), Err(SpliceError::Malformed(_))), "{malformed:?}");
        }
    }
}
