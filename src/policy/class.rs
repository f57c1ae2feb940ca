//! A class: what a workload of one kind gets.

use std::fmt;

use super::guard::ClassGuard;
use crate::spec::edit::MemoryFile;
use crate::system::oom_score_adj::OomScoreAdj;

/// What a workload of one kind gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// Its name in the policy.
    pub name: String,
    /// Its score.
    pub score: OomScoreAdj,
    /// How the score meets the one that the engine asked for.
    pub adjust: Adjust,
    /// Whether the cgroup dies whole (`memory.oom.group`).
    pub oom_group: bool,
    /// `memory.max`
    pub memory_max: Option<Size>,
    /// `memory.high`
    pub memory_high: Option<Size>,
    /// `memory.swap.max`
    pub swap_max: Option<Size>,
    /// What the guard does with its jobs.
    pub guard: ClassGuard,
}

/// How a class's score meets the one that the engine asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adjust {
    /// The higher of the two.
    Raise,
    /// The class's, whatever the engine asked for.
    Set,
    /// The class's only where the engine asked for none.
    Fill,
}

impl Adjust {
    /// The word for it in the policy file.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Adjust::Raise => "raise",
            Adjust::Set => "set",
            Adjust::Fill => "fill",
        }
    }
}

/// An amount of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Bytes.
    Bytes(u64),
    /// Percent of the machine's RAM, 1..=100.
    Percent(u8),
}

impl Size {
    /// The amount in bytes on a machine with that much RAM; `None` for a percentage where the RAM is not known.
    #[must_use]
    pub fn bytes(self, memory: Option<u64>) -> Option<u64> {
        match self {
            Size::Bytes(bytes) => Some(bytes),
            Size::Percent(percent) => Some(memory? / 100 * u64::from(percent)),
        }
    }
}

impl fmt::Display for Size {
    /// As the policy file has it, in the largest unit that divides the amount.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Size::Percent(percent) => write!(out, "{percent}%"),
            Size::Bytes(bytes) => {
                let units = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
                let fits = |&(_, shift): &(&str, u32)| *bytes != 0 && bytes.trailing_zeros() >= shift;
                match units.into_iter().find(fits) {
                    Some((unit, shift)) => write!(out, "{}{unit}", bytes >> shift),
                    None => write!(out, "{bytes}"),
                }
            }
        }
    }
}

impl Class {
    /// The score for a workload whose engine asked for `asked`.
    #[must_use]
    pub fn score_for(&self, asked: Option<OomScoreAdj>) -> OomScoreAdj {
        match (self.adjust, asked) {
            (Adjust::Raise, Some(asked)) => self.score.max(asked),
            (Adjust::Fill, Some(asked)) => asked,
            (Adjust::Set, _) | (_, None) => self.score,
        }
    }

    /// The class's limits with the files they go to.
    pub fn limits(&self) -> impl Iterator<Item = (MemoryFile, Size)> {
        let limits = [
            (MemoryFile::Max, self.memory_max),
            (MemoryFile::High, self.memory_high),
            (MemoryFile::SwapMax, self.swap_max),
        ];
        limits.into_iter().filter_map(|(file, size)| Some((file, size?)))
    }

    /// What a workload of this class gets that volunteered for `other`: never less strict than this class in anything.
    #[must_use]
    pub fn tightened_by(&self, other: &Class) -> Class {
        Class {
            name: other.name.clone(),
            score: self.score.max(other.score),
            // A workload must not set aside what its engine asked for.
            adjust: if self.adjust == Adjust::Set { Adjust::Set } else { Adjust::Raise },
            oom_group: self.oom_group || other.oom_group,
            memory_max: self.memory_max.or(other.memory_max),
            memory_high: self.memory_high.or(other.memory_high),
            swap_max: self.swap_max.or(other.swap_max),
            guard: self.guard.tightened_by(other.guard),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(number: i64) -> OomScoreAdj {
        OomScoreAdj::new(number).unwrap()
    }

    fn class(number: i64, adjust: Adjust) -> Class {
        Class {
            name: "c".into(),
            score: score(number),
            adjust,
            oom_group: true,
            memory_max: Some(Size::Bytes(1 << 33)),
            memory_high: None,
            swap_max: None,
            guard: ClassGuard::default(),
        }
    }

    #[test]
    fn the_score_meets_what_was_asked() {
        let cases = [
            (Adjust::Raise, None, 500),
            (Adjust::Raise, Some(-1000), 500),
            (Adjust::Raise, Some(900), 900),
            (Adjust::Set, None, 500),
            (Adjust::Set, Some(900), 500),
            (Adjust::Fill, None, 500),
            (Adjust::Fill, Some(0), 0),
        ];
        for (adjust, asked, expected) in cases {
            assert_eq!(class(500, adjust).score_for(asked.map(score)), score(expected), "{adjust:?} {asked:?}");
        }
    }

    #[test]
    fn a_volunteer_loses_no_limit() {
        let mut weaker = class(700, Adjust::Set);
        (weaker.oom_group, weaker.memory_max, weaker.swap_max) = (false, None, Some(Size::Bytes(0)));
        let got = class(500, Adjust::Raise).tightened_by(&weaker);
        assert_eq!((got.score, got.adjust, got.oom_group), (score(700), Adjust::Raise, true));
        assert_eq!((got.memory_max, got.swap_max), (Some(Size::Bytes(1 << 33)), Some(Size::Bytes(0))));
    }

    #[test]
    fn sizes_are_shown_as_they_are_written() {
        let shown = |size: Size| size.to_string();
        assert_eq!(shown(Size::Bytes(8 << 30)), "8GiB");
        assert_eq!(shown(Size::Bytes(1536 << 20)), "1536MiB");
        assert_eq!(
            (shown(Size::Bytes(0)), shown(Size::Bytes(1001)), shown(Size::Percent(40))),
            ("0".into(), "1001".into(), "40%".into())
        );
        assert_eq!(Size::Percent(40).bytes(Some(1000)), Some(400));
        assert_eq!(Size::Percent(40).bytes(None), None);
    }
}
