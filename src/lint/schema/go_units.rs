//! Sizes as Docker's tools read them: `RAMInBytes` of docker/go-units, in which every unit is a power of 1024.

/// The bytes of a size such as `512m`, `1.5GiB` or `64`; `None` for what is refused.
#[must_use]
pub fn ram_in_bytes(text: &str) -> Option<u64> {
    let end = text.rfind(|letter: char| letter.is_ascii_digit() || letter == '.' || letter == ' ')?;
    let (number, suffix) = (&text[..=end], &text[end + 1..]);
    // One space may stand between them.
    let number: f64 = number.strip_suffix(' ').unwrap_or(number).parse().ok()?;
    let lower = suffix.to_ascii_lowercase();
    let power = match lower.as_bytes() {
        [] | [b'b'] => 0,
        [unit] | [unit, b'b'] | [unit, b'i', b'b'] => 1 + "kmgtp".find(char::from(*unit))?,
        _ => return None,
    };
    let power = i32::try_from(power).ok()?;
    let bytes = number * 1024_f64.powi(power);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in the range of i64")]
    let whole = (0.0..9.2e18).contains(&bytes).then_some(bytes as u64);
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_go_units_does() {
        let cases = [
            ("32", Some(32)),
            ("32b", Some(32)),
            ("32B", Some(32)),
            ("32k", Some(32 << 10)),
            ("32KB", Some(32 << 10)),
            ("32kib", Some(32 << 10)),
            ("1.5g", Some(3 << 29)),
            ("64 m", Some(64 << 20)),
            ("1p", Some(1 << 50)),
            ("", None),
            ("m", None),
            ("-1", None),
            ("1e", None),
            ("32kk", None),
            ("32mbs", None),
            ("32bb", None),
            ("half", None),
        ];
        for (text, expected) in cases {
            assert_eq!(ram_in_bytes(text), expected, "{text}");
        }
    }
}
