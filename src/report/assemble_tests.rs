//! Lines joined to events.

use super::super::kernel::Stat;
use super::super::{collect, input};
use super::*;

fn events(log: &str) -> Vec<OomEvent> {
    collect::all(input::all(log.as_bytes())).0
}

fn kill(pid: u32, reach: &str) -> String {
    format!(
        "{reach}Killed process {pid} (x) total-vm:8kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:500\n"
    )
}

const MEMCG: &str = "Memory cgroup out of memory: ";

fn pids(event: &OomEvent) -> Vec<u32> {
    event.killed.iter().map(|killed| killed.pid).collect()
}

#[test]
fn a_group_kill_is_one_event_and_its_first_victim_counts_once() {
    let group = "Tasks in /job are going to be killed due to memory.oom.group set\n";
    let summary = "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/job,task_memcg=/job/a,task=x,pid=7,uid=0\n";
    let header = "x invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=500\n";
    let log = [
        header,
        "memory: usage 8kB, limit 8kB, failcnt 1\n",
        "shmem 4096\n",
        summary,
        &kill(7, MEMCG),
        group,
        &kill(7, MEMCG),
        &kill(8, MEMCG),
        "oom_reaper: reaped process 8 (x)\n",
        &kill(9, MEMCG),
    ]
    .concat();
    let [event] = <[OomEvent; 1]>::try_from(events(&log)).unwrap();
    assert_eq!(
        (pids(&event), event.group.clone(), event.limit(), event.stat(Stat::Shared)),
        (vec![7, 8, 9], Some("/job".into()), Some(8192), Some(4096))
    );
    assert_eq!((event.limit_path, event.victim_path), (Some("/job".into()), Some("/job/a".into())));
}

#[test]
fn kills_without_their_header_are_events_of_their_own() {
    let log = [kill(7, MEMCG), kill(8, MEMCG), kill(9, "Out of memory: ")].concat();
    assert_eq!(events(&log).iter().map(pids).collect::<Vec<_>>(), [[7], [8], [9]]);
}

#[test]
fn what_comes_later_belongs_to_another_shortage() {
    let group = "Tasks in /job are going to be killed due to memory.oom.group set\n";
    let at = |seconds: u32, text: &str| format!("[{seconds:5}.000000] {text}");
    let log = [at(1, &kill(7, MEMCG)), at(1, group), at(1, &kill(8, MEMCG)), at(60, &kill(9, MEMCG))].concat();
    assert_eq!(events(&log).iter().map(pids).collect::<Vec<_>>(), [vec![7, 8], vec![9]]);
}

#[test]
fn a_kernel_before_5_0_says_it_in_other_words() {
    let log = "Task in /a/b killed as a result of limit of /a\nmemory: usage 8kB, limit 8kB, failcnt 1\n\
               Memory cgroup out of memory: Kill process 7 (x) score 9 or sacrifice child\n\
               Killed process 8 (y) total-vm:8kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB\n";
    let [event] = <[OomEvent; 1]>::try_from(events(log)).unwrap();
    assert_eq!((pids(&event), event.reach, event.limit_path), (vec![8], Some(Reach::Cgroup), Some("/a".into())));
}

#[test]
fn a_panic_ends_what_nothing_could_be_killed_for() {
    let log = "x invoked oom-killer: gfp_mask=0x1, order=0, oom_score_adj=-1000\nOut of memory and no killable processes...\n\
               Kernel panic - not syncing: System is deadlocked on memory\n";
    let [event] = <[OomEvent; 1]>::try_from(events(log)).unwrap();
    assert!(event.nothing_killable && event.panicked && event.killed.is_empty());
    assert_eq!(
        events("x invoked oom-killer: gfp_mask=0x1, order=0, oom_score_adj=0\n"),
        [],
        "a victim was dying already"
    );
}

#[test]
fn a_group_that_follows_at_once_keeps_its_first_victim() {
    let group = |path: &str| format!("Tasks in {path} are going to be killed due to memory.oom.group set\n");
    let at = |millis: u32, text: &str| format!("[    5.{millis:03}000] {text}");
    let log = [
        at(0, &kill(7, MEMCG)),
        at(1, &group("/a")),
        at(2, &kill(7, MEMCG)),
        at(3, &kill(8, MEMCG)),
        at(300, &kill(9, MEMCG)),
        at(301, &group("/b")),
        at(302, &kill(9, MEMCG)),
        at(303, &kill(10, MEMCG)),
    ]
    .concat();
    let [a, b] = <[OomEvent; 2]>::try_from(events(&log)).unwrap();
    assert_eq!((pids(&a), a.group), (vec![7, 8], Some("/a".into())));
    assert_eq!((pids(&b), b.group), (vec![9, 10], Some("/b".into())));
    assert_eq!((b.time, b.reach), (Time::since_boot(5_300_000), Some(Reach::Cgroup)));
}

#[test]
fn times_in_words_tell_what_is_late_too() {
    for (morning, evening) in [
        ("[Sun Nov 22 07:00:00 2026] ", "[Sun Nov 22 19:00:00 2026] "),
        ("Nov 22 07:00:00 host kernel: ", "Nov 22 19:00:00 host kernel: "),
        ("2026-11-22T07:00:00+0100 host kernel: ", "2026-11-22T19:00:00+0100 host kernel: "),
    ] {
        let group = format!("{morning}Tasks in /a are going to be killed due to memory.oom.group set\n");
        let [first, last] = [(7, morning), (9, evening)].map(|(pid, time)| [time, &kill(pid, MEMCG)].concat());
        let log = [first, group, last].concat();
        assert_eq!(events(&log).iter().map(pids).collect::<Vec<_>>(), [[7], [9]], "{morning}");
    }
}

