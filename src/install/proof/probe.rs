//! What a process knows about itself: for a container whose only program is oomshim.

use serde::{Deserialize, Serialize};

/// What a container says of itself, as one line of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// Its oom_score_adj, from -1000 to 1000.
    pub oom_score_adj: i32,
    /// memory.oom.group of its cgroup, 0 or 1; nothing on cgroup v1, or where its cgroup cannot be seen.
    #[serde(rename = "memory.oom.group")]
    pub oom_group: Option<u8>,
    /// Its cgroup, as it is called in its cgroup namespace; nothing on cgroup v1.
    pub cgroup: Option<String>,
}

impl Probe {
    /// This process.
    ///
    /// # Errors
    /// Where `/proc` is not there.
    pub fn own() -> std::io::Result<Probe> {
        let score = std::fs::read_to_string("/proc/self/oom_score_adj")?;
        let score = score.trim().parse().map_err(std::io::Error::other)?;
        let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let cgroup = groups.lines().find_map(|line| line.strip_prefix("0::")).map(str::to_owned);
        let flag = cgroup.as_ref().and_then(|path| {
            let file = format!("/sys/fs/cgroup{}/memory.oom.group", path.trim_end_matches('/'));
            std::fs::read_to_string(file).ok()?.trim().parse().ok()
        });
        Ok(Probe { oom_score_adj: score, oom_group: flag, cgroup })
    }

    /// The one that is among what an engine's client printed, such as a build's log.
    #[must_use]
    pub fn find(text: &str) -> Option<Probe> {
        text.lines().rev().find_map(|line| serde_json::from_str(line.get(line.find('{')?..)?.trim_end()).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_is_found_in_a_log() {
        let own = Probe::own().unwrap();
        let line = serde_json::to_string(&own).unwrap();
        let log = format!("#5 [1/1] RUN\n#5 0.12 {{not}}\n#5 0.123 {line}\r\n#5 DONE 0.2s\n");
        assert_eq!(Probe::find(&log), Some(own));
        assert_eq!(Probe::find("#5 DONE {} \n"), None);
    }
}
