//! Quantities as Kubernetes reads them: `resource.ParseQuantity` of k8s.io/apimachinery.

/// The number that a quantity such as `512Mi`, `1e3` or `100m` stands for; `None` for what is refused.
#[must_use]
pub fn quantity(text: &str) -> Option<f64> {
    let is_number = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    let sign = usize::from(text.starts_with(['+', '-']));
    let end = sign + text[sign..].bytes().position(|byte| !is_number(byte)).unwrap_or(text.len() - sign);
    let (number, suffix) = (&text[..end], &text[end..]);
    if !number.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: f64 = number.parse().ok()?;
    let exponent = || suffix.strip_prefix(['e', 'E']).filter(|digits| !digits.is_empty())?.parse::<i32>().ok();
    let binary = |letter| "KMGTPE".find(letter).and_then(|power| i32::try_from(power).ok());
    let scale = match suffix.as_bytes() {
        [] => 1.0,
        [b'n'] => 1e-9,
        [b'u'] => 1e-6,
        [b'm'] => 1e-3,
        [b'k'] => 1e3,
        [b'M'] => 1e6,
        [b'G'] => 1e9,
        [b'T'] => 1e12,
        [b'P'] => 1e15,
        [b'E'] => 1e18,
        [unit, b'i'] => 1024_f64.powi(1 + binary(char::from(*unit))?),
        _ => 10_f64.powi(exponent()?),
    };
    Some(number * scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_as_kubernetes_does() {
        let cases = [
            ("128974848", Some(128_974_848.0)),
            ("129e6", Some(129e6)),
            ("129M", Some(129e6)),
            ("123Mi", Some(128_974_848.0)),
            ("1.5Gi", Some(1_610_612_736.0)),
            ("1E", Some(1e18)),
            ("1E3", Some(1e3)),
            ("500m", Some(0.5)),
            (".5", Some(0.5)),
            ("-1", Some(-1.0)),
            ("", None),
            ("512MB", None),
            ("512mb", None),
            ("1g", None),
            ("1K", None),
            ("1 Gi", None),
            ("Gi", None),
            ("1gi", None),
            ("é", None),
        ];
        for (text, expected) in cases {
            assert_eq!(quantity(text), expected, "{text}");
        }
    }
}
