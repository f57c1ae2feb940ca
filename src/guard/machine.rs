//! The decision: a sample in, an action out. No clock, no file, no allocation once every job has its place; the daemon,
//! the replay of recorded series and the tests drive the same code.
//!
//! One kill at a time. After it the guard waits for its effect, and then every condition has to hold again for its full
//! time: kills in a row for one shortage are what users of other killers complain of most.

mod paused;
mod verdict;

use std::collections::HashMap;
use std::time::Duration;

use super::choose::{Candidate, Ranking};
use super::condition::{HostConditions, Outlook, OwnLimit, OwnLimitOutlook};
use super::history::Window;
use super::sample::{Cause, Job, JobId, Order, Sample, Standing};
use super::settings::Settings;
use paused::Pauses;

pub use verdict::{Action, Helpless, Step, Verdict};

/// Between two samples while a condition is near.
pub const ARMED: Duration = Duration::from_millis(100);

/// Between two samples otherwise.
pub const IDLE: Duration = Duration::from_secs(1);

/// How long nothing has to be near before samples become rare again.
const QUIET: Duration = Duration::from_secs(10);

/// For how long what dies counts as memory on its way back, and how long the guard is silent after it could do nothing.
pub const EFFECT: Duration = Duration::from_secs(5);

/// How long what is paused has to be pushed out before a condition counts again.
const PUSHED_OUT: Duration = Duration::from_secs(3);

/// The longest that a kill is waited for when nobody says how it ended. Thousands of processes take 10 s to die.
const DEADLINE: Duration = Duration::from_secs(30);

/// A job that is seen for the first time at this age or younger had nothing when it began.
const NEWBORN: Duration = Duration::from_millis(1500);

/// How many kills are remembered, for their number within a minute.
const REMEMBERED: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Watching,
    /// The effect on the victim is waited for: until somebody says that it ended, or until then.
    Waiting(Option<JobId>, Duration),
}

#[derive(Debug, Clone, Copy)]
struct Track {
    frees: Window,
    own_limit: OwnLimit,
    outlook: OwnLimitOutlook,
    kernel_kills: u64,
    /// Until when it counts as dying.
    dying: Option<Duration>,
    /// Whether it was paused for so long that it is not paused again.
    waited: bool,
    seen: Duration,
}

/// The decision with what it remembers.
#[derive(Debug)]
pub struct Machine {
    settings: Settings,
    host: HostConditions,
    tracks: HashMap<JobId, Track>,
    phase: Phase,
    pauses: Pauses,
    quiet_since: Option<Duration>,
    kills: [Option<Duration>; REMEMBERED],
    next_kill: usize,
}

impl Machine {
    /// A guard that has seen nothing yet, with places for that many jobs.
    #[must_use]
    pub fn new(settings: Settings, jobs: usize) -> Machine {
        Machine {
            settings,
            host: HostConditions::default(),
            tracks: HashMap::with_capacity(jobs),
            phase: Phase::Watching,
            pauses: Pauses::default(),
            quiet_since: None,
            kills: [None; REMEMBERED],
            next_kill: 0,
        }
    }

