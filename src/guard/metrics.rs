//! What the guard counts, and how Prometheus' textfile collector wants it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use super::sample::Cause;

/// What the guard counts since it was started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Kills by cause.
    pub kills: BTreeMap<Cause, u64>,
    /// Kills that were only recorded.
    pub would_kill: u64,
    /// How often nothing would have helped.
    pub helpless: u64,
    /// Kills after which a process was left.
    pub failed: u64,
    /// Processes that the kernel's OOM killer killed.
    pub kernel_kills: u64,
    /// Bytes that kills freed.
    pub freed: u64,
    /// Bytes that stayed charged to killed jobs.
    pub leftover: u64,
    /// Jobs now.
    pub jobs: u64,
    /// The longest that a turn of the loop came late.
    pub longest_lag: Duration,
    /// How long samples were taken every 100 ms.
    pub armed: Duration,
}

impl Metrics {
    /// The text format of Prometheus.
    #[must_use]
    pub fn prometheus(&self) -> String {
        let mut out = String::new();
        let mut metric = |name: &str, kind: &str, help: &str, lines: &[(String, String)]| {
            let _ = writeln!(out, "# HELP oomshim_guard_{name} {help}\n# TYPE oomshim_guard_{name} {kind}");
            for (labels, value) in lines {
                let _ = writeln!(out, "oomshim_guard_{name}{labels} {value}");
            }
        };
        let plain = |value: u64| [(String::new(), value.to_string())];
        let kills = |cause: &Cause| self.kills.get(cause).copied().unwrap_or(0).to_string();
        let by_cause: Vec<_> =
            Cause::ALL.iter().map(|cause| (format!("{{cause=\"{}\"}}", cause.word()), kills(cause))).collect();
        metric("kills_total", "counter", "Jobs that the guard killed.", &by_cause);
        metric("would_kill_total", "counter", "Kills that were only recorded.", &plain(self.would_kill));
        metric("helpless_total", "counter", "How often no kill would have helped.", &plain(self.helpless));
        metric("failed_kills_total", "counter", "Kills after which a process was left.", &plain(self.failed));
        let help = "Processes that the kernel's OOM killer killed.";
        metric("kernel_kills_total", "counter", help, &plain(self.kernel_kills));
        metric("freed_bytes_total", "counter", "Memory that kills gave back.", &plain(self.freed));
        let help = "Memory that stayed charged to killed jobs.";
        metric("leftover_bytes_total", "counter", help, &plain(self.leftover));
        metric("jobs", "gauge", "Jobs that the guard knows.", &plain(self.jobs));
        let seconds = |time: Duration| [(String::new(), format!("{:.3}", time.as_secs_f64()))];
        let help = "The longest that a turn of the loop came late.";
        metric("longest_lag_seconds", "gauge", help, &seconds(self.longest_lag));
        let help = "How long samples were taken every 100 ms.";
        metric("armed_seconds_total", "counter", help, &seconds(self.armed));
        out
    }

    /// Writes them to a file that a reader never sees half of.
    ///
    /// # Errors
    /// The file system's.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        // The collector reads names that end in .prom only.
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(".new");
        std::fs::write(&temporary, self.prometheus())?;
        std::fs::rename(&temporary, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_in_prometheus_text_format() {
        let mut metrics = Metrics { jobs: 3, longest_lag: Duration::from_millis(1500), ..Metrics::default() };
        metrics.kills.insert(Cause::Exhaustion, 2);
        let text = metrics.prometheus();
        assert!(text.contains("oomshim_guard_kills_total{cause=\"exhaustion\"} 2\n"), "{text}");
        assert!(text.contains("oomshim_guard_kills_total{cause=\"thrash\"} 0\n"));
        assert!(text.contains("oomshim_guard_longest_lag_seconds 1.500\n"));
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.split_once(' ').unwrap();
            assert!(name.starts_with("oomshim_guard_") && value.parse::<f64>().is_ok(), "{line}");
        }
        let directory = tempfile::tempdir().unwrap();
        metrics.write(&directory.path().join("x.prom")).unwrap();
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
