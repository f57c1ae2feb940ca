//! A job that has ended: the line for a person and the report for a program. Pure.

use std::fmt::Write;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::evidence::{Evidence, Largest};
use super::settings::Settings;
use super::supervise::End;
use super::verdict::{Cause, judge};
use crate::text::escape;
use crate::text::size::size;

/// A job that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its name.
    pub name: String,
    /// The kernel's name of its cgroup; `None` where it had none.
    pub cgroup: Option<PathBuf>,
    /// Its command.
    pub command: Vec<String>,
    /// When it began.
    pub began: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// How its command ended.
    pub end: End,
    /// What it was given.
    pub settings: Settings,
    /// What it could not be given.
    pub missing: Vec<String>,
    /// What the kernel told of its memory.
    pub evidence: Evidence,
    /// The largest process that the kernel killed.
    pub largest: Option<Largest>,
}

impl Outcome {
    /// Why memory killed the job, or a part of it.
    #[must_use]
    pub fn cause(&self) -> Option<Cause> {
        judge(&self.evidence)
    }

    /// The sentence that says that memory killed the job.
    #[must_use]
    pub fn sentence(&self) -> Option<String> {
        let cause = self.cause()?;
        let mut text = match &cause {
            Cause::OwnLimit(Some(limit)) => format!("out of memory: this job reached its limit of {}", size(*limit)),
            Cause::OwnLimit(None) => "out of memory: a cgroup of this job reached its limit".to_owned(),
            Cause::SharedLimit { cgroup, limit } => format!(
                "out of memory: cgroup {} reached its limit of {}, which this job shares with others",
                escape::bytes(cgroup.as_os_str().as_encoded_bytes()),
                size(*limit)
            ),
            Cause::Machine => "out of memory: this machine ran out of memory".to_owned(),
            Cause::Guard(why) => {
                format!("out of memory: oomshim guard killed this job ({})", escape::text(why))
            }
        };
        // Writing to a String does not fail.
        match (&cause, self.evidence.group_kill, self.evidence.kills) {
            (Cause::Guard(_), ..) => {}
            (_, true, _) => text.push_str(", and the kernel killed it as a group"),
            (_, false, 1) => text.push_str(", and the kernel killed a process of it"),
            (_, false, kills) => drop(write!(text, ", and the kernel killed {kills} processes of it")),
        }
        if let Some(peak) = self.evidence.peak {
            let _ = write!(text, "; peak {}", size(peak));
        }
        if let Some(swap) = self.evidence.swap_peak.filter(|swap| *swap > 0) {
            let _ = write!(text, " and {} of swap", size(swap));
        }
        if let Some(largest) = &self.largest {
            let name = escape::bytes(&largest.comm);
            let _ = write!(text, "; largest process {name} (PID {}) with {}", largest.pid, size(largest.bytes));
        }
        if self.end == End::Status(0) {
            text.push_str("; the command ended with 0 all the same");
        }
        Some(text)
    }

    /// The report as JSON. Sizes are bytes, times are seconds.
    #[must_use]
    pub fn json(&self) -> Value {
        let end = match self.end {
            End::Status(status) => json!({ "status": status }),
            End::Signal(signal) => json!({ "signal": signal }),
        };
        let evidence = &self.evidence;
        let out_of_memory = self.cause().map(|cause| {
            let (cgroup, limit) = match &cause {
                Cause::OwnLimit(limit) => (self.cgroup.clone(), *limit),
                Cause::SharedLimit { cgroup, limit } => (Some(cgroup.clone()), Some(*limit)),
                Cause::Machine | Cause::Guard(_) => (None, None),
            };
            let largest = self.largest.as_ref().map(|largest| {
                json!({
                    "pid": largest.pid,
                    "comm": String::from_utf8_lossy(&largest.comm),
                    "memory": largest.bytes,
                })
            });
            json!({
                "cause": cause.id(),
                "guard_reason": match &cause { Cause::Guard(why) => Some(why), _ => None },
                "cgroup": cgroup.map(|path| path.to_string_lossy().into_owned()),
                "limit": limit,
                "kills": evidence.kills,
                "killed_as_a_group": evidence.group_kill,
                "largest_process": largest,
            })
        });
        json!({
            "version": 1,
            "name": self.name,
            "class": self.settings.class,
            "command": self.command,
            "cgroup": self.cgroup.as_ref().map(|path| path.to_string_lossy()),
            "started": humantime::format_rfc3339_millis(self.began).to_string(),
            "duration": self.took.as_secs_f64(),
            "cpu": evidence.cpu.map(|time| time.as_secs_f64()),
            "end": end,
            "exit_status": self.end.status(),
            "memory": {
                "peak": evidence.peak,
                "swap_peak": evidence.swap_peak,
                "max": self.settings.max,
                "high": self.settings.high,
                "swap_max": self.settings.swap_max,
            },
            "out_of_memory": out_of_memory,
            "missing": self.missing,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(evidence: Evidence, end: End) -> Outcome {
        Outcome {
            name: "n".into(),
            cgroup: Some("/oomshim/oomshim-run-n".into()),
            command: vec!["make".into()],
            began: SystemTime::UNIX_EPOCH,
            took: Duration::from_millis(1500),
            end,
            settings: Settings { class: "build-step".into(), max: Some(1 << 30), ..Settings::default() },
            missing: Vec::new(),
            evidence,
            largest: None,
        }
    }

    #[test]
    fn sigkill_alone_says_nothing() {
        let got = outcome(Evidence { peak: Some(5), ..Evidence::default() }, End::Signal(9));
        assert_eq!((got.sentence(), got.json()["out_of_memory"].clone()), (None, Value::Null));
        assert_eq!((&got.json()["exit_status"], &got.json()["memory"]["peak"]), (&json!(137), &json!(5)));
    }

    #[test]
    fn the_sentence_has_cause_peak_and_process() {
        let evidence = Evidence {
            kills: 3,
            group_kill: true,
            own_shortages: 1,
            limit: Some(1 << 30),
            peak: Some(1 << 30),
            ..Evidence::default()
        };
        let largest = Some(Largest { pid: 42, comm: b"cc1\x1bplus".to_vec(), bytes: 900 << 20 });
        let got = Outcome { largest, ..outcome(evidence, End::Signal(9)) };
        assert_eq!(
            got.sentence().unwrap(),
            "out of memory: this job reached its limit of 1.0G, and the kernel killed it as a group; peak 1.0G; largest \
             process cc1\\u{1b}plus (PID 42) with 900M"
        );
        assert_eq!(got.json()["out_of_memory"]["cause"], "own-limit");
    }

    #[test]
    fn a_half_dead_job_that_passed_is_told() {
        let evidence = Evidence { kills: 1, ..Evidence::default() };
        let sentence = outcome(evidence, End::Status(0)).sentence().unwrap();
        assert!(sentence.contains("a process of it") && sentence.ends_with("ended with 0 all the same"), "{sentence}");
    }
}
