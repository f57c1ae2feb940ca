//! Sizes for people: short, never rounded up.

/// A size in a unit that keeps it short: `0`, `512K`, `1.5G`.
///
/// ```
/// assert_eq!(oomshim::text::size::size(3 << 29), "1.5G");
/// ```
#[must_use]
pub fn size(bytes: u64) -> String {
    let units = [(40, 'T'), (30, 'G'), (20, 'M'), (10, 'K')];
    let Some((shift, unit)) = units.into_iter().find(|(shift, _)| bytes >> shift > 0) else {
        return bytes.to_string();
    };
    let tenths = (u128::from(bytes) * 10) >> shift;
    if tenths >= 100 { format!("{}{unit}", tenths / 10) } else { format!("{}.{}{unit}", tenths / 10, tenths % 10) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_never_rounded_up() {
        let cases = [
            (0, "0"),
            (1023, "1023"),
            (1024, "1.0K"),
            (10 << 10, "10K"),
            ((1 << 20) - 1, "1023K"),
            (3 << 29, "1.5G"),
            (u64::MAX, "16777215T"),
        ];
        for (bytes, text) in cases {
            assert_eq!(size(bytes), text);
        }
    }
}
