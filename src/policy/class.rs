//! A class: what a workload of one kind gets.

use std::fmt;

use super::guard::ClassGuard;
use crate::system::memory_file::MemoryFile;
use crate::system::memory_size;
use crate::system::oom_score_adj::OomScoreAdj;

/// What a workload of one kind gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// Its name in the policy.
    pub name: String,
    /// Its `oom_score_adj`.
    pub oom_score_adj: OomScoreAdj,
    /// How that meets the one that the engine asked for.
    pub adjust: Adjust,
    /// How far above the engine's own it is at the least.
    pub above_engine: Option<u16>,
    /// Whether the cgroup is killed as a group.
    pub oom_group: OomGroup,
    /// `memory.max`
    pub memory_max: Option<Size>,
    /// `memory.high`
    pub memory_high: Option<Size>,
    /// `memory.swap.max`
    pub swap_max: Option<Size>,
    /// What the guard does with its jobs.
    pub guard: ClassGuard,
}

/// What becomes of `memory.oom.group`, ordered from the least strict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OomGroup {
    /// 0, also where the engine asked for 1: what is in the cgroup is killed one by one.
    Clear,
    /// What the engine asked for.
    Leave,
    /// 1: the cgroup is killed as a group.
    Set,
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
    /// The amount that a text names: what the kernel reads as a size, where `GiB` may stand for `G`, or a percentage.
    ///
    /// Octal and hexadecimal numbers are none: in a policy a leading zero is a slip, and nobody would see it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Size> {
        if let Some(percent) = text.strip_suffix('%') {
            let digits = percent.trim_end();
            let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?;
            return number.filter(|percent| (1..=100).contains(percent)).map(Size::Percent);
        }
        let is_other_base = text.len() > 1 && text.starts_with('0');
        let (number, unit) = text.split_at(text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len()));
        let unit = unit.trim_start();
        let unit = unit.strip_suffix("iB").filter(|unit| !unit.is_empty()).unwrap_or(unit);
        if is_other_base || number.is_empty() {
            return None;
        }
        memory_size::bytes(&format!("{number}{unit}")).map(Size::Bytes)
    }

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
    /// The `oom_score_adj` of a workload whose engine asked for `asked`.
    #[must_use]
    pub fn oom_score_adj_for(&self, asked: Option<OomScoreAdj>) -> OomScoreAdj {
        match (self.adjust, asked) {
            (Adjust::Raise, Some(asked)) => self.oom_score_adj.max(asked),
            (Adjust::Fill, Some(asked)) => asked,
            (Adjust::Set, _) | (_, None) => self.oom_score_adj,
        }
    }

    /// The files that the class may set, whatever the engine asked for.
    pub fn files(&self) -> impl Iterator<Item = MemoryFile> {
        let group = (self.oom_group != OomGroup::Leave).then_some(MemoryFile::OomGroup);
        group.into_iter().chain(self.limits().map(|(file, _)| file))
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

    /// What a workload of this class gets that asked for `other`: never less strict than this class in anything.
    #[must_use]
    pub fn tightened_by(&self, other: &Class) -> Class {
        Class {
            name: other.name.clone(),
            oom_score_adj: self.oom_score_adj.max(other.oom_score_adj),
            // A workload must not set aside what its engine asked for.
            adjust: if self.adjust == Adjust::Set { Adjust::Set } else { Adjust::Raise },
            above_engine: self.above_engine.max(other.above_engine),
            oom_group: self.oom_group.max(other.oom_group),
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
            oom_score_adj: score(number),
            adjust,
            above_engine: None,
            oom_group: OomGroup::Set,
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
            assert_eq!(class(500, adjust).oom_score_adj_for(asked.map(score)), score(expected), "{adjust:?} {asked:?}");
        }
    }

    #[test]
    fn a_class_request_loses_no_limit() {
        let mut weaker = class(700, Adjust::Set);
        (weaker.oom_group, weaker.memory_max, weaker.swap_max) = (OomGroup::Clear, None, Some(Size::Bytes(0)));
        let got = class(500, Adjust::Raise).tightened_by(&weaker);
        assert_eq!((got.oom_score_adj, got.adjust, got.oom_group), (score(700), Adjust::Raise, OomGroup::Set));
        assert_eq!((got.memory_max, got.swap_max), (Some(Size::Bytes(1 << 33)), Some(Size::Bytes(0))));
    }

    #[test]
    fn sizes_are_read_as_the_kernel_reads_them() {
        let bytes = |text: &str| match Size::parse(text) {
            Some(Size::Bytes(bytes)) => Some(bytes),
            _ => None,
        };
        for text in ["8G", "8g", "8GiB", "8 GiB", "8589934592"] {
            assert_eq!(bytes(text), Some(8 << 30), "{text}");
        }
        assert_eq!((bytes("0"), bytes("1k"), bytes("1P")), (Some(0), Some(1024), Some(1 << 50)));
        assert_eq!((Size::parse("40%"), Size::parse("100 %")), (Some(Size::Percent(40)), Some(Size::Percent(100))));
        for text in [
            "",
            "8GB",
            "8B",
            "8iB",
            "010",
            "0x10",
            "G",
            "-1",
            "+1",
            "1.5G",
            "max",
            "0%",
            "101%",
            "+5%",
            "%",
            "99999999T",
        ] {
            assert_eq!(Size::parse(text), None, "{text}");
        }
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
