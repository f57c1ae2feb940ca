//! Single lines of many kernels, with names that are made to deceive.

use super::*;

fn killed_of(text: &str) -> (Option<Reach>, Killed) {
    match read(text.as_bytes()) {
        Some(Line::Killed(reach, killed)) => (reach, killed),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn the_kill_line_of_every_version_is_read() {
    let base = Killed {
        pid: 42,
        name: b"stress".to_vec(),
        virtual_size: 1024 << 10,
        anonymous: 512 << 10,
        file: 4 << 10,
        shared: 0,
        ..Killed::default()
    };
    let sizes = "total-vm:1024kB, anon-rss:512kB, file-rss:4kB, shmem-rss:0kB";
    let newest = Killed { page_tables: Some(44 << 10), user: Some(1000), score: Some(500), ..base.clone() };
    let cases = [
        (format!("Killed process 42 (stress) {sizes}"), None, base.clone()),
        (format!("Out of memory: Killed process 42 (stress) {sizes}"), Some(Reach::Machine), base.clone()),
        (
            format!("Memory cgroup out of memory: Killed process 42 (stress) {sizes}, UID:1000"),
            Some(Reach::Cgroup),
            Killed { user: Some(1000), ..base.clone() },
        ),
        (
            format!(
                "Memory cgroup out of memory: Killed process 42 (stress) {sizes} UID: 1000 pgtables:44kB oom_score_adj:500"
            ),
            Some(Reach::Cgroup),
            newest.clone(),
        ),
        (
            format!(
                "Memory cgroup out of memory: Killed process 42 (stress) {sizes}, UID:1000 pgtables:44kB oom_score_adj:500"
            ),
            Some(Reach::Cgroup),
            newest.clone(),
        ),
        (
            format!(
                "Out of memory (oom_kill_allocating_task): Killed process 42 (stress) {sizes}, UID:1000 pgtables:44kB oom_score_adj:-998"
            ),
            Some(Reach::AllocatingTask),
            Killed { score: Some(-998), ..newest },
        ),
    ];
    for (text, reach, killed) in cases {
        assert_eq!(killed_of(&text), (reach, killed), "{text}");
    }
}

#[test]
fn no_name_can_pose_as_the_rest_of_its_line() {
    for name in ["a, b", "x) total-vm:", ") (", "a=b,pid=1", "new\nline", "", "(sd-pam)", "tab\there", "uid=0,task=x"] {
        let text = format!(
            "Out of memory: Killed process 42 ({name}) total-vm:8kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:-7"
        );
        let (_, killed) = killed_of(&text);
        assert_eq!(
            (killed.name, killed.virtual_size, killed.score),
            (name.as_bytes().to_vec(), 8192, Some(-7)),
            "{name:?}"
        );
        let text = format!(
            "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,task_memcg=/a/b,task={name},pid=42,uid=0"
        );
        let expected =
            Summary { constraint: Constraint::Cgroup, limit: Some("/a".into()), task: "/a/b".into(), pid: 42 };
        assert_eq!(read(text.as_bytes()), Some(Line::Summary(expected)), "{name:?}");
        let text = format!("{name} invoked oom-killer: gfp_mask=0x1(X), order=0, oom_score_adj=-998");
        let Some(Line::Invoked(invoked)) = read(text.as_bytes()) else { panic!("{text}") };
        assert_eq!((invoked.name, invoked.score), (name.as_bytes().to_vec(), Some(-998)));
    }
}

#[test]
fn the_summary_names_the_machine_or_a_cgroup() {
    let of = |middle: &str| {
        let text = format!(
            "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null), cpuset=c,mems_allowed=0-1,3,{middle},task=x,pid=7,uid=1000"
        );
        match read(text.as_bytes()) {
            Some(Line::Summary(it)) => (it.limit, it.task),
            other => panic!("{text}: {other:?}"),
        }
    };
    assert_eq!(of("global_oom,task_memcg=/b"), (None, "/b".into()));
    assert_eq!(of("oom_memcg=/,task_memcg=/b"), (Some("/".into()), "/b".into()));
    assert_eq!(
        of("oom_memcg=/a,task_memcg=/x,task_memcg=/a,task_memcg=/x/c"),
        (Some("/a,task_memcg=/x".into()), "/a,task_memcg=/x/c".into()),
        "a path that holds the key"
    );
}

#[test]
fn the_lines_before_5_0_are_read() {
    assert_eq!(
        read(b"Task in /a/b killed as a result of limit of /a"),
        Some(Line::LimitOf { limit: "/a".into(), task: "/a/b".into() })
    );
    assert_eq!(
        read(b"Memory cgroup out of memory: Kill process 42 (a) score 9 ) score 950 or sacrifice child"),
        Some(Line::Chosen(Reach::Cgroup))
    );
    assert_eq!(
        read(b"Out of memory: Kill process 42 (x) score 950 or sacrifice child"),
        Some(Line::Chosen(Reach::Machine))
    );
}

#[test]
fn the_other_lines_are_told_apart() {
    let cases: [(&str, Option<Line>); 17] = [
        ("Tasks in /a b are going to be killed due to memory.oom.group set", Some(Line::Group("/a b".into()))),
        ("memory: usage 32768kB, limit 32768kB, failcnt 12", Some(Line::Usage { used: 32 << 20, limit: 32 << 20 })),
        ("shmem 4096", Some(Line::Shared(4096))),
        ("anon 1\nfile 2\nshmem 4096\nshmem_thp 7", Some(Line::Shared(4096))),
        ("something\nshmem 4096", None),
        (
            "Memory cgroup stats for /a: cache:64KB rss:1KB shmem:60KB mapped_file:0KB",
            Some(Line::Member { path: "/a".into(), shared: 60 << 10 }),
        ),
        ("Memory cgroup stats for /a: swap:64KB", None),
        ("Out of memory and no killable processes...", Some(Line::NothingKillable)),
        ("Kernel panic - not syncing: System is deadlocked on memory", Some(Line::Panic)),
        ("Kernel panic - not syncing: Out of memory: system-wide panic_on_oom is enabled", Some(Line::PanicOnOom(1))),
        ("Kernel panic - not syncing: Out of memory: compulsory panic_on_oom is enabled", Some(Line::PanicOnOom(2))),
        ("Memory cgroup stats for /a: b:", Some(Line::Limited("/a: b".into()))),
        ("Memory limit reached of cgroup /a b", Some(Line::Limited("/a b".into()))),
        ("Kernel panic - not syncing: Attempted to kill init!", None),
        ("sysrq: Manual OOM execution", Some(Line::Manual)),
        ("oom_reaper: reaped process 42 (x), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB", None),
        ("usb 1-1: new device", None),
    ];
    for (text, expected) in cases {
        assert_eq!(read(text.as_bytes()), expected, "{text}");
    }
}

#[test]
fn what_is_longer_than_the_kernels_records_costs_no_time() {
    let start = "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a";
    let end = ",task=x,pid=7,uid=0";
    let with = |count: usize| [start, &",task_memcg=b".repeat(count), end].concat();
    assert!(read(with(500).as_bytes()).is_some());
    assert_eq!(read(with(60_000).as_bytes()), None);
}

proptest::proptest! {
    #[test]
    fn no_bytes_break_the_reader(text: Vec<u8>, name in "[ -~]{0,15}") {
        let _ = read(&text);
        let line = format!("oom-kill:constraint=CONSTRAINT_NONE,mems_allowed=0,global_oom,task_memcg=/{name},task={name},pid=1,uid=0");
        let _ = read(line.as_bytes());
        let _ = crate::report::record::all(&text);
    }
}
