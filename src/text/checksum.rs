//! A checksum that never changes (FNV-1a, 64 bits): for ids that outlive a release, and to tell names apart. It keeps
//! out nobody who wants a collision; std's hashers may give other values with the next release of Rust.

/// The checksum of those bytes.
#[must_use]
pub fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, &byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_the_standard() {
        assert_eq!((checksum(b""), checksum(b"a")), (0xcbf2_9ce4_8422_2325, 0xaf63_dc4c_8601_ec8c));
    }
}
