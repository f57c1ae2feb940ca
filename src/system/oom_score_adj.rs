//! The number: an `oom_score_adj` that cannot be out of range.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A value for `/proc/PID/oom_score_adj`, -1000..=1000 (proc(5), `fs/proc/base.c`).
///
/// The kernel adds `score * totalpages / 1000` pages to a process's badness, so +500 counts as half of the memory of
/// the machine (or of the cgroup that ran out). -1000 exempts the process altogether.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OomScoreAdj(i16);

/// Why a number or a text is not a score.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScoreError {
    /// The number is outside of -1000..=1000.
    #[error("{0} is out of range: oom_score_adj goes from -1000 to 1000")]
    OutOfRange(String),
    /// The text has a leading zero. The kernel reads `0500` as octal 320 (`kstrtoint` with base 0).
    #[error("{0} has a leading zero, which the kernel reads as octal: write {1}")]
    LeadingZero(String, String),
    /// The text is not a plain decimal number.
    #[error("{0:?} is not a number from -1000 to 1000")]
    NotANumber(String),
}

impl OomScoreAdj {
    /// The exempt score: the kernel never picks the process.
    pub const MIN: OomScoreAdj = OomScoreAdj(-1000);
    /// The score of a process that is picked before all others.
    pub const MAX: OomScoreAdj = OomScoreAdj(1000);
    /// What the kubelet's engines give a pod's sandbox.
    pub const SANDBOX: OomScoreAdj = OomScoreAdj(-998);
    /// The neutral score.
    pub const ZERO: OomScoreAdj = OomScoreAdj(0);
    /// Counts as half of the memory on top of what the process uses.
    pub const HALF: OomScoreAdj = OomScoreAdj(500);

    /// The score of that number.
    ///
    /// # Errors
    /// [`ScoreError::OutOfRange`] outside of -1000..=1000.
    pub fn new(number: i64) -> Result<Self, ScoreError> {
        match i16::try_from(number) {
            Ok(small @ -1000..=1000) => Ok(OomScoreAdj(small)),
            _ => Err(ScoreError::OutOfRange(number.to_string())),
        }
    }

    /// The number, -1000..=1000.
    #[must_use]
    pub fn get(self) -> i16 {
        self.0
    }

    /// That much more, or the highest.
    #[must_use]
    pub fn raised_by(self, more: u16) -> Self {
        OomScoreAdj(i16::try_from(more).map_or(i16::MAX, |more| self.0.saturating_add(more)).min(Self::MAX.0))
    }

    /// The score half way between two, rounded towards `self`; used to search for a floor.
    pub(crate) fn midpoint(self, other: Self) -> Self {
        OomScoreAdj(self.0 + (other.0 - self.0) / 2)
    }

    /// The next higher score, if there is one.
    pub(crate) fn above(self) -> Option<Self> {
        (self < Self::MAX).then(|| OomScoreAdj(self.0 + 1))
    }
}

impl FromStr for OomScoreAdj {
    type Err = ScoreError;

    /// Reads plain decimal only: what the kernel would read as octal or hexadecimal is an error here.
    fn from_str(text: &str) -> Result<Self, ScoreError> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ScoreError::NotANumber(text.chars().take(40).collect()));
        }
        if digits.len() > 1 && digits.starts_with('0') {
            let sign = if text.starts_with('-') { "-" } else { "" };
            let plain = match digits.trim_start_matches('0') {
                "" => "0".to_owned(),
                rest => format!("{sign}{rest}"),
            };
            return Err(ScoreError::LeadingZero(text.to_owned(), plain));
        }
        let number = text.parse().map_err(|_| ScoreError::OutOfRange(text.to_owned()))?;
        OomScoreAdj::new(number)
    }
}

impl fmt::Display for OomScoreAdj {
    /// Plain decimal, the one form that every reader takes for the same number.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_is_the_kernels() {
        for number in [-1000, -999, 0, 1, 999, 1000] {
            assert_eq!(i64::from(OomScoreAdj::new(number).unwrap().get()), number);
        }
        for number in [-1001, 1001, i64::MIN, i64::MAX, 65_536 + 500] {
            assert!(matches!(OomScoreAdj::new(number), Err(ScoreError::OutOfRange(_))));
        }
    }

    #[test]
    fn text_is_plain_decimal() {
        assert_eq!("500".parse(), Ok(OomScoreAdj(500)));
        assert_eq!("-1000".parse(), Ok(OomScoreAdj::MIN));
        assert_eq!("0".parse(), Ok(OomScoreAdj::ZERO));
        for text in ["", "-", "+5", " 5", "5 ", "0x1f4", "5e2", "5.0", "fünf"] {
            assert!(matches!(text.parse::<OomScoreAdj>(), Err(ScoreError::NotANumber(_))), "{text:?}");
        }
        for text in ["1001", "-1001", "99999999999999999999"] {
            assert!(matches!(text.parse::<OomScoreAdj>(), Err(ScoreError::OutOfRange(_))), "{text:?}");
        }
    }

    #[test]
    fn a_leading_zero_is_named_with_what_was_meant() {
        let error = "0500".parse::<OomScoreAdj>().unwrap_err();
        assert_eq!(error.to_string(), "0500 has a leading zero, which the kernel reads as octal: write 500");
        assert_eq!("-0017".parse::<OomScoreAdj>().unwrap_err(), ScoreError::LeadingZero("-0017".into(), "-17".into()));
        assert_eq!("-00".parse::<OomScoreAdj>().unwrap_err(), ScoreError::LeadingZero("-00".into(), "0".into()));
    }
}
