//! Daemons that are as likely to be killed as what they start.

use super::super::snapshot::RunningEngine;
use super::super::{Finding, Snapshot};

/// What counts as immune: containerd's usual unit says -999.
const IMMUNE: i16 = -900;

/// Looks at the engines that run, and names those that are not this machine's.
#[must_use]
pub fn run(machine: &Snapshot) -> Vec<Finding> {
    let mut findings: Vec<Finding> = machine.engines.iter().map(judge).collect();
    if findings.is_empty() {
        findings.push(Finding::skipped("no engine runs that is known here (buildkitd, dockerd, containerd, crio)"));
    }
    // Nobody becomes immune by what he calls his program.
    findings.extend(machine.strangers.iter().map(|stranger| {
        let (name, score) = (stranger.name(), stranger.score);
        Finding::skipped(format!("{name} has oom_score_adj {score}: only root's engines on the host are judged"))
    }));
    findings
}

fn judge(running: &RunningEngine) -> Finding {
    let (name, score, unit) = (running.name(), running.score.get(), running.unit());
    let remedy = format!(
        "now: `oomshim protect --pid {}`; for good: `OOMScoreAdjust=-1000` under [Service] with `systemctl edit {unit}`",
        running.pid
    );
    if score <= IMMUNE {
        Finding::pass(format!("{name} has oom_score_adj {score}"))
    } else if score < 0 {
        Finding::warn(format!("{name} has oom_score_adj {score}: it is killed first when it is large enough"), remedy)
    } else {
        Finding::fail(format!("{name} has oom_score_adj {score}, and may be killed instead of a build step"), remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Status;
    use super::super::super::snapshot::tests::{process, with};
    use super::*;

    #[test]
    fn a_daemon_without_a_low_score_fails() {
        let of = |score| with(&[process(7, 1, "buildkitd", score)], &[]);
        for (score, expected) in
            [(-1000, Status::Pass), (-999, Status::Pass), (-500, Status::Warn), (0, Status::Fail), (500, Status::Fail)]
        {
            let (_root, machine) = of(score);
            let [finding] = <[Finding; 1]>::try_from(run(&machine)).unwrap();
            assert_eq!(finding.status, expected, "{score}");
            assert!(
                finding.remedy.is_none_or(|remedy| remedy.contains("--pid 7") && remedy.contains("buildkit.service"))
            );
        }
    }
    #[test]
    fn nobody_is_told_to_make_a_stranger_immune() {
        let mut stranger = process(7, 1, "dockerd", 0);
        stranger[0].1 = stranger[0].1.replace("Uid:\t0", "Uid:\t1000");
        let (_root, machine) = with(&[stranger], &[]);
        let findings = run(&machine);
        assert!(findings.iter().all(|it| it.status == Status::Skipped && it.remedy.is_none()), "{findings:?}");
        assert!(findings[1].message.starts_with("dockerd (7, of the user with UID "), "{findings:?}");
    }
}
