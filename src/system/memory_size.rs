//! Amounts of memory as the kernel reads them: the one grammar for specs, policies and the linter.

/// A limit of the memory controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// That many bytes.
    Bytes(u64),
    /// None: `max`.
    Unlimited,
}

impl Limit {
    /// What the kernel makes of a text that is written to `memory.max` and its like (`page_counter_memparse` in
    /// `mm/page_counter.c`, behind `strstrip`); `None` for what it refuses, and for what [`bytes`] does not take.
    #[must_use]
    pub fn parse(text: &str) -> Option<Limit> {
        match text.trim_matches(is_space) {
            "max" => Some(Limit::Unlimited),
            size => bytes(size).map(Limit::Bytes),
        }
    }
}

/// C's `isspace`.
fn is_space(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

/// The bytes of a size as the kernel reads it (`memparse` in `lib/cmdline.c`): a number as in C, so hexadecimal behind
/// `0x` and octal behind `0`, and at the end a letter that stands for a power of 1024.
///
/// The kernel also takes the letter alone for 0 bytes, and drops the upper bits of what is too large for 64; nobody
/// means that, so both are no size here.
#[must_use]
pub fn bytes(text: &str) -> Option<u64> {
    let power = match text.bytes().last()?.to_ascii_lowercase() {
        b'k' => 1,
        b'm' => 2,
        b'g' => 3,
        b't' => 4,
        b'p' => 5,
        // In `0x1E` it is a digit.
        b'e' if !is_hexadecimal(text) => 6,
        _ => 0,
    };
    let digits = if power > 0 { &text[..text.len() - 1] } else { text };
    let (digits, radix) = match digits {
        _ if is_hexadecimal(digits) => (&digits[2..], 16),
        _ if digits.len() > 1 && digits.starts_with('0') => (&digits[1..], 8),
        _ => (digits, 10),
    };
    // Rust would take a sign.
    let number =
        digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u64::from_str_radix(digits, radix).ok())?;
    number?.checked_mul(1 << (10 * power))
}

fn is_hexadecimal(text: &str) -> bool {
    text.starts_with("0x") || text.starts_with("0X")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_may_be_max() {
        assert_eq!(Limit::parse(" max\n"), Some(Limit::Unlimited));
        assert_eq!(Limit::parse("1G\n"), Some(Limit::Bytes(1 << 30)));
        assert_eq!((Limit::parse("MAX"), Limit::parse("1 G")), (None, None));
        assert!(Limit::Bytes(u64::MAX) < Limit::Unlimited);
    }

    #[test]
    fn sizes_are_read_as_the_kernel_reads_them() {
        let cases = [
            ("0", Some(0)),
            ("4096", Some(4096)),
            ("1k", Some(1024)),
            ("2G", Some(2 << 30)),
            ("1T", Some(1 << 40)),
            ("1P", Some(1 << 50)),
            ("1e", Some(1 << 60)),
            ("0x20000000", Some(1 << 29)),
            ("0X1fK", Some(31 << 10)),
            ("0x1E", Some(30)),
            ("010", Some(8)),
            ("00", Some(0)),
            ("0k", Some(0)),
            ("08", None),
            ("0x", None),
            ("0xG", None),
            ("ff", None),
            ("+1", None),
            ("0x+1", None),
            ("1KK", None),
            ("1é", None),
            ("20E", None),
            ("", None),
            ("G", None),
            ("1GB", None),
            ("1.5G", None),
            ("-1", None),
            ("99999999999999T", None),
        ];
        for (text, expected) in cases {
            assert_eq!(bytes(text), expected, "{text}");
        }
    }
}
