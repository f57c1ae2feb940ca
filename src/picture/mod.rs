//! Memory and pressure of a host over time as a picture: in a terminal ([`terminal`]) and as SVG ([`svg`]).
//!
//! Pure: points in, text out. Names and sentences are shown as they are, so whoever makes a [`Picture`] escapes them.

pub mod axis;
pub mod svg;
pub mod terminal;

/// What is shown. Sizes are bytes, times are milliseconds, 0 is the moment that the picture is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Picture {
    /// What happened, in a line.
    pub title: String,
    /// Why, in a sentence or two.
    pub caption: String,
    /// `MemTotal`
    pub memory_total: u64,
    /// `SwapTotal`, 0 without swap.
    pub swap_total: u64,
    /// Below this `MemAvailable` memory is exhausted.
    pub floor: Option<u64>,
    /// Who is told apart, from the bottom up. What is in use beside them comes below all of them.
    pub bands: Vec<Band>,
    /// In the order of their time.
    pub points: Vec<Point>,
    /// Moments with a name. The first is what the picture is about.
    pub marks: Vec<Mark>,
}

/// Somebody who holds memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Band {
    /// What it is called.
    pub name: String,
    /// Its part in it.
    pub role: Role,
}

/// What part somebody has in what happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It was killed, or would be.
    Victim,
    /// One of the largest others.
    Other,
}

/// The host at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Point {
    /// When, in milliseconds.
    pub at: i64,
    /// `MemAvailable`
    pub available: u64,
    /// `SwapFree`
    pub swap_free: u64,
    /// Percent of the last second in which all tasks stalled; `None` without PSI.
    pub stall: Option<u64>,
    /// What each of the bands holds.
    pub held: Vec<u64>,
}

/// A moment with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// When, in milliseconds.
    pub at: i64,
    /// What happened.
    pub what: String,
}

/// The shortest time that is shown before a moment, unless there is less, in milliseconds.
const SHORTEST: i64 = 20_000;

impl Picture {
    /// What is in use at a point, in memory and in swap.
    #[must_use]
    pub fn used(&self, point: &Point) -> u64 {
        let memory = self.memory_total.saturating_sub(point.available);
        memory.saturating_add(self.swap_total.saturating_sub(point.swap_free))
    }

    /// All that can be in use.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.memory_total.saturating_add(self.swap_total)
    }

    /// The upper edges of the rest and of each band at a point, from the bottom up. The last one is what is in use, also
    /// where the bands say that they hold more: they were read a moment later, or count page cache.
    #[must_use]
    pub fn edges(&self, point: &Point) -> Vec<u64> {
        let held: u64 = point.held.iter().fold(0, |sum, held| sum.saturating_add(*held));
        let used = self.used(point);
        let mut edge = used.saturating_sub(held);
        let mut edges = vec![edge];
        for held in &point.held {
            edge = edge.saturating_add(*held);
            edges.push(edge.min(used));
        }
        edges
    }

    /// The moment that the picture is about; without one it is its end.
    #[must_use]
    pub fn moment(&self) -> i64 {
        let last = self.points.last().map_or(0, |point| point.at);
        self.marks.first().map_or(last, |mark| mark.at)
    }

    /// The last point that is not later than a moment.
    #[must_use]
    pub fn point_at(&self, at: i64) -> Option<&Point> {
        let later = self.points.partition_point(|point| point.at <= at);
        self.points.get(later.checked_sub(1)?)
    }

    /// The same with only those points that tell how it came to the moment: from well before memory began to fill for the
    /// last time. Two minutes and a half of calm before a spike of two seconds would leave the spike no room.
    #[must_use]
    pub fn focused(mut self) -> Picture {
        let moment = self.moment();
        let before = || self.points.iter().filter(|point| point.at <= moment);
        let (Some(first), Some(last)) = (self.points.first(), self.points.last()) else { return self };
        let peak = before().next_back().map_or(0, |point| self.used(point));
        let least = before().map(|point| self.used(point)).min().unwrap_or(0);
        let rise = peak.saturating_sub(least);
        if rise < self.capacity() / 20 {
            return self;
        }
        let low = |point: &&Point| self.used(point) <= least + rise / 10;
        let began = before().rfind(low).map_or(first.at, |point| point.at);
        let lead = (moment.saturating_sub(began) / 2).saturating_mul(3).max(SHORTEST);
        let (from, to) = (moment.saturating_sub(lead).max(first.at), moment.saturating_add(lead).min(last.at));
        // One more on the left, so that nothing begins in the void.
        let skipped = self.points.partition_point(|point| point.at < from).saturating_sub(1);
        self.points.drain(..skipped);
        self.points.retain(|point| point.at <= to);
        self.marks.retain(|mark| (from..=to).contains(&mark.at));
        self
    }

    /// What the axis of time counts.
    #[must_use]
    pub fn clock(&self) -> String {
        self.marks.first().map_or_else(|| "time".to_owned(), |mark| format!("time (0 s: {})", mark.what))
    }

    /// From when to when it goes.
    #[must_use]
    pub fn span(&self) -> (i64, i64) {
        let first = self.points.first().map_or(0, |point| point.at);
        let last = self.points.last().map_or(0, |point| point.at);
        (first, last.max(self.moment()).max(first + 1))
    }
}

#[cfg(test)]
mod tests;
