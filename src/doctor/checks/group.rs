//! Daemons that the kernel kills as a group with their steps: in a cgroup with `memory.oom.group`, or below one.

use std::path::PathBuf;

use super::super::snapshot::RunningEngine;
use super::super::{Finding, Snapshot};
use crate::engines::standing::Standing;
use crate::system::oom_group::{self, OomGroupError};
use crate::system::oom_score_adj::OomScoreAdj;
use crate::system::process::Process;

/// Looks at the cgroups of the engines that run, those in containers included.
#[must_use]
pub fn run(machine: &Snapshot) -> Vec<Finding> {
    let mut findings: Vec<Finding> = machine.engines.iter().map(|running| judge(machine, running)).collect();
    let contained = machine.strangers.iter().filter(|stranger| stranger.standing == Standing::Contained);
    findings.extend(contained.filter_map(|stranger| {
        let flagged = flagged(machine, stranger.pid)?.ok().filter(|flagged| !flagged.is_empty())?;
        let message = format!(
            "{} is below {}, which is 1: a step that runs out of memory in there takes it along",
            stranger.name(),
            shown(&flagged)
        );
        // Its cgroup's path is the container's to choose, so the command has none.
        let remedy = "start it in its container with `oomshim protect --ungroup -- …`; with a kubelet, `singleProcessOOMKill: true` \
                      is another way";
        Some(Finding::warn(message, remedy))
    }));
    if findings.is_empty() {
        findings.push(Finding::skipped("no engine runs that is known here"));
    }
    findings
}

fn flagged(machine: &Snapshot, pid: u32) -> Option<Result<Vec<PathBuf>, OomGroupError>> {
    let cgroups = Process::open(&machine.roots.proc, pid).and_then(|process| process.cgroups()).ok()?;
    Some(oom_group::flagged(&machine.roots.cgroup, &cgroups))
}

fn shown(files: &[PathBuf]) -> String {
    files.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" and ")
}

fn judge(machine: &Snapshot, running: &RunningEngine) -> Finding {
    let name = running.name();
    let flagged = match flagged(machine, running.pid) {
        None => return Finding::skipped(format!("the cgroup of {name} cannot be read")),
        Some(Err(error)) => return Finding::skipped(format!("{name}: {error}")),
        Some(Ok(flagged)) if flagged.is_empty() => {
            return Finding::pass(format!("{name} is in no cgroup that is killed as a group"));
        }
        Some(Ok(flagged)) => shown(&flagged),
    };
    let remedy = format!(
        "now: `oomshim protect --ungroup --score {} --pid {}`; for good: `OOMPolicy=continue` under [Service] with `systemctl edit {}`",
        running.score,
        running.pid,
        running.unit()
    );
    if running.score == OomScoreAdj::MIN {
        let message = format!(
            "{name} is below {flagged}, which is 1: only its oom_score_adj spares it, and its helpers are killed"
        );
        return Finding::warn(message, remedy);
    }
    Finding::fail(format!("{name} is below {flagged}, which is 1: it is killed together with a step in there"), remedy)
}

#[cfg(test)]
mod tests {
    use super::super::super::Status;
    use super::super::super::snapshot::tests::{process, with};
    use super::*;

    fn findings(score: i64, is_contained: bool, files: &[(&str, &str)]) -> Vec<Finding> {
        let mut daemon = process(7, 1, "buildkitd", score);
        if is_contained {
            daemon[0].1 = daemon[0].1.replace("NSpid:\t7", "NSpid:\t7\t1");
        }
        let all = [&[("proc/7/cgroup", "0::/kubepods/pod/ctr\n"), ("cgroup/kubepods/pod/ctr/x", "")], files].concat();
        let (_root, machine) = with(&[process(1, 0, "init", 0), daemon], &all);
        run(&machine)
    }

    #[test]
    fn a_flag_anywhere_above_counts() {
        let own = ("cgroup/kubepods/pod/ctr/memory.oom.group", "1\n");
        let above = ("cgroup/kubepods/memory.oom.group", "1\n");
        let cleared = ("cgroup/kubepods/pod/ctr/memory.oom.group", "0\n");
        for (score, files, expected) in [
            (-999, &[][..], Status::Pass),
            (-999, &[cleared], Status::Pass),
            (-999, &[own], Status::Fail),
            (0, &[cleared, above], Status::Fail),
            (-1000, &[above], Status::Warn),
        ] {
            let found = findings(score, false, files);
            assert_eq!((found.len(), found[0].status), (1, expected), "{score} {files:?}: {found:?}");
        }
    }

    #[test]
    fn a_builder_in_a_container_is_told_what_it_can_do() {
        let flag = ("cgroup/kubepods/pod/ctr/memory.oom.group", "1\n");
        let found = findings(0, true, &[flag]);
        assert!(
            found[0].status == Status::Warn && found[0].message.starts_with("buildkitd (7, in a container)"),
            "{found:?}"
        );
        let remedy = found[0].remedy.as_deref().unwrap();
        assert!(remedy.contains("oomshim protect --ungroup -- ") && !remedy.contains("kubepods"), "{remedy}");
        assert_eq!(findings(0, true, &[])[0].status, Status::Skipped);
    }
}
