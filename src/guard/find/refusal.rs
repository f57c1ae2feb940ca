//! Why a cgroup that looks like a job is left alone.

/// Why a cgroup that looks like a job is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The guard, init or the root is in it or below it.
    Above(&'static str),
    /// A daemon runs in it.
    Daemon(String),
    /// It holds several jobs.
    Parent,
    /// `[guard] never` names it.
    Never,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::Above(what) => write!(out, "{what} is in it"),
            Refusal::Daemon(name) => write!(out, "the daemon {name} runs in it"),
            Refusal::Parent => {
                out.write_str("it holds several cgroups with processes: a pod or an engine, not one job")
            }
            Refusal::Never => out.write_str("[guard] never names it"),
        }
    }
}

impl Refusal {
    /// What only holds jobs is no surprise.
    pub(super) fn is_worth_telling(&self) -> bool {
        *self != Refusal::Never
    }
}
