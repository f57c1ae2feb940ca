//! Whether memory killed a job, and whose memory was short. Pure. An exit status of 137 is no evidence.

use std::path::PathBuf;

use super::evidence::Evidence;

/// Whose memory was short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The job's own limit.
    OwnLimit(Option<u64>),
    /// A limit above it, which others use too.
    SharedLimit {
        /// The kernel's name of the cgroup.
        cgroup: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// The machine's memory.
    Machine,
    /// `oomshim guard` acted before the kernel had to; its own word for why.
    Guard(String),
}

impl Cause {
    /// A name for programs, as `oomshim report` has it.
    #[must_use]
    pub fn id(&self) -> &'static str {
        match self {
            Cause::OwnLimit(_) => "own-limit",
            Cause::SharedLimit { .. } => "shared-limit",
            Cause::Machine => "whole-machine",
            Cause::Guard(_) => "guard",
        }
    }
}

/// Why memory killed processes of the job; `None` where it killed none.
#[must_use]
pub fn judge(evidence: &Evidence) -> Option<Cause> {
    // The guard makes the kernel count a kill, so this comes first.
    if let Some(why) = &evidence.guard {
        return Some(Cause::Guard(why.clone()));
    }
    if evidence.kills == 0 {
        return None;
    }
    if evidence.own_shortages > 0 {
        return Some(Cause::OwnLimit(evidence.limit));
    }
    // The nearest: what is above it may have run out because of it.
    let above = evidence.above.first();
    Some(above.map_or(Cause::Machine, |above| Cause::SharedLimit { cgroup: above.cgroup.clone(), limit: above.limit }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::evidence::Above;

    fn killed() -> Evidence {
        Evidence { kills: 2, limit: Some(1 << 20), ..Evidence::default() }
    }

    #[test]
    fn nothing_counted_is_no_out_of_memory() {
        assert_eq!(judge(&Evidence::default()), None);
        let limit_hit = Evidence { own_shortages: 3, ..Evidence::default() };
        assert_eq!(judge(&limit_hit), None, "nobody died of it");
    }

    #[test]
    fn the_nearest_shortage_is_the_cause() {
        let above = |name: &str| Above { cgroup: name.into(), limit: 7, shortages: 1 };
        assert_eq!(judge(&killed()), Some(Cause::Machine));
        assert_eq!(judge(&Evidence { own_shortages: 1, ..killed() }), Some(Cause::OwnLimit(Some(1 << 20))));
        let shared = Evidence { above: vec![above("/ci/a"), above("/ci")], ..killed() };
        assert_eq!(judge(&shared), Some(Cause::SharedLimit { cgroup: "/ci/a".into(), limit: 7 }));
    }

    #[test]
    fn the_guards_kill_is_not_the_jobs_own_limit() {
        let guard = Evidence { guard: Some("exhaustion".into()), own_shortages: 9, ..killed() };
        assert_eq!(judge(&guard), Some(Cause::Guard("exhaustion".into())));
        let without_prelude = Evidence { guard: Some("thrash".into()), ..Evidence::default() };
        assert_eq!(judge(&without_prelude).map(|cause| cause.id()), Some("guard"));
    }
}
