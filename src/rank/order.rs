//! The order in which the kernel would pick its victims.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::badness::{Badness, Exemption, Rules, is_vfork_child};
use super::task::Task;

/// A process that the kernel may pick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The process.
    pub task: Task,
    /// How bad it is.
    pub badness: Badness,
    /// Where it stands among those that are visited: of equals the last one is picked.
    position: u64,
}

/// The processes that may be picked, the first victim first, and those that may not.
#[must_use]
pub fn order(rules: &Rules, tasks: Vec<Task>) -> (Vec<Candidate>, Vec<(Task, Exemption)>) {
    // Only a waiting parent can have a child in its memory.
    let waiting: HashMap<u32, Task> =
        tasks.iter().filter(|task| task.state == b'D').map(|task| (task.pid, task.clone())).collect();
    let (mut candidates, mut exempt) = (Vec::with_capacity(tasks.len()), Vec::new());
    for (position, task) in tasks.into_iter().enumerate() {
        let vfork = || {
            let parent = waiting.get(&task.parent)?;
            is_vfork_child(&task, parent).then_some(Exemption::Vfork)
        };
        match (rules.exemption(&task).or_else(vfork), task.memory) {
            (None, Some(memory)) => {
                let badness = rules.badness(&memory, task.score);
                candidates.push(Candidate { task, badness, position: position as u64 });
            }
            (exemption, _) => exempt.push((task, exemption.unwrap_or(Exemption::Ended))),
        }
    }
    sort(rules, &mut candidates);
    (candidates, exempt)
}

fn sort(rules: &Rules, candidates: &mut [Candidate]) {
    if rules.kernel.first_of_equals_wins() {
        candidates.sort_unstable_by_key(|candidate| (Reverse(candidate.badness.points), candidate.position));
    } else {
        candidates.sort_unstable_by_key(|candidate| Reverse((candidate.badness.points, candidate.position)));
    }
}

/// Orders equals by when they started, as the whole machine's processes are visited, as far as that decides who is
/// among the first `count`. PIDs alone do not tell: they start again from below.
pub fn break_ties(rules: &Rules, candidates: &mut [Candidate], count: usize, started: impl Fn(u32) -> Option<u64>) {
    let mut from = 0;
    while from < candidates.len().min(count) {
        let points = candidates[from].badness.points;
        let same = candidates[from..].iter().take_while(|candidate| candidate.badness.points == points).count();
        let equals = &mut candidates[from..from + same];
        if same > 1 {
            for candidate in equals.iter_mut() {
                // Within a tick the PIDs ascend.
                let tick = started(candidate.task.pid).unwrap_or(0);
                candidate.position = (tick << 24) | u64::from(candidate.task.pid);
            }
            sort(rules, equals);
        }
        from += same;
    }
}

/// The processes whose badness is within `lag` pages of the worst's, when there is more than one such.
#[must_use]
pub fn close(candidates: &[Candidate], lag: i64) -> Vec<u32> {
    let Some(worst) = candidates.first() else { return Vec::new() };
    let floor = worst.badness.points.saturating_sub(lag);
    let close: Vec<u32> =
        candidates.iter().take_while(|other| other.badness.points >= floor).map(|other| other.task.pid).collect();
    if close.len() > 1 { close } else { Vec::new() }
}

/// The process that dies: the worst candidate, or on old kernels the worst of its children that has memory of its own.
#[must_use]
pub fn victim<'a>(rules: &Rules, candidates: &'a [Candidate]) -> Option<&'a Candidate> {
    let worst = candidates.first()?;
    if !rules.kernel.sacrifices_a_child() {
        return Some(worst);
    }
    let child =
        candidates.iter().find(|other| other.task.parent == worst.task.pid && other.task.memory != worst.task.memory);
    child.or(Some(worst))
}

#[cfg(test)]
mod tests {
    use super::super::kernel::Kernel;
    use super::super::task::Memory;
    use super::*;
    use crate::system::oom_score_adj::OomScoreAdj;

