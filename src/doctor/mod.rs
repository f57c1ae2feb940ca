//! Is this machine safe: whether, when memory runs out, a build step dies and the daemons live.
//!
//! One check is one file in `checks` and one line in [`CHECKS`]. A check that cannot see what it would have to see
//! says so; it never passes for that.

pub mod checks;
pub mod output;
pub mod snapshot;

pub use snapshot::{RunningEngine, Snapshot};

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// As it should be.
    Pass,
    /// It could not be looked at.
    Skipped,
    /// It will make things worse when memory runs out, or harder to understand.
    Warn,
    /// The wrong process will die, or the machine panic.
    Fail,
}

impl Status {
    /// A word for people and programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Status::Pass => "pass",
            Status::Skipped => "skipped",
            Status::Warn => "warn",
            Status::Fail => "fail",
        }
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How it came out.
    pub status: Status,
    /// What is so, in a sentence.
    pub message: String,
    /// What to write or run; it may have several lines.
    pub remedy: Option<String>,
}

impl Finding {
    /// It is as it should be.
    pub fn pass(message: impl Into<String>) -> Finding {
        Finding { status: Status::Pass, message: message.into(), remedy: None }
    }

    /// It could not be looked at.
    pub fn skipped(message: impl Into<String>) -> Finding {
        Finding { status: Status::Skipped, message: message.into(), remedy: None }
    }

    /// It will make things worse.
    pub fn warn(message: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding { status: Status::Warn, message: message.into(), remedy: Some(remedy.into()) }
    }

    /// The wrong process will die.
    pub fn fail(message: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding { status: Status::Fail, message: message.into(), remedy: Some(remedy.into()) }
    }
}

/// A check.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// Its name, for programs and for `--only`; its file has the same with underscores.
    pub id: &'static str,
    /// What it asks.
    pub question: &'static str,
    /// Looks at the machine; gives at least one finding.
    pub run: fn(&Snapshot) -> Vec<Finding>,
}

/// All checks, in the order in which they are shown.
pub const CHECKS: &[Check] = &[
    Check { id: "daemons", question: "do the daemons outlive their steps?", run: checks::daemons::run },
    Check {
        id: "inherited",
        question: "is nothing immune that was only started by a daemon?",
        run: checks::inherited::run,
    },
    Check { id: "engines", question: "does oomshim start what the engines start?", run: checks::engines::run },
    Check {
        id: "capability",
        question: "can oom_score_adj be lowered, and does a raised one stay?",
        run: checks::capability::run,
    },
    Check { id: "group", question: "is no daemon killed as a group with its steps?", run: checks::group::run },
    Check { id: "cgroup", question: "can a step be killed as a group, and have limits?", run: checks::cgroup::run },
    Check { id: "policy", question: "is the policy valid?", run: checks::policy::run },
    Check { id: "runtime", question: "is there a runtime behind oomshim-runc?", run: checks::runtime::run },
    Check { id: "hooks", question: "are the hook files valid and their programs there?", run: checks::hooks::run },
    Check { id: "panic", question: "does the kernel kill instead of panicking?", run: checks::panic::run },
    Check { id: "allocating-task", question: "does the kernel pick by badness?", run: checks::allocating_task::run },
    Check { id: "killers", question: "does nobody else kill?", run: checks::killers::run },
    Check { id: "swap", question: "does a shortage end soon?", run: checks::swap::run },
    Check { id: "pressure", question: "can pressure be measured (PSI)?", run: checks::pressure::run },
    Check { id: "log", question: "can the kernel's records of kills be read?", run: checks::log::run },
];

/// A check with what it found.
#[derive(Debug)]
pub struct CheckReport {
    /// The check.
    pub check: Check,
    /// What it found.
    pub findings: Vec<Finding>,
}

/// Runs the checks whose names are in `only`, or all of them.
#[must_use]
pub fn examine(machine: &Snapshot, only: &[String]) -> Vec<CheckReport> {
    let chosen = CHECKS.iter().filter(|check| only.is_empty() || only.iter().any(|id| id == check.id));
    chosen.map(|&check| CheckReport { check, findings: (check.run)(machine) }).collect()
}

/// The worst of all findings.
#[must_use]
pub fn worst(reports: &[CheckReport]) -> Status {
    reports.iter().flat_map(|report| &report.findings).map(|finding| finding.status).max().unwrap_or(Status::Pass)
}

#[cfg(test)]
mod tests {
    use super::snapshot::tests::fake;
    use super::*;

    #[test]
    fn names_are_files_and_no_two_are_the_same() {
        let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/doctor/checks");
        let mut files: Vec<String> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().replace('_', "-"))
            .filter(|name| name != "mod")
            .collect();
        let mut ids: Vec<&str> = CHECKS.iter().map(|check| check.id).collect();
        files.sort();
        ids.sort_unstable();
        assert_eq!(files, ids);
    }

    #[test]
    fn a_machine_that_shows_nothing_passes_in_nothing_that_must_be_seen() {
        let (_root, machine) = fake(&[]);
        for report in examine(&machine, &[]) {
            assert!(!report.findings.is_empty(), "{}", report.check.id);
            let must_be_seen =
                ["panic", "allocating-task", "swap", "pressure", "capability", "log", "daemons", "engines"];
            if must_be_seen.contains(&report.check.id) {
                assert!(report.findings.iter().all(|it| it.status != Status::Pass), "{report:?}");
            }
        }
    }

    #[test]
    fn only_what_is_asked_for_is_looked_at() {
        let (_root, machine) = fake(&[("proc/sys/vm/panic_on_oom", "1\n")]);
        let reports = examine(&machine, &["panic".to_owned()]);
        assert_eq!((reports.len(), worst(&reports)), (1, Status::Fail));
    }
}
