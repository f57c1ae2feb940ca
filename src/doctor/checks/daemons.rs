//! Daemons that are as likely to die as what they start.

use super::super::{Finding, Machine};

/// What counts as immune: containerd's usual unit says -999.
const IMMUNE: i16 = -900;

/// Looks at the scores of the engines that run.
#[must_use]
pub fn run(machine: &Machine) -> Vec<Finding> {
    if machine.engines.is_empty() {
        return vec![Finding::cannot_judge("no engine runs that is known here (buildkitd, dockerd, containerd, crio)")];
    }
    let judge = |running: &super::super::machine::Running| {
        let (name, score, unit) = (running.name(), running.score.get(), running.unit());
        let mend = format!(
            "now: `oomshim protect --pid {}`; for good: `OOMScoreAdjust=-1000` under [Service] with `systemctl edit {unit}`",
            running.pid
        );
        match score {
            ..=IMMUNE => Finding::pass(format!("{name} has the score {score}")),
            ..0 => Finding::warn(format!("{name} has the score {score}: when it is large enough it dies first"), mend),
            0.. => Finding::fail(format!("{name} has the score {score} and may die instead of a build step"), mend),
        }
    };
    machine.engines.iter().map(judge).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::Verdict;
    use super::super::super::machine::tests::{process, with};
    use super::*;

    #[test]
    fn a_daemon_without_a_low_score_fails() {
        let of = |score| with(&[process(7, 1, "buildkitd", score)], &[]);
        for (score, expected) in [
            (-1000, Verdict::Pass),
            (-999, Verdict::Pass),
            (-500, Verdict::Warn),
            (0, Verdict::Fail),
            (500, Verdict::Fail),
        ] {
            let (_root, machine) = of(score);
            let [finding] = <[Finding; 1]>::try_from(run(&machine)).unwrap();
            assert_eq!(finding.verdict, expected, "{score}");
            assert!(finding.mend.is_none_or(|mend| mend.contains("--pid 7") && mend.contains("buildkit.service")));
        }
    }
}
