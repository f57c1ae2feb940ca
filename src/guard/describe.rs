//! A decision in words, for the journal, `guard replay` and `guard status`.

use std::fmt;

use super::choose::Candidate;
use super::machine::{Helpless, Verdict};
use super::sample::{Cause, JobId};

/// Why the guard acts, with the figures that made it.
#[must_use]
pub fn reason(verdict: &Verdict, name: &impl Fn(JobId) -> String) -> String {
    let (host, outlook) = (&verdict.host, &verdict.outlook);
    let available = mib(host.memory_available);
    let floor = mib(outlook.floor);
    let seconds = |time: Option<std::time::Duration>| time.unwrap_or_default().as_secs_f64();
    match verdict.cause {
        Cause::Exhaustion if host.swap_total == 0 => {
            format!("MemAvailable {available} is below the floor of {floor}, and there is no swap")
        }
        Cause::Exhaustion => {
            let swap = mib(host.swap_free);
            format!("MemAvailable {available} is below the floor of {floor}, and {swap} of swap are left")
        }
        Cause::SwapStorm => format!(
            "MemAvailable {available} is below the floor of {floor}, and all tasks stalled for {} % of the last second, for {:.1} s now",
            outlook.full_share,
            seconds(outlook.storm)
        ),
        Cause::Thrash => format!(
            "all tasks stalled for {} % of the last second, for {:.1} s now, with MemAvailable {available}",
            outlook.full_share,
            seconds(outlook.thrash)
        ),
        Cause::OwnLimit => {
            let (id, own) = verdict.own_limit.unwrap_or_default();
            format!(
                "{} is in a livelock at its own limit: all its tasks stalled for {} % of the last seconds, for {:.1} s now",
                name(id),
                own.full_share,
                seconds(own.livelock)
            )
        }
    }
}

/// What speaks against a candidate.
#[must_use]
pub fn candidate(candidate: &Candidate, name: &impl Fn(JobId) -> String) -> String {
    let growth = mib(candidate.growth);
    let age = candidate.age.as_secs();
    format!("{}, which holds {} and grows {growth}/s, {age} s old", name(candidate.id), mib(candidate.frees))
}

/// Why nothing is done.
#[must_use]
pub fn helpless(why: Helpless, verdict: &Verdict) -> String {
    match why {
        Helpless::NoCandidate => "there is no job to kill".to_owned(),
        Helpless::NotTheirMemory => format!(
            "the memory is not with the jobs: all {} together hold {}, and {} are missing",
            verdict.ranking.count,
            mib(verdict.ranking.together),
            mib(verdict.missing)
        ),
        Helpless::TooManyKills => "there were too many kills within a minute: [guard] kills_per_minute".to_owned(),
    }
}

/// What the job's own log says. No text of the job's is in it; displaying it allocates nothing.
#[derive(Debug, Clone, Copy)]
pub struct ToJob<'a> {
    /// Why.
    pub verdict: &'a Verdict,
    /// The job.
    pub victim: &'a Candidate,
}

impl fmt::Display for ToJob<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (frees, growth) = (mib(self.victim.frees), mib(self.victim.growth));
        write!(out, "oomshim guard: killing this job: it holds {frees} of memory and grows {growth}/s, and ")?;
        let left = mib(self.verdict.host.memory_available);
        match self.verdict.cause {
            Cause::Exhaustion => write!(out, "the machine had {left} left"),
            Cause::SwapStorm => write!(out, "the machine had {left} left and was swapping"),
            Cause::Thrash => write!(out, "the machine was thrashing with {left} left"),
            Cause::OwnLimit => out.write_str("it made no progress at its own memory limit"),
        }
    }
}

/// An amount of memory for people: whole MiB, from 10 GiB on whole GiB.
#[must_use]
pub fn mib(bytes: u64) -> impl fmt::Display {
    fmt::from_fn(move |out| {
        if bytes >= 10 << 30 { write!(out, "{} GiB", bytes >> 30) } else { write!(out, "{} MiB", bytes >> 20) }
    })
}
