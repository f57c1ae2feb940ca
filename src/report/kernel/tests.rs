//! Single lines of many kernels, with names that are made to deceive.

use super::kill::Sizes;
use super::*;

fn killed_of(text: &str) -> (Option<Reach>, Killed) {
    match read(text.as_bytes()) {
        Some(Line::Killed(reach, killed)) => (reach, killed),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn the_kill_line_of_every_version_is_read() {
    let plain = Sizes { virtual_size: 1024 << 10, anonymous: 512 << 10, file: 4 << 10, shared: 0, page_tables: None };
    let base = Killed { pid: 42, name: b"stress".to_vec(), sizes: Some(plain), ..Killed::default() };
    let sizes = "total-vm:1024kB, anon-rss:512kB, file-rss:4kB, shmem-rss:0kB";
    let full = Some(Sizes { page_tables: Some(44 << 10), ..plain });
    let newest = Killed { sizes: full, user: Some(1000), score: Some(500), ..base.clone() };
    let of_root = Killed { user: Some(0), ..base.clone() };
    let unknown = Killed { pid: 42, name: b"stress".to_vec(), ..Killed::default() };
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
    let others = [
        (format!("Killed process 42 (stress), UID 0, {sizes}"), of_root.clone()),
        (format!("Killed process 42, UID 0, (stress) {sizes}"), of_root),
        ("Killed process 42 (stress)".to_owned(), unknown.clone()),
        ("Killed process 42 (stress".to_owned(), unknown),
        ("Killed process 42 (".to_owned(), Killed { pid: 42, ..Killed::default() }),
    ];
    for (text, killed) in others {
        assert_eq!(killed_of(&text), (None, killed), "{text}");
    }
    assert_eq!(read(b"Killed process 42"), None, "the number may have lost its end");
}

#[test]
fn no_name_can_pose_as_the_rest_of_its_line() {
    for name in ["a, b", "x) total-vm:", ") (", "a=b,pid=1", "new\nline", "", "(sd-pam)", "tab\there", "uid=0,task=x"] {
        let text = format!(
            "Out of memory: Killed process 42 ({name}) total-vm:8kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:-7"
        );
        let (_, killed) = killed_of(&text);
        assert_eq!(
            (killed.name, killed.sizes.map(|it| it.virtual_size), killed.score),
            (name.as_bytes().to_vec(), Some(8192), Some(-7)),
            "{name:?}"
        );
        let text = format!(
            "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,task_memcg=/a/b,task={name},pid=42,uid=0"
        );
        let expected = Summary {
            constraint: Constraint::Cgroup,
            cpuset: Some("/".into()),
            nodes: Some("0".into()),
            limit: Some("/a".into()),
            task: Some("/a/b".into()),
            name: name.into(),
            pid: Some(42),
            user: Some(0),
        };
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
    assert_eq!(of("global_oom,task_memcg=/b"), (None, Some("/b".into())));
    assert_eq!(of("oom_memcg=/,task_memcg=/b"), (Some("/".into()), Some("/b".into())));
    assert_eq!(
        of("oom_memcg=/a,task_memcg=/x,task_memcg=/a,task_memcg=/x/c"),
        (Some("/a,task_memcg=/x".into()), Some("/a,task_memcg=/x/c".into())),
        "a path that holds the key"
    );
}

#[test]
fn kernels_without_cpusets_or_cgroups_leave_parts_out() {
    let of = |rest: &str| match read(format!("oom-kill:constraint=CONSTRAINT_NONE,nodemask={rest}").as_bytes()) {
        Some(Line::Summary(it)) => (it.cpuset.is_some(), it.limit, it.task, it.pid),
        other => panic!("{rest}: {other:?}"),
    };
    let victim = Some(7);
    for (rest, expected) in [
        ("(null),cpuset=/,mems_allowed=0,task=x,pid=7,uid=1", (true, None, None, victim)),
        ("(null),task=x,pid=7,uid=1", (false, None, None, victim)),
        ("(null),global_oom,task_memcg=/,task=x,pid=7,uid=1", (false, None, Some("/".into()), victim)),
        (
            "0-1,3,oom_memcg=/a,task_memcg=/a,task=x,pid=    7,uid=    1",
            (false, Some("/a".into()), Some("/a".into()), victim),
        ),
        (
            "(null),cpuset=a,mems_allowed=0-7,oom_memcg=/a,task_memcg=/a/b",
            (true, Some("/a".into()), Some("/a/b".into()), None),
        ),
    ] {
        assert_eq!(of(rest), expected, "{rest}");
    }
}

fn chosen(reach: Reach, name: &[u8], score: u64) -> Line {
    Line::Chosen { reach: Some(reach), pid: 42, name: name.to_owned(), score: Some(score) }
}

#[test]
fn the_lines_before_5_0_are_read() {
    assert_eq!(
        read(b"Task in /a/b killed as a result of limit of /a"),
        Some(Line::LimitOf { limit: "/a".into(), task: "/a/b".into() })
    );
    assert_eq!(
        read(b"Memory cgroup out of memory: Kill process 42 (a) score 9 ) score 950 or sacrifice child"),
        Some(chosen(Reach::Cgroup, b"a) score 9 ", 950))
    );
    assert_eq!(
        read(b"Out of memory: Kill process 42 (x) score 950 or sacrifice child"),
        Some(chosen(Reach::Machine, b"x", 950))
    );
}

#[test]
fn the_other_lines_are_told_apart() {
    let counter = |kind, used, limit, hits| Some(Line::Usage(Counter { kind, used, limit, hits }));
    let shared = || Some(Line::Stats(vec![(Stat::Shared, 4096)]));
    let cases: [(&str, Option<Line>); 24] = [
        ("Tasks in /a b are going to be killed due to memory.oom.group set", Some(Line::Group("/a b".into()))),
        (
            "memory: usage 32768kB, limit 32768kB, failcnt 12",
            counter(CounterKind::Memory, 32 << 20, Some(32 << 20), 12),
        ),
        ("memory: usage 1kB, limit 2kB,", counter(CounterKind::Memory, 1024, Some(2048), 0)),
        ("kmem: usage 0kB, limit 9007199254740988kB, failcnt 0", counter(CounterKind::KernelMemory, 0, None, 0)),
        (
            "memory+swap: usage 0kB, limit 18014398509481983kB, failcnt 0",
            counter(CounterKind::MemoryAndSwap, 0, None, 0),
        ),
        ("shmem 4096", shared()),
        ("anon 1\nshmem 4096\nshmem_thp 7", Some(Line::Stats(vec![(Stat::Anonymous, 1), (Stat::Shared, 4096)]))),
        ("something\nshmem 4096", None),
        (
            "Memory cgroup stats for /a: cache:64KB rss:1KB shmem:60KB mapped_file:0KB",
            Some(Line::Member {
                path: "/a".into(),
                stats: vec![(Stat::Anonymous, 1024), (Stat::Shared, 60 << 10), (Stat::File, 64 << 10)],
            }),
        ),
        ("Out of memory and no killable processes...", Some(Line::NothingKillable)),
        ("Kernel panic - not syncing: System is deadlocked on memory   ", Some(Line::Panic)),
        ("Kernel panic - not syncing: Out of memory: system-wide panic_on_oom is enabled", Some(Line::PanicOnOom(1))),
        ("Kernel panic - not syncing: Out of memory: compulsory panic_on_oom is enabled  ", Some(Line::PanicOnOom(2))),
        ("Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000008b", Some(Line::InitDied)),
        ("Kernel panic - not syncing: VFS: Unable to mount root fs", None),
        ("Memory cgroup stats for /a: b:", Some(Line::Limited("/a: b".into()))),
        ("Memory limit reached of cgroup /a b", Some(Line::Limited("/a b".into()))),
        ("sysrq: Manual OOM execution", Some(Line::Manual)),
        ("SysRq : Manual OOM execution", Some(Line::Manual)),
        ("sysrq: SysRq : Manual OOM execution", Some(Line::Manual)),
        ("Manual OOM execution", None),
        ("oom_reaper: unable to reap pid:132 (x)", Some(Line::Unreaped(132))),
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
        let _ = crate::report::input::all(&text);
    }
}

#[test]
fn the_list_of_tasks_is_read_in_every_layout() {
    let task = |text: &str| match read(text.as_bytes()) {
        Some(Line::Task(task)) => task,
        other => panic!("{text}: {other:?}"),
    };
    let titles = |text: &str| match read(text.as_bytes()) {
        Some(Line::TaskTitles(layout)) => layout,
        other => panic!("{text}: {other:?}"),
    };
    let page = 4096;
    for (title, row, swap, tables, score) in [
        (
            "[ pid ]   uid  tgid total_vm      rss cpu oom_adj oom_score_adj name",
            "[ 1046]  1066  1046   228537    95491   3       0             0 apache2",
            0,
            0,
            Some(0),
        ),
        (
            "[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name",
            "[28438]     0 28438  5063909   119961    1661   136409          -998 java",
            136_409,
            1661 * page,
            Some(-998),
        ),
        (
            "[ pid ]   uid  tgid total_vm      rss nr_ptes nr_pmds swapents oom_score_adj name",
            "[ 1234]     0  1234     1024      200       8       3        5           500 make all",
            5,
            11 * page,
            Some(500),
        ),
        (
            "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name",
            "[  23793]     0 23793   655928   126942  5226496   519670             0 leaker",
            519_670,
            5_226_496,
            Some(0),
        ),
        (
            "[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name",
            "[  43056]  1000 43056  7511161  3403343  3388364    14371       608 32583680   518157           200 colmap",
            518_157,
            32_583_680,
            Some(200),
        ),
    ] {
        let (layout, row) = (titles(title), task(row));
        let found = (row.swap(layout), row.page_tables(layout, page), row.score(layout));
        assert_eq!(found, (swap, tables, score), "{title}");
        assert!(layout == Layout::Processor || row.own_layout() == layout, "{title}");
    }
    assert_eq!(
        task("[    391]     0   391    60804      299   110592      337             0 Web Content").name,
        b"Web Content"
    );
    for text in ["[    391]     0   391    60804", "[sudo] password", "[ffffffff81208] x", "[  12] 1 2 3 4 5 6 7"] {
        assert_eq!(read(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn what_filled_memory_is_read() {
    let zone = |text: &str| match read(text.as_bytes()) {
        Some(Line::Zone(zone)) => (zone.name, zone.free, zone.min),
        other => panic!("{text}: {other:?}"),
    };
    let kib = |kib: u64| kib << 10;
    assert_eq!(
        zone(
            "Node 0 Normal free:44kB boost:0kB min:100kB low:1kB high:1kB active_anon:1kB present:9kB managed:8kB mlocked:0kB"
        ),
        ("Node 0 Normal".into(), kib(44), kib(100))
    );
    assert_eq!(zone("DMA free:4kB min:10kB low:1kB present:9kB").0, "DMA");
    assert_eq!(
        read(b"Node 0 DMA32: 5*4kB (UM) 0*8kB 1*16kB (M) = 36kB"),
        Some(Line::Buddies(Buddies { name: "Node 0 DMA32".into(), page: 4096, blocks: vec![5, 0, 1] }))
    );
    assert_eq!(read(b"Free swap  = 12kB"), Some(Line::Swap("free", 12 << 10)));
    assert_eq!(read(b"4194174 pages RAM"), Some(Line::Pages(vec![("ram", 4_194_174)])));
    assert_eq!(
        read(b" slab_reclaimable:7 slab_unreclaimable:8"),
        Some(Line::Pages(vec![("slab_reclaimable", 7), ("slab_unreclaimable", 8)]))
    );
    assert_eq!(
        read(b"Node 0 hugepages_total=2 hugepages_free=0 hugepages_surp=0 hugepages_size=2048kB"),
        Some(Line::Hugetlb(4 << 20))
    );
    assert_eq!(read(b"kmalloc-64             1024KB       2048KB"), Some(Line::Slab("kmalloc-64".into(), 2 << 20)));
    assert_eq!(
        read(b"CPU: 9 PID: 14881 Comm: java Tainted: G    B          ------------ T 3.10.0-327.4.5.el7.x86_64 #1"),
        Some(Line::Release("3.10.0-327.4.5.el7.x86_64".into()))
    );
    assert_eq!(
        read(b"CPU: 10 UID: 1000 PID: 20957 Comm: systemd Not tainted 6.17.3-arch2-1-lily #1 PREEMPT(full)  5546952e"),
        Some(Line::Release("6.17.3-arch2-1-lily".into()))
    );
}

#[test]
fn a_broken_line_needs_more_until_it_is_whole() {
    let kill = "Out of memory: Killed process 7 (x) total-vm:8kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:0";
    for end in [15, 20, 33, 36, 50, 70, 90] {
        assert!(wants_more(&kill.as_bytes()[..end], b""), "{}", &kill[..end]);
    }
    assert!(!wants_more(kill.as_bytes(), b"UI"));
    assert!(!wants_more(b"Killed process 7 (x) total-vm:8kB, anon-rss:4kB, file-rss:0kB", b"[ 12.3] next"));
    // Each break of a mailer, with or without its space, and each of a terminal within a word.
    for (at, _) in kill.char_indices().filter(|(at, _)| *at > 4) {
        let (head, tail) = kill.split_at(at);
        let mut glued = head.trim_end().as_bytes().to_vec();
        glue(&mut glued, head.ends_with(' '), false, tail.trim_start().as_bytes());
        assert_eq!(read(&glued), read(kill.as_bytes()), "{}", String::from_utf8_lossy(&glued));
    }
}
