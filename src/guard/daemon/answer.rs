//! What `guard status` is told.

use std::path::PathBuf;

use super::super::choose::Candidate;
use super::super::clerk::Task;
use super::super::find::Refusal;
use super::super::machine::ARMED;
use super::super::status::Status;
use super::Daemon;

impl Daemon {
    /// Answers `guard status`.
    pub(super) fn answer(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            let status = self.status();
            if let Ok(text) = serde_json::to_string(&status) {
                self.clerk.hand(Task::Answer(stream, text));
            }
        }
    }

    pub(super) fn status(&self) -> Status {
        let (host, outlook) = (&self.sample.host, &self.outlook);
        let above = host.memory_available.saturating_sub(outlook.floor);
        let floor_in_ms = above.saturating_mul(1000).checked_div(outlook.fall);
        let mut jobs: Vec<Candidate> = self.sample.jobs.iter().filter_map(|job| self.machine.candidate(job)).collect();
        jobs.sort_by_key(|it| (std::cmp::Reverse(it.score), it.age, it.id));
        Status {
            oomshim_guard_status: 1,
            pid: std::process::id(),
            mode: self.mode().to_owned(),
            armed: self.pace == ARMED,
            memory_total: host.memory_total,
            memory_available: host.memory_available,
            swap_total: host.swap_total,
            swap_free: host.swap_free,
            floor: outlook.floor,
            fall: outlook.fall,
            floor_in_ms,
            full_share: host.full_stall.map(|_| outlook.full_share),
            jobs: jobs.iter().map(|candidate| self.told(candidate)).collect(),
            refused: self
                .found
                .refused
                .iter()
                .map(|(path, why): (&PathBuf, &Refusal)| (path.display().to_string(), why.to_string()))
                .collect(),
            cannot: self.cannot.clone(),
            kills: self.metrics.kills.values().sum(),
            longest_lag_ms: u64::try_from(self.metrics.longest_lag.as_millis()).unwrap_or(u64::MAX),
        }
    }
}
