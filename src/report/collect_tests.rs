//! Whole logs: their order, what is told in part, and what they cost.

use std::time::Duration;

use super::super::input;
use super::*;

fn kill(pid: u32, reach: &str) -> String {
    format!(
        "{reach}: Killed process {pid} (x) total-vm:8kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:0"
    )
}

fn pids(log: &str) -> Vec<u32> {
    let (events, _) = all(input::all(log.as_bytes()));
    events.iter().flat_map(|it| &it.killed).map(|it| it.pid).collect()
}

fn summary(pid: u32) -> String {
    format!(
        "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,task_memcg=/a,task=x,pid={pid},uid=0"
    )
}

#[test]
fn newest_first_is_known_by_its_times() {
    let line = |second: u32, text: &str| format!("Jun 13 09:{:02}:{:02} h kernel: {text}\n", second / 60, second % 60);
    let lines: Vec<String> = (0..50).map(|at| line(at * 20, &kill(at + 1, "Out of memory"))).collect();
    assert_eq!(pids(&lines.concat()), (1..=50).collect::<Vec<_>>());
    let turned: String = lines.iter().rev().map(String::as_str).collect();
    assert_eq!(pids(&turned), (1..=50).collect::<Vec<_>>());
}

#[test]
fn newest_first_is_known_by_summaries_without_times() {
    let log = [kill(7, "Memory cgroup out of memory"), summary(7), kill(5, "Memory cgroup out of memory"), summary(5)];
    let (events, _) = all(input::all(log.join("\n").as_bytes()));
    assert_eq!(events.iter().map(|it| (it.killed[0].pid, it.is_cut)).collect::<Vec<_>>(), [(5, false), (7, false)]);
}

#[test]
fn a_reboot_does_not_turn_the_log_around() {
    let line = |second: u32, pid: u32| format!("[{second:5}.000000] {}\n", kill(pid, "Out of memory"));
    assert_eq!(pids(&[line(9000, 1), line(9100, 2), line(5, 3), line(60, 4)].concat()), [1, 2, 3, 4]);
}

#[test]
fn what_is_not_understood_is_counted() {
    let log = "hello\nout of memory here: something new\n[    1.000000] new_killer: Out of memory, killing all\n";
    let (events, rest) = all(input::all(log.as_bytes()));
    assert_eq!((events.len(), rest.not_understood), (0, 2));
    assert_eq!(rest.first_not_understood.map(|it| it.line), Some(2));
}

#[test]
fn frames_and_reapers_are_understood() {
    let log = "[    1.000000]  oom_kill_process+0x68/0x140\n[    1.000000] oom_reaper: reaped process 7 (x), now anon-rss:0kB\n";
    let (_, rest) = all(input::all(log.as_bytes()));
    assert!(rest.is_empty(), "{rest:?}");
}

/// What this thread has computed so far; others share the machine.
fn computed() -> Duration {
    let clock = nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap();
    Duration::new(clock.tv_sec().try_into().unwrap(), clock.tv_nsec().try_into().unwrap())
}

/// The least of a few runs.
fn cost(log: &[u8]) -> Duration {
    let run = || {
        let start = computed();
        let (events, _) = all(input::all(log));
        assert!(events.len() < usize::MAX);
        computed().checked_sub(start).unwrap()
    };
    (0..3).map(|_| run()).min().unwrap()
}

/// Makes a log of something that is repeated so many times.
type Shape = Box<dyn Fn(u32) -> Vec<u8>>;

/// Logs that are made to cost time: each is linear in how often something is repeated.
#[test]
fn hostile_logs_cost_in_proportion_to_their_size() {
    let json_open = "{\"a\":[\n";
    let shapes: [(&str, Shape); 12] = [
        ("kills", Box::new(|n| (0..n).map(|it| kill(it, "Out of memory") + "\n").collect::<String>().into_bytes())),
        (
            "one group",
            Box::new(|n| {
                let group = "Tasks in /a are going to be killed due to memory.oom.group set\n";
                let many: String = (0..n).map(|it| kill(it, "Memory cgroup out of memory") + "\n").collect();
                [&kill(1, "Memory cgroup out of memory"), "\n", group, &many].concat().into_bytes()
            }),
        ),
        ("a line", Box::new(|n| "Out of memory: Killed process ".repeat(n as usize).into_bytes())),
        ("words", Box::new(|n| [&"a ".repeat(n as usize), "Killed process 1 (x"].concat().into_bytes())),
        ("brackets", Box::new(|n| "[1.000000".repeat(n as usize).into_bytes())),
        (
            "wrapped",
            Box::new(|n| {
                ["Out of memory: Killed process 7 (x)\n", &"total-vm:8\n".repeat(n as usize)].concat().into_bytes()
            }),
        ),
        ("JSON that never ends", Box::new(move |n| json_open.repeat(n as usize).into_bytes())),
        ("JSON strings", Box::new(|n| ["{\"a\":\"", &"\\\"".repeat(n as usize)].concat().into_bytes())),
        ("fields", Box::new(|n| ["__CURSOR=x\n", &"_A=Out of memory\n".repeat(n as usize)].concat().into_bytes())),
        ("soft line breaks", Box::new(|n| ["=3D\n", &"x=\n".repeat(n as usize)].concat().into_bytes())),
        ("entities", Box::new(|n| "&lt;&amp;<br".repeat(n as usize).into_bytes())),
        ("summaries", Box::new(|n| [summary(7), ",task_memcg=/b".repeat(n as usize)].concat().into_bytes())),
    ];
    for (name, shape) in shapes {
        let (small, large) = (cost(&shape(1_000)), cost(&shape(8_000)));
        let ratio = large.as_secs_f64() / small.as_secs_f64().max(0.000_5);
        assert!(ratio < 32.0, "{name}: eight times the size costs {ratio:.1} times as much ({small:?}, {large:?})");
    }
}
