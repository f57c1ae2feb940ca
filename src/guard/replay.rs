//! Runs a recorded series through the decision: what the guard would have done, and when.

use std::time::Duration;

use super::describe;
use super::machine::{Action, EFFECT, Helpless, Machine, Verdict};
use super::sample::{JobId, Sample};
use super::series::Series;
use super::settings::Settings;

/// Something that the guard would have done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// What.
    pub deed: Deed,
    /// What it was decided from.
    pub verdict: Verdict,
}

/// What the guard would have done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// It would have killed the victim.
    Kill,
    /// It would have recorded that it would kill, had it been allowed to.
    Observe,
    /// It would have recorded that nothing helps.
    Helpless(Helpless),
}

impl Act {
    /// What would have been done and why, in one line.
    #[must_use]
    pub fn describe(&self, name: &impl Fn(JobId) -> String) -> String {
        let verdict = &self.verdict;
        let at = verdict.at.as_secs_f64();
        let victim = verdict.victim.map(|it| describe::candidate(&it, name)).unwrap_or_default();
        let deed = match self.deed {
            Deed::Kill => format!("kill {victim}"),
            Deed::Observe => format!("only observe {victim}"),
            Deed::Helpless(why) => format!("nothing: {}", describe::helpless(why, verdict)),
        };
        format!("{at:.2} s {}: {deed}, as {}", verdict.cause.word(), describe::reason(verdict, name))
    }
}

/// How the replay ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The series was over.
    Series,
    /// The victim lives on in the recording, so the rest is no longer what would have happened.
    VictimLivesOn(JobId),
}

/// What the guard would have done, up to where the recording can tell.
#[must_use]
pub fn replay(series: &Series, settings: Settings) -> (Vec<Act>, End) {
    let mut machine = Machine::new(settings, 64);
    let mut acts = Vec::new();
    let mut waiting: Option<(JobId, Duration)> = None;
    for sample in &series.samples {
        if let Some((victim, until)) = waiting {
            if !lives(sample, victim) {
                machine.ended(victim);
                waiting = None;
            } else if sample.at >= until {
                return (acts, End::VictimLivesOn(victim));
            }
        }
        let (deed, verdict) = match machine.step(sample).action {
            // A recording does not tell what would have come of a pause.
            Action::Watch | Action::Pause(_) | Action::Resume(_) => continue,
            Action::Kill(verdict) => (Deed::Kill, verdict),
            Action::WouldKill(verdict) => (Deed::Observe, verdict),
            Action::Helpless(verdict, why) => (Deed::Helpless(why), verdict),
        };
        if let (Deed::Kill, Some(victim)) = (deed, verdict.victim) {
            waiting = Some((victim.id, sample.at + EFFECT));
        }
        acts.push(Act { deed, verdict });
    }
    (acts, waiting.map_or(End::Series, |(victim, _)| End::VictimLivesOn(victim)))
}

fn lives(sample: &Sample, id: JobId) -> bool {
    sample.jobs.iter().any(|job| job.id == id && job.populated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::{Path, PathBuf};

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/series")
    }

    fn recorded(directory: &Path) -> Vec<(String, Series)> {
        let mut series: Vec<(String, Series)> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|it| it == "tsv" || it == "jsonl"))
            .map(|path| {
                let text = std::fs::read_to_string(&path).unwrap();
                let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
                (name, Series::parse(&text).unwrap())
            })
            .collect();
        series.sort_by(|one, other| one.0.cmp(&other.0));
        series
    }

    fn acts(series: &Series) -> Vec<Act> {
        replay(series, Settings::of_host(series.samples[0].host.memory_total)).0
    }

    /// `expected.txt` beside the series holds what comes of each. After a change of the decision read the difference, and
    /// take it over with `OOMSHIM_BLESS=1`.
    #[test]
    fn recorded_series_replay_as_expected() {
        for directory in [root(), root().join("held-out")] {
            let mut got = String::new();
            for (name, series) in recorded(&directory) {
                let lead = |act: &Act| series.kernel_kill.map(|kill| kill.as_secs_f64() - act.verdict.at.as_secs_f64());
                let told = acts(&series).first().map_or_else(
                    || "nothing".to_owned(),
                    |act| match lead(act) {
                        Some(lead) => format!("{}; {lead:.2} s before the kernel", act.describe(&|id| series.name(id))),
                        None => act.describe(&|id| series.name(id)),
                    },
                );
                got.push_str(&format!("{name}: {told}\n"));
            }
            let path = directory.join("expected.txt");
            if std::env::var_os("OOMSHIM_BLESS").is_some() {
                std::fs::write(&path, &got).unwrap();
            }
            assert_eq!(got, std::fs::read_to_string(&path).unwrap_or_default());
        }
    }

    #[test]
    fn the_guard_is_before_the_kernel_and_spares_the_innocent() {
        let series = recorded(&root());
        assert!(series.len() >= 17, "{}", series.len());
        for (name, series) in series {
            let innocent = name.contains("-neg-");
            let first = acts(&series).iter().find(|act| act.deed == Deed::Kill).map(|act| act.verdict.at);
            match (innocent, first) {
                (true, Some(at)) => panic!("{name}: killed at {at:?}"),
                (false, None) => panic!("{name}: never killed"),
                (false, Some(at)) => assert!(series.kernel_kill.is_none_or(|kill| at < kill), "{name}: too late"),
                (true, None) => {}
            }
        }
    }

    /// Healthy series of which the default figures judge otherwise; docs/guard.md tells of them.
    const MISJUDGED: [&str; 2] = ["1024-calm-link", "1024-calm-swap"];

    /// Series that nobody had looked at when the figures were chosen.
    #[test]
    fn held_out_series_hold_as_the_documentation_says() {
        let series = recorded(&root().join("held-out"));
        assert!(series.len() >= 20, "{}", series.len());
        for (name, series) in series {
            let first = acts(&series).first().map(|act| act.verdict.at);
            if name.contains("-calm-") {
                assert_eq!(first.is_some(), MISJUDGED.contains(&name.as_str()), "{name}: {first:?}");
            } else {
                let kernel = series.kernel_kill.unwrap_or_else(|| panic!("{name}: the kernel killed nobody"));
                assert!(first.is_some_and(|first| first < kernel), "{name}: {first:?} and {kernel:?}");
            }
        }
    }
}
