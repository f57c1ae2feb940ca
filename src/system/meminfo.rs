//! `/proc/meminfo`: the machine's memory, read once and in one place.

use std::path::Path;

/// The fields that are asked for, in bytes (`proc_meminfo(5)`); `None` for one that the kernel does not write.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Meminfo {
    /// `MemTotal`: RAM.
    pub total: Option<u64>,
    /// `MemAvailable`: what can be had without swapping, as the kernel estimates it.
    pub available: Option<u64>,
    /// `SwapTotal`: swap, free or not.
    pub swap_total: Option<u64>,
    /// `SwapFree`.
    pub swap_free: Option<u64>,
    /// `Shmem`: tmpfs and shared memory, mapped or not.
    pub shared: Option<u64>,
}

impl Meminfo {
    /// Reads the file below `proc`; all fields are `None` where it cannot be read.
    #[must_use]
    pub fn read(proc: &Path) -> Meminfo {
        std::fs::read(proc.join("meminfo")).map(|text| Meminfo::parse(&text)).unwrap_or_default()
    }

    /// What the file's text says. Without allocation, so that the guard can ask while memory is gone.
    #[must_use]
    pub fn parse(text: &[u8]) -> Meminfo {
        let mut found = Meminfo::default();
        for line in text.split(|&byte| byte == b'\n') {
            let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
            let field = match &line[..colon] {
                b"MemTotal" => &mut found.total,
                b"MemAvailable" => &mut found.available,
                b"SwapTotal" => &mut found.swap_total,
                b"SwapFree" => &mut found.swap_free,
                b"Shmem" => &mut found.shared,
                _ => continue,
            };
            *field = bytes(&line[colon + 1..]);
        }
        found
    }
}

/// `     24576 kB` in bytes.
fn bytes(value: &[u8]) -> Option<u64> {
    let kib = std::str::from_utf8(value).ok()?.trim().strip_suffix("kB")?.trim_end();
    kib.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_bytes() {
        let text = b"MemTotal:       24576 kB\nMemFree: 1 kB\nMemAvailable: 12 kB\nSwapTotal: x kB\nShmem: 3\n";
        let expected = Meminfo { total: Some(24_576 * 1024), available: Some(12 * 1024), ..Meminfo::default() };
        assert_eq!(Meminfo::parse(text), expected);
    }

    #[test]
    fn no_file_has_no_fields() {
        assert_eq!(Meminfo::read(Path::new("/absent")), Meminfo::default());
    }

    #[test]
    fn this_machine_has_memory() {
        let found = Meminfo::read(Path::new("/proc"));
        assert!(found.total > found.available && found.available > Some(0), "{found:?}");
    }
}
