//! The policy that an engine's shim reads, and what becomes of it during a scenario.

use std::path::{Path, PathBuf};
use std::sync::RwLock;

use anyhow::{Result, anyhow, ensure};

/// What a strict policy says where this machine's root, which has no `CAP_SYS_RESOURCE`, cannot lower a score.
pub(crate) const CLAMPED: &str = "oomshim: class daemon gives oom_score_adj -1000, but this process may not go below";

/// Strict, so that nothing is forgiven. Two rules that lower the score, for containers that the scenarios pick out by
/// the parent of their cgroup or by what Kubernetes would write.
const TEXT: &str = r#"
[[rule]]
class = "daemon"
match.cgroup = "/oomshim-immune*"
[[rule]]
class = "daemon"
match.annotation."io.kubernetes.cri.container-name" = "buildkitd"
[apply]
strict = true
"#;

/// A policy file, and the file that records go to.
#[derive(Debug)]
pub(crate) struct Policy {
    path: PathBuf,
    records: PathBuf,
    // Who starts containers reads it; who breaks it writes it.
    lock: RwLock<()>,
}

impl Policy {
    /// The strict policy, in that directory.
    pub(crate) fn new(directory: &Path) -> Result<Policy> {
        let policy = Policy {
            path: directory.join("policy.toml"),
            records: directory.join("records.jsonl"),
            lock: RwLock::default(),
        };
        policy.write("")?;
        Ok(policy)
    }

    fn write(&self, ending: &str) -> Result<()> {
        // The path needs no escapes: it is in the suite's own directory.
        let log = format!("[log]\nto = \"{}\"\nlevel = \"debug\"\n", self.records.display());
        std::fs::write(&self.path, format!("{TEXT}{log}{ending}"))?;
        Ok(())
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// `OOMSHIM_POLICY=…`
    pub(crate) fn variable(&self) -> String {
        format!("OOMSHIM_POLICY={}", self.path.display())
    }

    /// Starts containers while the policy is right.
    pub(crate) fn right<T>(&self, act: impl FnOnce() -> Result<T>) -> Result<T> {
        let _guard = self.lock.read().map_err(|error| anyhow!("{error}"))?;
        act()
    }

    /// Does something while the policy has a mistake, which [`Policy::check_mistake`] knows.
    pub(crate) fn wrong<T>(&self, act: impl FnOnce() -> Result<T>) -> Result<T> {
        let _guard = self.lock.write().map_err(|error| anyhow!("{error}"))?;
        self.write("levle = \"info\"\n")?;
        let done = act();
        self.write("")?;
        done
    }

    /// Whether what the engine's user sees names the file, the line, the mistake and what to do.
    pub(crate) fn check_mistake(&self, seen: &str) -> Result<()> {
        let line = TEXT.lines().count() + 4;
        for part in [&format!("{}:{line}:", self.path.display()), "levle", "level", "oomshim policy check"] {
            ensure!(seen.contains(part), "{part:?} is not in what the user sees:\n{seen}");
        }
        Ok(())
    }

    /// What was recorded, one line of JSON for each.
    pub(crate) fn records(&self) -> Result<String> {
        Ok(std::fs::read_to_string(&self.records)?)
    }
}
