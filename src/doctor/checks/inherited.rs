//! Processes that are immune only because a daemon that is started them.

use std::collections::HashMap;

use super::super::Finding;
use super::super::Snapshot;
use crate::rank::task::Task;
use crate::system::oom_score_adj::OomScoreAdj;
use crate::system::process::Process;
use crate::text::escape;

/// From here down a process is not killed before the machine is lost.
const IMMUNE: i16 = -500;

/// What the kubelet gives the processes of a Guaranteed pod (its `pkg/kubelet/qos`).
const GUARANTEED: i16 = -997;

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
pub fn run(machine: &Snapshot) -> Vec<Finding> {
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
    let (mut unseen, mut guaranteed) = (0, 0);
    for task in machine.tasks.iter().filter(|task| task.memory.is_some() && task.score.get() <= IMMUNE) {
        let is_engine = machine.engines.iter().any(|running| running.pid == task.pid);
        let is_helper = HELPERS.iter().any(|name| task.name.starts_with(name));
        if is_engine || is_helper {
            continue;
        }
        if task.score.get() == GUARANTEED && is_pods(machine, task.pid) {
            guaranteed += 1;
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
        findings.push(match unseen {
            0 => Finding::pass("no process of a container, and none that an engine started, is immune"),
            _ => {
                Finding::skipped(format!("the namespaces of {unseen} immune processes cannot be read: run it as root"))
            }
        });
    }
    if guaranteed > 0 {
        findings.push(Finding::pass(format!(
            "{guaranteed} more in Guaranteed pods have {GUARANTEED}, which the kubelet gives them: they die after what their node can spare"
        )));
    }
    findings
}

/// Whether the process is in the cgroup of a pod, whatever the kubelet's own is called.
fn is_pods(machine: &Snapshot, pid: u32) -> bool {
    let cgroups = Process::open(&machine.roots.proc, pid).and_then(|process| process.cgroups()).unwrap_or_default();
    cgroups.split(|byte| matches!(byte, b'/' | b'\n')).any(|name| name.windows(8).any(|part| part == b"kubepods"))
}

fn finding(task: &Task, place: &str) -> Finding {
    let (name, pid, score) = (escape::bytes(&task.name), task.pid, task.score.get());
    let outcome = if task.score == OomScoreAdj::MIN {
        "is never killed, and keeps its tmpfs and its cgroup"
    } else {
        "is killed last"
    };
    let message = format!("{name} ({pid}) {place} and has oom_score_adj {score}: it {outcome}");
    let remedy = format!("now: `echo 500 > /proc/{pid}/oom_score_adj`; for good: let oomshim start it (see `engines`)");
    Finding::fail(message, remedy)
}

#[cfg(test)]
mod tests {
    use super::super::super::Status;
    use super::super::super::snapshot::tests::{process, with};
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
            let directory = root.path().join(format!("proc/{pid}/ns"));
            std::fs::create_dir(&directory).unwrap();
            std::os::unix::fs::symlink(format!("pid:[{namespace}]"), directory.join("pid")).unwrap();
        }
        let findings = run(&machine);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(
            findings[0].message.starts_with("cc1plus (9) runs in a container and has oom_score_adj -1000"),
            "{findings:?}"
        );
    }

    #[test]
    fn what_the_kubelet_spares_is_noted_and_not_to_be_changed() {
        let cgroup = |pid: u32, path: &str| (format!("proc/{pid}/cgroup"), format!("0::{path}\n"));
        let pod = "/kubepods.slice/kubepods-pod3f25.slice/cri-containerd-0123.scope";
        let of = |score: i64, path: &str| {
            let mut worker = process(9, 7, "postgres", score);
            worker.push(cgroup(9, path));
            with(&[process(1, 0, "systemd", 0), process(7, 1, "buildkitd", -1000), worker], &[])
        };
        let (_root, machine) = of(-997, pod);
        let findings = run(&machine);
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings.iter().all(|it| it.status == Status::Pass && it.remedy.is_none()), "{findings:?}");
        assert!(findings[1].message.starts_with("1 more in Guaranteed pods have -997"), "{findings:?}");
        for (score, path) in [(-998, pod), (-997, "/system.slice/buildkit.service")] {
            let (_root, machine) = of(score, path);
            let findings = run(&machine);
            assert_eq!((findings.len(), findings[0].status), (1, Status::Fail), "{findings:?}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_not_passed() {
        let (_root, machine) = with(&[process(1, 0, "init", 0), process(11, 1, "sshd", -1000)], &[]);
        assert_eq!(run(&machine)[0].status, Status::Skipped);
        let (_root, machine) = with(&[process(1, 0, "init", 0), process(11, 1, "sh", 0)], &[]);
        assert_eq!(run(&machine)[0].status, Status::Pass);
    }
}
