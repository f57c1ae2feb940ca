//! Processes that are immune only because a daemon that is started them.

use std::collections::HashMap;

use super::super::machine::Machine;
use super::super::{Finding, Verdict};
use crate::escape;
use crate::rank::task::Task;
use crate::score::OomScoreAdj;

/// From here down a process is not killed before the machine is lost.
const IMMUNE: i16 = -500;

/// What engines start for themselves, and want to live as long as they do.
const HELPERS: [&[u8]; 9] = [
    b"containerd",
    b"containerd-shim",
    b"conmon",
    b"conmonrs",
    b"docker-proxy",
    b"docker-init",
    b"dnsmasq",
    b"netavark",
    b"pause",
];

/// Looks for immune processes in containers and among the descendants of engines.
#[must_use]
pub fn run(machine: &Machine) -> Vec<Finding> {
    let parents: HashMap<u32, &Task> = machine.tasks.iter().map(|task| (task.pid, task)).collect();
    let engine_above = |task: &Task| {
        let mut pid = task.parent;
        // A chain of parents has no loop, but it is read while it changes.
        for _ in 0..64 {
            if let Some(running) = machine.engines.iter().find(|running| running.pid == pid) {
                return Some(running);
            }
            pid = parents.get(&pid)?.parent;
        }
        None
    };
    let mut findings = Vec::new();
    let mut unseen = 0;
    for task in machine.tasks.iter().filter(|task| task.memory.is_some() && task.score.get() <= IMMUNE) {
        let is_engine = machine.engines.iter().any(|running| running.pid == task.pid);
        let is_helper = HELPERS.iter().any(|name| task.name.starts_with(name));
        if is_engine || is_helper {
            continue;
        }
        let contained = machine.is_contained(task.pid);
        unseen += usize::from(contained.is_none());
        let above = engine_above(task);
        let place = match (contained, above) {
            (Some(true), _) => "runs in a container".to_owned(),
            (_, Some(running)) => format!("was started by {}", running.name()),
            _ => continue,
        };
        findings.push(finding(task, &place));
    }
    if findings.is_empty() {
        return vec![match unseen {
            0 => Finding::pass("no process of a container, and none that an engine started, is immune"),
            _ => Finding::cannot_judge(format!(
                "the namespaces of {unseen} immune processes cannot be read: run it as root"
            )),
        }];
    }
    findings
}

fn finding(task: &Task, place: &str) -> Finding {
    let (name, pid, score) = (escape::bytes(&task.name), task.pid, task.score.get());
    let outcome = if task.score == OomScoreAdj::MIN {
        "is never killed, and keeps its tmpfs and its cgroup"
    } else {
        "is killed last"
    };
    let message = format!("{name} ({pid}) {place} and has the score {score}: it {outcome}");
    let mend =
        format!("now: `echo 500 > /proc/{pid}/oom_score_adj`; for good: let oomshim-runc start it (see `engines`)");
    Finding { verdict: Verdict::Fail, message, mend: Some(mend) }
}

#[cfg(test)]
mod tests {
    use super::super::super::machine::tests::{process, with};
    use super::*;

    #[test]
    fn a_step_that_inherited_immunity_is_named_and_helpers_are_not() {
        let processes = [
            process(1, 0, "systemd", 0),
            process(7, 1, "buildkitd", -1000),
            process(8, 7, "runc", 0),
            process(9, 8, "cc1plus", -1000),
            process(10, 7, "containerd-shim", -999),
            process(11, 1, "sshd", -1000),
        ];
        let (root, machine) = with(&processes, &[]);
        for (pid, namespace) in [(1, 1), (7, 1), (9, 2), (11, 1)] {
            let folder = root.path().join(format!("proc/{pid}/ns"));
            std::fs::create_dir(&folder).unwrap();
            std::os::unix::fs::symlink(format!("pid:[{namespace}]"), folder.join("pid")).unwrap();
        }
        let findings = run(&machine);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(
            findings[0].message.starts_with("cc1plus (9) runs in a container and has the score -1000"),
            "{findings:?}"
        );
    }

    #[test]
    fn what_cannot_be_seen_is_not_passed() {
        let (_root, machine) = with(&[process(1, 0, "init", 0), process(11, 1, "sshd", -1000)], &[]);
        assert_eq!(run(&machine)[0].verdict, Verdict::CannotJudge);
        let (_root, machine) = with(&[process(1, 0, "init", 0), process(11, 1, "sh", 0)], &[]);
        assert_eq!(run(&machine)[0].verdict, Verdict::Pass);
    }
}
