//! The last seconds, as the conditions need them: how fast something rose, and which share of the time was stall.
//! Fixed sizes: nothing is allocated while memory runs out.

use std::time::Duration;

/// Over how long growth is measured.
pub const GROWTH_WINDOW: Duration = Duration::from_secs(3);

/// Less history than this tells no growth.
const SHORTEST_GROWTH: Duration = Duration::from_millis(300);

/// How many samples are kept: those of 3 s at one each 100 ms, and some more.
const LENGTH: usize = 40;

/// Values with their times, the oldest falls out.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    points: [(Duration, u64); LENGTH],
    first: usize,
    length: usize,
}

impl Default for Window {
    fn default() -> Self {
        Window { points: [(Duration::ZERO, 0); LENGTH], first: 0, length: 0 }
    }
}

impl Window {
    /// Adds the newest value. A time that does not advance replaces the last value.
    pub fn push(&mut self, at: Duration, value: u64) {
        if let Some(&(last, _)) = self.last()
            && at <= last
        {
            let place = (self.first + self.length - 1) % LENGTH;
            self.points[place].1 = value;
            return;
        }
        if self.length == LENGTH {
            self.first = (self.first + 1) % LENGTH;
            self.length -= 1;
        }
        self.points[(self.first + self.length) % LENGTH] = (at, value);
        self.length += 1;
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.length = 0;
    }

    fn iter(&self) -> impl DoubleEndedIterator<Item = &(Duration, u64)> {
        (0..self.length).map(|place| &self.points[(self.first + place) % LENGTH])
    }

    fn last(&self) -> Option<&(Duration, u64)> {
        self.iter().next_back()
    }

    /// The newest value that is at least that old, or else the oldest: with its distance from the newest value.
    fn since(&self, span: Duration) -> Option<(Duration, u64, u64)> {
        let &(now, value) = self.last()?;
        let before =
            self.iter().rev().find(|(at, _)| now.saturating_sub(*at) >= span).or_else(|| self.iter().next())?;
        Some((now.saturating_sub(before.0), before.1, value))
    }

    /// By how much a counter rose within `span`, as far as is known. A counter that went back counts as not risen.
    #[must_use]
    pub fn rise(&self, span: Duration) -> u64 {
        self.since(span).map_or(0, |(_, before, now)| now.saturating_sub(before))
    }

    /// Which percentage of the last `span` a stall took, where the values are microseconds. 0 while less than a third of
    /// `span` is known.
    #[must_use]
    pub fn share(&self, span: Duration) -> u64 {
        let Some((known, before, now)) = self.since(span) else { return 0 };
        if known.is_zero() || known < span / 3 {
            return 0;
        }
        let percent = u128::from(now.saturating_sub(before)) * 100 / known.as_micros();
        u64::try_from(percent.min(100)).unwrap_or(100)
    }

    /// How fast the value rose over [`GROWTH_WINDOW`], in units a second, by least squares; negative where it fell.
    #[must_use]
    pub fn slope(&self) -> i64 {
        let Some(&(now, _)) = self.last() else { return 0 };
        let recent = || self.iter().filter(|(at, _)| now.saturating_sub(*at) <= GROWTH_WINDOW);
        let Some(&(begin, _)) = recent().next() else { return 0 };
        if now.saturating_sub(begin) < SHORTEST_GROWTH {
            return 0;
        }
        let (mut count, mut times, mut values, mut products, mut squares) = (0_i128, 0_i128, 0_i128, 0_i128, 0_i128);
        for &(at, value) in recent() {
            let (time, value) = (i128::try_from(at.saturating_sub(begin).as_millis()).unwrap_or(0), i128::from(value));
            count += 1;
            times += time;
            values += value;
            products += time * value;
            squares += time * time;
        }
        let divisor = count * squares - times * times;
        if divisor == 0 {
            return 0;
        }
        let slope = (count * products - times * values) * 1000 / divisor;
        i64::try_from(slope).unwrap_or(if slope < 0 { i64::MIN } else { i64::MAX })
    }

    /// How fast the value fell, from the beginning of [`GROWTH_WINDOW`] to now, in units a second; 0 where it rose.
    #[must_use]
    pub fn fall(&self) -> u64 {
        let Some((known, before, now)) = self.since(GROWTH_WINDOW) else { return 0 };
        if known < SHORTEST_GROWTH {
            return 0;
        }
        let fall = u128::from(before.saturating_sub(now)) * 1000 / known.as_millis();
        u64::try_from(fall).unwrap_or(u64::MAX)
    }
}

/// Since when something holds without a break.
#[derive(Debug, Clone, Copy, Default)]
pub struct Since(Option<Duration>);

impl Since {
    /// Notes whether it holds now, and says for how long it has held.
    pub fn note(&mut self, at: Duration, holds: bool) -> Option<Duration> {
        self.0 = holds.then(|| self.0.unwrap_or(at));
        self.0.map(|begin| at.saturating_sub(begin))
    }

    /// Begins anew.
    pub fn clear(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(points: impl IntoIterator<Item = (u64, u64)>) -> Window {
        let mut window = Window::default();
        for (milliseconds, value) in points {
            window.push(Duration::from_millis(milliseconds), value);
        }
        window
    }

    #[test]
    fn slope_is_that_of_a_line() {
        assert_eq!(window((0..30).map(|n| (n * 100, 500 + n * 10))).slope(), 100);
        assert_eq!(window((0..30).map(|n| (n * 100, 5000 - n * 10))).slope(), -100);
        assert_eq!(window([(0, 1), (100, 1_000_000)]).slope(), 0, "too short to tell");
        assert_eq!(window([]).slope(), 0);
    }

    #[test]
    fn only_the_last_seconds_count() {
        let grown_long_ago = (0..100).map(|n| (n * 100, if n < 50 { n * 1000 } else { 50_000 }));
        assert_eq!(window(grown_long_ago).slope(), 0);
        let ticks = [(0, 0), (1000, 100), (2000, 200), (3000, 300)];
        assert_eq!(window(ticks).slope(), 100);
        assert_eq!(window(ticks).rise(Duration::from_secs(1)), 100);
    }

    #[test]
    fn share_is_a_percentage_of_time() {
        let half = || window((0..20).map(|n| (n * 100, n * 50_000)));
        assert_eq!(half().share(Duration::from_secs(1)), 50);
        assert_eq!(window([(0, 0), (100, 100_000)]).share(Duration::from_secs(1)), 0, "too short to tell");
        assert_eq!(window([(0, 9_000_000), (1000, 0)]).share(Duration::from_secs(1)), 0, "a counter that went back");
        assert_eq!(window([(0, 0), (5000, 5_000_000)]).share(Duration::from_secs(1)), 100, "a lag is no proof of calm");
    }

    #[test]
    fn a_time_that_stands_still_divides_nothing() {
        let window = window([(5, 1), (5, 2), (4, 3)]);
        assert_eq!((window.slope(), window.fall(), window.share(Duration::ZERO)), (0, 0, 0));
    }
}
