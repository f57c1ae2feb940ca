//! What a decision is, with everything that it was made from.

use std::time::Duration;

use crate::guard::choose::{Candidate, Ranking};
use crate::guard::condition::{Outlook, OwnLimitOutlook};
use crate::guard::sample::{Cause, Host, JobId};

/// Everything that a decision was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// When.
    pub at: Duration,
    /// Why.
    pub cause: Cause,
    /// The host at that moment.
    pub host: Host,
    /// The host as the conditions saw it.
    pub outlook: Outlook,
    /// The group or job at its own limit, and how it stood; only for [`Cause::OwnLimit`].
    pub own_limit: Option<(JobId, OwnLimitOutlook)>,
    /// What was missing, in bytes.
    pub missing: u64,
    /// The candidates, those to blame first.
    pub ranking: Ranking,
    /// The one that was chosen.
    pub victim: Option<Candidate>,
}

/// Why nothing is killed although a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Helpless {
    /// There is no job.
    NoCandidate,
    /// The memory is not with the jobs: to kill all of them would not help.
    NotTheirMemory,
    /// There were so many kills within a minute that the rules must be wrong.
    TooManyKills,
}

impl Helpless {
    /// The word for it in records and metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Helpless::NoCandidate => "no-candidate",
            Helpless::NotTheirMemory => "not-their-memory",
            Helpless::TooManyKills => "too-many-kills",
        }
    }
}

/// What is to be done now.
// A verdict is large and made once in a while; a box would be an allocation at the worst of moments.
#[allow(clippy::large_enum_variant)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    Watch,
    /// Kill the victim, then say so with [`Machine::ended`](super::Machine::ended).
    Kill(Verdict),
    /// Pause the victim: stop it and push it out to swap.
    Pause(Verdict),
    /// Let that job go on.
    Resume(JobId),
    /// Record what would have been done: the victim is only observed.
    WouldKill(Verdict),
    /// Record that nothing helps.
    Helpless(Verdict, Helpless),
}

/// What comes of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// When to take the next sample.
    pub pace: Duration,
    /// How the host stands.
    pub outlook: Outlook,
    /// What is to be done.
    pub action: Action,
}
