//! Plain scalars of YAML.

use crate::json::Kind;

/// What a plain scalar is by the core schema, and the text or the whole number that it stands for.
pub(super) fn plain(text: &str) -> (Kind, Option<String>) {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return (Kind::Null, None),
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => return (Kind::Bool, None),
        _ => {}
    }
    let (sign, digits) = match text.as_bytes()[0] {
        b'-' => ("-", &text[1..]),
        b'+' => ("", &text[1..]),
        _ => ("", text),
    };
    let radix = |prefix: &str, radix: u32| {
        let digits =
            digits.strip_prefix(prefix).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_alphanumeric()))?;
        i128::from_str_radix(digits, radix).ok()
    };
    let is_whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let whole = if is_whole { digits.parse().ok() } else { radix("0x", 16).or_else(|| radix("0o", 8)) };
    if let Some(whole) = whole {
        return (Kind::Number, Some(format!("{sign}{whole}")));
    }
    let is_number = digits.bytes().any(|byte| byte.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'))
        && text.parse::<f64>().is_ok();
    if is_number { (Kind::Number, None) } else { (Kind::String, Some(text.to_owned())) }
}
