//! What the loop waits for.

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Timer,
    Signal,
    Inotify,
    Killer,
    Listener,
    Host,
    Slice(u64),
}

impl Source {
    /// The number by which epoll tells of it.
    pub(super) fn token(self) -> u64 {
        match self {
            Source::Timer => 0,
            Source::Signal => 1,
            Source::Inotify => 2,
            Source::Killer => 3,
            Source::Listener => 4,
            Source::Host => 5,
            Source::Slice(number) => 16 + number,
        }
    }

    /// What has that number.
    pub(super) fn of(token: u64) -> Source {
        match token {
            0 => Source::Timer,
            1 => Source::Signal,
            2 => Source::Inotify,
            3 => Source::Killer,
            4 => Source::Listener,
            5 => Source::Host,
            other => Source::Slice(other.saturating_sub(16)),
        }
    }
}