#[test]
fn a_list_of_tasks_may_take_its_time() {
    let summary = "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/a,task=x,pid=7,uid=0\n";
    let log = [
        "[    5.000000] x invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=-1, oom_score_adj=500\n",
        "[    9.000000] [    500]     0   500     5000      100    45056        0             0 bash\n",
        &format!("[   13.000000] {summary}"),
        &format!("[   13.000001] {}", kill(7, "Out of memory: ")),
    ]
    .concat();
    let [event] = <[OomEvent; 1]>::try_from(events(&log)).unwrap();
    assert!(event.manual && event.time == Time::since_boot(5_000_000));
}

#[test]
fn a_follower_keeps_what_is_not_over_yet() {
    let mut assembler = EventAssembler::default();
    let log = format!("x invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=-1, oom_score_adj=500\n{}", kill(7, ""));
    let [header, kill] = <[Entry; 2]>::try_from(input::all(log.as_bytes())).unwrap();
    let mut out = Vec::new();
    assembler.entry(&header, &mut out);
    assembler.pause(&mut out);
    assembler.entry(&kill, &mut out);
    assert_eq!(out, []);
    assembler.pause(&mut out);
    let [Assembled::Event(event)] = out.as_slice() else { panic!("{out:?}") };
    assert!(event.manual && pids(event) == [7]);
}

const OWN: &str = "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,task_memcg=/a,task=x,pid=7,uid=0\n";
const GLOBAL: &str = "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/a,task=x,pid=7,uid=0\n";

#[test]
fn a_summary_counts_for_its_own_victim() {
    for (log, expected) in [
        ([OWN, &kill(7, MEMCG)].concat(), vec![(vec![7], true, false)]),
        ([OWN, &kill(8, MEMCG)].concat(), vec![(vec![7], true, true), (vec![8], false, false)]),
        ([GLOBAL, &kill(7, MEMCG)].concat(), vec![(vec![7], true, true), (vec![7], false, false)]),
        ([OWN, &kill(7, "Out of memory: ")].concat(), vec![(vec![7], true, true), (vec![7], false, false)]),
        ([OWN, OWN].concat(), vec![(vec![7], true, true), (vec![7], true, true)]),
    ] {
        let found: Vec<_> = events(&log).iter().map(|it| (pids(it), it.summary.is_some(), it.is_cut)).collect();
        assert_eq!(found, expected, "{log}");
    }
}

#[test]
fn a_beginning_without_its_kill_ends() {
    let at = |seconds: u32, text: &str| format!("[{seconds:5}.000000] {text}");
    let header = "x invoked oom-killer: gfp_mask=0x1, order=0, oom_score_adj=0\n";
    let late = [at(1, header), at(60, &kill(7, "Out of memory: "))].concat();
    let [event] = <[OomEvent; 1]>::try_from(events(&late)).unwrap();
    assert_eq!(event.invoked, None);
    let (_, rest) = collect::all(input::all(late.as_bytes()));
    assert_eq!((rest.incomplete, rest.first_incomplete.map(|it| it.line)), (1, Some(1)));
    let soon = [at(1, header), at(9, &kill(7, "Out of memory: "))].concat();
    assert!(events(&soon)[0].invoked.is_some());
}

#[test]
fn what_was_exiting_takes_no_other_victim() {
    let exiting = "Memory cgroup out of memory: OOM victim 7 (x) is already exiting. Skip killing the task\n";
    let [skipped, other] = <[OomEvent; 2]>::try_from(events(&[OWN, exiting, &kill(9, MEMCG)].concat())).unwrap();
    assert_eq!((pids(&skipped), skipped.exiting, skipped.is_cut), (vec![], vec![(7, b"x".to_vec())], false));
    assert_eq!((pids(&other), other.limit_path), (vec![9], None));
}

#[test]
fn another_boot_is_another_event() {
    let group = "Tasks in /a are going to be killed due to memory.oom.group set\n";
    let log = [
        format!("[ 9000.000000] {}", kill(7, MEMCG)),
        format!("[ 9000.000001] {group}"),
        format!("[    5.000000] {}", kill(8, MEMCG)),
    ];
    assert_eq!(events(&log.concat()).iter().map(pids).collect::<Vec<_>>(), [[7], [8]]);
}

#[test]
fn a_page_allocation_that_failed_is_no_event() {
    let failed =
        "x: page allocation failure: order:4, mode:0xdc0(GFP_KERNEL), nodemask=(null),cpuset=/,mems_allowed=0\n";
    let log = [failed, "Mem-Info:\n", "active_anon:1 inactive_anon:2 isolated_anon:3\n", &kill(7, "Out of memory: ")];
    let (events, rest) = collect::all(input::all(log.concat().as_bytes()));
    assert_eq!((events.len(), events[0].pages.len(), rest.failed_allocations), (1, 0, 1));
}

#[test]
fn a_list_that_never_ends_is_bounded() {
    let row = "[  4711]     0  4711     1024      200    45056        0             0 make\n";
    let log = [GLOBAL, &row.repeat(ROWS + 10), &kill(7, "Out of memory: ")].concat();
    let [event] = <[OomEvent; 1]>::try_from(events(&log)).unwrap();
    assert_eq!(event.tasks.len(), ROWS);
}