    fn rules(release: &str) -> Rules {
        Rules { kernel: Kernel::parse(release).unwrap(), page: 4096, total: 1_000_000, initial_namespace: true }
    }

    fn task(pid: u32, pages: u64, adj: i64) -> Task {
        Task {
            pid,
            parent: 1,
            name: (*b"x").into(),
            score: OomScoreAdj::new(adj).unwrap(),
            memory: Some(Memory { anonymous: pages * 4096, ..Memory::default() }),
            state: b'S',
            is_kernel_thread: false,
        }
    }

    fn pids(candidates: &[Candidate]) -> Vec<u32> {
        candidates.iter().map(|candidate| candidate.task.pid).collect()
    }

    #[test]
    fn the_worst_comes_first_and_the_exempt_not_at_all() {
        let tasks = vec![
            task(1, 900_000, 0),
            task(5, 10, 0),
            task(6, 10, 500),
            task(7, 800_000, -1000),
            task(8, 400_000, -300),
        ];
        let (candidates, exempt) = order(&rules("6.12"), tasks);
        assert_eq!(pids(&candidates), [6, 8, 5]);
        assert_eq!(
            exempt.iter().map(|(task, why)| (task.pid, *why)).collect::<Vec<_>>(),
            [(1, Exemption::Init), (7, Exemption::Score)]
        );
    }

    #[test]
    fn of_equals_the_last_visited_is_picked_and_on_old_kernels_the_first() {
        let tasks = || vec![task(9, 10, 0), task(5, 10, 0), task(7, 10, 0)];
        assert_eq!(pids(&order(&rules("6.12"), tasks()).0), [7, 5, 9]);
        assert_eq!(pids(&order(&rules("5.2"), tasks()).0), [9, 5, 7]);
    }

    #[test]
    fn equals_of_the_whole_machine_are_ordered_by_their_start() {
        let rules = rules("6.12");
        let (mut candidates, _) =
            order(&rules, vec![task(5, 10, 0), task(7, 10, 0), task(8, 10, 0), task(9, 5, 0), task(10, 5, 0)]);
        // 5 started last: PIDs have started again from below. 9 and 10 are beyond the two that are wanted.
        break_ties(
            &rules,
            &mut candidates,
            2,
            |pid| if pid > 8 { panic!("not needed") } else { Some(u64::from(pid == 5)) },
        );
        assert_eq!(pids(&candidates), [5, 8, 7, 10, 9]);
    }

    #[test]
    fn what_the_kernels_counters_cannot_tell_apart_is_close() {
        let of = |lag| close(&order(&rules("6.12"), vec![task(5, 1000, 0), task(6, 936, 0), task(7, 935, 0)]).0, lag);
        assert_eq!((of(64), of(63), of(65)), (vec![5, 6], vec![], vec![5, 6, 7]));
        assert_eq!(close(&[], 64), [0; 0]);
    }

    #[test]
    fn old_kernels_take_a_child_with_memory_of_its_own() {
        let tasks = || {
            vec![
                task(5, 100, 0),
                Task { parent: 5, ..task(6, 10, 0) },
                Task { parent: 5, ..task(7, 20, 0) },
                task(8, 50, 0),
            ]
        };
        let of = |release: &str| victim(&rules(release), &order(&rules(release), tasks()).0).unwrap().task.pid;
        assert_eq!((of("4.19"), of("5.1")), (7, 5));
        assert_eq!(victim(&rules("6.12"), &[]), None);
    }

    #[test]
    fn a_vfork_child_is_passed_over_until_it_is_a_program_of_its_own() {
        let parent = Task { state: b'D', ..task(5, 100, 0) };
        let (candidates, exempt) = order(
            &rules("6.12"),
            vec![parent, Task { parent: 5, ..task(6, 100, 0) }, Task { parent: 5, ..task(7, 99, 0) }],
        );
        assert_eq!((pids(&candidates), exempt[0].1), (vec![5, 7], Exemption::Vfork));
    }
}
