//! Flow collections as libyaml reads them: YAML 1.2 wants each of their lines indented deeper than what they are in,
//! and saphyr holds to that; Go's readers, which docker compose and kubectl have, do not.

/// The text with each flow collection over several lines on one line, in as many characters; `None` where there is
/// none.
pub(super) fn joined(text: &str) -> Option<String> {
    let mut out = String::new();
    let (mut at, mut copied) = (0, 0);
    while at < text.len() {
        let (start, end) = (at, line_end(text.as_bytes(), at) + 1);
        let line = text[start..end.min(text.len())].trim_end();
        at = end;
        if line.ends_with(['[', '{'])
            && let Some(close) = close(text, start + line.len() - 1, indentation(line))
        {
            let open = start + line.len() - 1;
            out.push_str(&text[copied..open]);
            join(&text[open..close], &mut out);
            copied = close;
            at = line_end(text.as_bytes(), close) + 1;
        }
    }
    out.push_str(&text[copied..]);
    (copied > 0).then_some(out)
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Where the bracket at that byte is closed; `None` where a line before is indented less than the bracket's own, so
/// that the bracket is a letter of a text.
fn close(text: &str, open: usize, least: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0, open);
    while at < bytes.len() {
        match bytes[at] {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            quote @ (b'"' | b'\'') if !bytes[at - 1].is_ascii_alphanumeric() => at = string_end(bytes, at, quote)?,
            b'#' if bytes[at - 1].is_ascii_whitespace() => at = line_end(bytes, at) - 1,
            b'\n' => {
                let line = &text[at + 1..line_end(bytes, at + 1)];
                if !line.trim().is_empty() && indentation(line) < least {
                    return None;
                }
            }
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// The quote that ends the string at that byte.
fn string_end(bytes: &[u8], from: usize, quote: u8) -> Option<usize> {
    let mut at = from + 1;
    while *bytes.get(at)? != quote {
        at += if bytes[at] == b'\\' && quote == b'"' { 2 } else { 1 };
    }
    Some(at)
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at.min(bytes.len())..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| at + end)
}

/// Adds a collection with spaces for the ends of lines and for comments, one for each character.
fn join(collection: &str, out: &mut String) {
    let bytes = collection.as_bytes();
    let (mut quoted, mut comment) = (0, false);
    for (at, letter) in collection.char_indices() {
        match letter {
            '\n' => comment = false,
            '"' | '\'' if at > quoted && !comment && !bytes[at - 1].is_ascii_alphanumeric() => {
                quoted = string_end(bytes, at, bytes[at]).unwrap_or(bytes.len());
            }
            '#' if at > quoted && bytes[at - 1].is_ascii_whitespace() => comment = true,
            _ => {}
        }
        out.push(if comment || matches!(letter, '\n' | '\r' | '\t') { ' ' } else { letter });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collections_are_joined_and_texts_are_not() {
        let text = "a:\n  b: [\n    1, # é one\n    \"x ] é\"\n  ]\n  c: 2\n";
        let joined = joined(text).unwrap();
        assert_eq!(joined.chars().count(), text.chars().count());
        assert!(joined.starts_with("a:\n  b: [     1,") && joined.ends_with("\"x ] é\"   ]\n  c: 2\n"), "{joined}");
        for other in ["a: [1]\n", "a: |\n  if [\n  x\nb: ]\n", "a: [\n  1\n", "", "[", "a: {\n\"\n"] {
            assert_eq!(super::joined(other), None, "{other}");
        }
    }
}
