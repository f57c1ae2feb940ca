//! Which of the kernel's rules hold here: they differ between versions (`mm/oom_kill.c`).

use std::fmt;
use std::path::Path;

/// A kernel's version, as far as rules depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kernel {
    /// The 6 of 6.12.
    pub major: u32,
    /// The 12 of 6.12.
    pub minor: u32,
}

impl Kernel {
    /// The running kernel's; `None` when its release does not begin with two numbers.
    #[must_use]
    pub fn running(proc: &Path) -> Option<Kernel> {
        Kernel::parse(&std::fs::read_to_string(proc.join("sys/kernel/osrelease")).ok()?)
    }

    /// Reads a release such as `6.12.43+deb13-cloud-amd64`.
    #[must_use]
    pub fn parse(release: &str) -> Option<Kernel> {
        let mut numbers = release.trim().split(|letter: char| !letter.is_ascii_digit());
        Some(Kernel { major: numbers.next()?.parse().ok()?, minor: numbers.next()?.parse().ok()? })
    }

    fn since(self, major: u32, minor: u32) -> bool {
        self >= Kernel { major, minor }
    }

    /// Before 5.9 a badness of zero or less counted as 1, so that all strongly negative processes were alike
    /// (`9066e5cfb73c`).
    #[must_use]
    pub fn clamps_to_one(self) -> bool {
        !self.since(5, 9)
    }

    /// Before 5.3 the first of equals was kept; since then the last one wins (`f168a9a54ec3`).
    #[must_use]
    pub fn first_of_equals_wins(self) -> bool {
        !self.since(5, 3)
    }

    /// Before 5.1 the worst child with memory of its own was killed in place of the chosen process
    /// (`bbbe48029720`).
    #[must_use]
    pub fn sacrifices_a_child(self) -> bool {
        !self.since(5, 1)
    }

    /// Since 4.19 there is `memory.oom.group` (`3d8b38eb81ca`).
    #[must_use]
    pub fn kills_groups(self) -> bool {
        self.since(4, 19)
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_of_distributions_are_read() {
        let of = |text: &str| Kernel::parse(text).map(|kernel| (kernel.major, kernel.minor));
        assert_eq!(of("6.12.43+deb13-cloud-amd64\n"), Some((6, 12)));
        assert_eq!(of("4.18.0-553.el8_10.x86_64"), Some((4, 18)));
        assert_eq!(of("5.10-rc3"), Some((5, 10)));
        assert_eq!((of(""), of("six.1"), of("6")), (None, None, None));
    }

    #[test]
    fn rules_change_with_their_version() {
        let of = |text: &str| {
            let kernel = Kernel::parse(text).unwrap();
            [kernel.sacrifices_a_child(), kernel.first_of_equals_wins(), kernel.clamps_to_one(), kernel.kills_groups()]
        };
        assert_eq!(of("4.18"), [true, true, true, false]);
        assert_eq!(of("4.19"), [true, true, true, true]);
        assert_eq!(of("5.1"), [false, true, true, true]);
        assert_eq!(of("5.4"), [false, false, true, true]);
        assert_eq!(of("5.9"), [false, false, false, true]);
        assert_eq!(of("6.12"), [false, false, false, true]);
    }
}