    /// Goes on with other figures, as after a reload.
    pub fn set(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// Takes a sample and says what to do. Samples come in the order of their time.
    pub fn step(&mut self, sample: &Sample) -> Step {
        let returning = self.note_jobs(sample);
        let outlook = self.host.look(sample.at, &sample.host, returning, &self.settings);
        let stuck = self.livelock(sample);
        let pace = self.pace(sample, outlook.near || returning > 0 || !self.pauses.is_empty());
        if let Phase::Waiting(_, until) = self.phase {
            if sample.at >= until {
                self.begin_anew();
            }
            return Step { pace, outlook, action: Action::Watch };
        }
        let action = match (outlook.cause, stuck) {
            (Some(cause), _) => self.decide(sample, cause, outlook, None),
            (None, Some(own)) => self.decide(sample, Cause::OwnLimit, outlook, Some(own)),
            (None, None) => self.resume(sample, outlook.floor),
        };
        Step { pace, outlook, action }
    }

    /// Lets a paused job go on when that can be.
    fn resume(&mut self, sample: &Sample, floor: u64) -> Action {
        let Some((id, again)) = self.pauses.resume(sample, floor, self.settings.pause) else { return Action::Watch };
        if let Some(track) = self.tracks.get_mut(&id) {
            track.waited |= !again;
        }
        Action::Resume(id)
    }

    /// The kill of a job has ended, well or not: its effect has been seen, or will not come.
    pub fn ended(&mut self, id: JobId) {
        if matches!(self.phase, Phase::Waiting(Some(victim), _) if victim == id) {
            self.begin_anew();
        }
    }

    fn begin_anew(&mut self) {
        self.phase = Phase::Watching;
        self.host.restart();
        for track in self.tracks.values_mut() {
            track.own_limit = OwnLimit::default();
        }
    }

    /// What speaks for and against a job as it stands; `None` for one that is no candidate.
    #[must_use]
    pub fn candidate(&self, job: &Job) -> Option<Candidate> {
        let track = self.tracks.get(&job.id)?;
        (track.dying.is_none()).then_some(())?;
        Candidate::of(job, track.frees.slope(), &self.settings)
    }

    /// The job that would be killed if a condition held now.
    #[must_use]
    pub fn leader(&self, sample: &Sample) -> Option<Candidate> {
        self.rank(sample, None).victim(0)
    }

    /// Brings what is remembered of each job up to date. Gives the memory of the dying, which is on its way back.
    fn note_jobs(&mut self, sample: &Sample) -> u64 {
        let mut returning = 0_u64;
        for job in &sample.jobs {
            let track = self.tracks.entry(job.id).or_insert_with(|| newborn(job, sample.at));
            if job.bound.kernel_kills > track.kernel_kills && job.populated {
                track.dying = Some(sample.at + EFFECT);
            }
            track.dying = track.dying.filter(|until| sample.at < *until);
            track.kernel_kills = job.bound.kernel_kills;
            track.frees.push(sample.at, job.frees());
            track.outlook = track.own_limit.look(sample.at, &job.bound, &self.settings);
            track.seen = sample.at;
            if track.dying.is_some() {
                returning = returning.saturating_add(job.frees());
            }
        }
        for group in &sample.groups {
            let track = self.tracks.entry(group.id).or_insert_with(|| Track::new(group.bound.kernel_kills, sample.at));
            track.outlook = track.own_limit.look(sample.at, &group.bound, &self.settings);
            track.seen = sample.at;
        }
        self.tracks.retain(|_, track| track.seen == sample.at);
        returning
    }

    /// The first job or group that is in a livelock at its own limit. A job comes before the group that it is in.
    fn livelock(&self, sample: &Sample) -> Option<(JobId, OwnLimitOutlook)> {
        let held = |id: JobId| self.tracks.get(&id).map(|track| (id, track.outlook)).filter(|(_, it)| it.holds);
        let candidates = sample.jobs.iter().filter(|job| job.populated && job.order != Order::Never);
        let jobs = candidates.filter_map(|job| held(job.id)).min_by_key(|it| it.0);
        jobs.or_else(|| sample.groups.iter().filter_map(|group| held(group.id)).min_by_key(|it| it.0))
    }

    fn pace(&mut self, sample: &Sample, near: bool) -> Duration {
        if near || sample.pressed || self.phase != Phase::Watching {
            self.quiet_since = Some(sample.at);
        }
        let armed = self.quiet_since.is_some_and(|since| sample.at.saturating_sub(since) < QUIET);
        if armed { ARMED } else { IDLE }
    }

    fn rank(&self, sample: &Sample, only: Option<JobId>) -> Ranking {
        let concerned = |job: &&Job| only.is_none_or(|id| job.id == id || job.group == Some(id));
        Ranking::of(sample.jobs.iter().filter(concerned).filter_map(|job| self.candidate(job)))
    }

    fn decide(
        &mut self,
        sample: &Sample,
        cause: Cause,
        outlook: Outlook,
        own_limit: Option<(JobId, OwnLimitOutlook)>,
    ) -> Action {
        let ranking = self.rank(sample, own_limit.map(|(id, _)| id));
        let missing = match cause {
            Cause::Exhaustion | Cause::SwapStorm => outlook.floor.saturating_sub(sample.host.memory_available),
            Cause::Thrash => self.settings.floor,
            Cause::OwnLimit => 0,
        };
        let mut victim = ranking.victim(missing);
        // What was paused and is too much all the same: the least work is lost.
        if let Some(paused) = ranking.told().filter(|it| self.pauses.has(it.id)).min_by_key(|it| (it.age, it.id)) {
            victim = Some(*paused);
        }
        let verdict = Verdict { at: sample.at, cause, host: sample.host, outlook, own_limit, missing, ranking, victim };
        self.phase = Phase::Waiting(None, sample.at + EFFECT);
        let Some(victim) = victim else {
            let why = if ranking.count == 0 { Helpless::NoCandidate } else { Helpless::NotTheirMemory };
            return Action::Helpless(verdict, why);
        };
        if victim.standing == Standing::Observed {
            return Action::WouldKill(verdict);
        }
        if self.settings.pause {
            let may = |it: &&Candidate| self.tracks.get(&it.id).is_some_and(|track| !track.waited);
            if let Some(chosen) = self.pauses.choose(cause, &sample.host, ranking.told().filter(may)) {
                self.pauses.add(&chosen, sample.at);
                self.phase = Phase::Waiting(None, sample.at + PUSHED_OUT);
                return Action::Pause(Verdict { victim: Some(chosen), ..verdict });
            }
        }
        self.pauses.remove(victim.id);
        if self.kills_within_a_minute(sample.at) >= self.settings.kills_per_minute.min(REMEMBERED) {
            return Action::Helpless(verdict, Helpless::TooManyKills);
        }
        self.phase = Phase::Waiting(Some(victim.id), sample.at + DEADLINE);
        self.kills[self.next_kill] = Some(sample.at);
        self.next_kill = (self.next_kill + 1) % REMEMBERED;
        if let Some(track) = self.tracks.get_mut(&victim.id) {
            track.dying = Some(sample.at + EFFECT);
        }
        Action::Kill(verdict)
    }

    fn kills_within_a_minute(&self, at: Duration) -> usize {
        let recent = |kill: &&Duration| at.saturating_sub(**kill) < Duration::from_mins(1);
        self.kills.iter().flatten().filter(recent).count()
    }
}

impl Track {
    fn new(kernel_kills: u64, at: Duration) -> Track {
        Track {
            frees: Window::default(),
            own_limit: OwnLimit::default(),
            outlook: OwnLimitOutlook::default(),
            kernel_kills,
            dying: None,
            waited: false,
            seen: at,
        }
    }
}

/// A job at its first sample. One that has only just begun grew all that it has since then; of an older one nothing is known.
fn newborn(job: &Job, at: Duration) -> Track {
    let mut track = Track::new(job.bound.kernel_kills, at);
    if job.age <= NEWBORN
        && let Some(birth) = at.checked_sub(job.age)
    {
        track.frees.push(birth, 0);
    }
    track
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
