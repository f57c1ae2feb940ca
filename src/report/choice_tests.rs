//! Why a victim was chosen.

use super::super::{collect, input};
use super::*;

fn event(log: &str) -> OomEvent {
    let (mut events, _) = collect::all(input::all(log.as_bytes()));
    assert_eq!(events.len(), 1, "{log}");
    events.remove(0)
}

const TITLES: &str = "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n";

fn machine() -> OomEvent {
    event(&format!(
        "x invoked oom-killer: gfp_mask=0x1, order=0, oom_score_adj=0\nMem-Info:\n\
         active_anon:1 inactive_anon:1 isolated_anon:0\nTotal swap = 40000kB\n100000 pages RAM\n10000 pages reserved\n{TITLES}\
         [      5]     0     5    90000    60000    40960        0          -500 dockerd\n\
         [      6]     0     6    90000    80000    40960        0         -1000 exempt\n\
         [      7]     0     7    40000    20000     8192     1000           500 cc1plus\n\
         [      8]     0     8    40000    30000     8192        0             0 java\n\
         Out of memory: Killed process 7 (cc1plus) total-vm:160000kB, anon-rss:80000kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:8kB oom_score_adj:500\n"
    ))
}

#[test]
fn the_largest_processes_are_told_in_bytes() {
    let largest = largest(&machine(), 2);
    assert_eq!(
        largest.iter().map(|it| (it.pid, it.resident)).collect::<Vec<_>>(),
        [(6, 80_000 << 12), (5, 60_000 << 12)]
    );
}

#[test]
fn the_score_decides_between_processes() {
    let choice = of(&machine()).unwrap();
    assert_eq!((choice.victim.pid, choice.next.as_ref().map(|it| it.pid)), (7, Some(8)));
    let total = 90_000 * 4096 + 40_000 * 1024;
    assert_eq!(choice.of, Some(total));
    assert_eq!(choice.victim.badness(total), (21_000 << 12) + 8192 + 500 * i128::from(total / 1000));
}

#[test]
fn a_cgroup_counts_its_own_limits() {
    let log = |swap: &str| {
        event(&format!(
            "memory: usage 1000kB, limit 1000kB, failcnt 1\n{swap}{TITLES}\
             [      7]     0     7    40000    20000     8192     1000           500 cc1plus\n\
             oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,task_memcg=/a,task=cc1plus,pid=7,uid=0\n"
        ))
    };
    let of = |swap: &str| of(&log(swap)).unwrap().of;
    assert_eq!(of("swap: usage 0kB, limit 24kB, failcnt 0\n"), Some(1024 << 10));
    assert_eq!(of("memory+swap: usage 0kB, limit 2000kB, failcnt 0\n"), Some(2000 << 10));
    assert_eq!(of("memory+swap: usage 0kB, limit 9007199254740988kB, failcnt 0\n"), None, "the machine's swap counts");
    assert_eq!(of(""), None);
}

#[test]
fn the_size_of_a_page_is_found_out() {
    let log = "[      7]     0     7    40000    20000     8192     1000           500 x\n\
               Out of memory: Killed process 7 (x) total-vm:2560000kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB\n";
    assert_eq!(event(log).page(), 65_536);
    assert_eq!(largest(&event(log), 1)[0].resident, 20_000 << 16);
}

#[test]
fn a_list_without_its_titles_is_read() {
    let log = "[      7]     0     7    40000    20000    19000      900       100    81920        5           500 x\n\
               Out of memory: Killed process 7 (x)\n";
    let [usage] = <[Usage; 1]>::try_from(largest(&event(log), 5)).unwrap();
    assert_eq!((usage.swap, usage.page_tables, usage.score), (5 << 12, 81_920, Some(500)));
}
