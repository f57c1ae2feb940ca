//! The events that are rendered in every form.

/// A record: its level, when in microseconds after boot, and its text.
pub(super) type Record = (u8, u64, String);

pub(super) fn records() -> Vec<(&'static str, Vec<Record>)> {
    let id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let scope = format!(r"/system.slice/docker-{id}.scope");
    let group = [
        (4, "cc1plus invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=500".to_owned()),
        (4, "CPU: 1 PID: 7 Comm: cc1plus Not tainted 6.1.0-27-amd64 #1".to_owned()),
        (4, " mem_cgroup_out_of_memory+0xc2/0xd0".to_owned()),
        (6, "memory: usage 262144kB, limit 262144kB, failcnt 91".to_owned()),
        (6, "swap: usage 0kB, limit 0kB, failcnt 0".to_owned()),
        (6, format!("Memory cgroup stats for {scope}:")),
        (6, "anon 260046848".to_owned()),
        (6, "shmem 4096".to_owned()),
        (6, "Tasks state (memory values in pages):".to_owned()),
        (6, "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name".to_owned()),
        (6, "[      7]     0     7    75000    63251   552960        0           500 cc1plus".to_owned()),
        (6, "[     12]     0    12      300      176    40960        0           500 sh".to_owned()),
        (6, format!("oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=docker-{id}.scope,mems_allowed=0,oom_memcg={scope},task_memcg={scope},task=cc1plus,pid=7,uid=0")),
        (3, "Memory cgroup out of memory: Killed process 7 (cc1plus) total-vm:300000kB, anon-rss:253000kB, file-rss:4kB, shmem-rss:0kB, UID:0 pgtables:540kB oom_score_adj:500".to_owned()),
        (6, format!("Tasks in {scope} are going to be killed due to memory.oom.group set")),
        (3, "Memory cgroup out of memory: Killed process 12 (sh) total-vm:1200kB, anon-rss:4kB, file-rss:700kB, shmem-rss:0kB, UID:0 pgtables:40kB oom_score_adj:500".to_owned()),
        (4, "oom_reaper: reaped process 7 (cc1plus), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB".to_owned()),
    ];
    let machine = [
        (
            4,
            "C2 CompilerThre invoked oom-killer: gfp_mask=0x140dca(GFP_HIGHUSER_MOVABLE|__GFP_COMP|__GFP_ZERO), order=2, oom_score_adj=0",
        ),
        (4, "Mem-Info:"),
        (4, "active_anon:900 inactive_anon:80000 isolated_anon:0"),
        (4, " active_file:10 inactive_file:20 isolated_file:0"),
        (4, " unevictable:0 dirty:0 writeback:0"),
        (4, " slab_reclaimable:300 slab_unreclaimable:4000"),
        (4, " mapped:0 shmem:700 pagetables:900"),
        (4, " free:400 free_pcp:0 free_cma:0"),
        (
            4,
            "Node 0 DMA32 free:1600kB boost:0kB min:2000kB low:2500kB high:3000kB active_anon:3600kB present:400000kB managed:390000kB mlocked:0kB",
        ),
        (4, "Node 0 DMA32: 400*4kB (UM) 0*8kB 0*16kB 0*32kB = 1600kB"),
        (4, "Free swap  = 0kB"),
        (4, "Total swap = 1048572kB"),
        (4, "100000 pages RAM"),
        (4, "2500 pages reserved"),
        (6, "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name"),
        (6, "[   4711]  1000  4711   900000    70000   752960   200000             0 Web Content"),
        (6, "[    812]     0   812    90000     3000    92960      100          -500 dockerd"),
        (
            6,
            r"oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/user.slice/user-1000.slice/user@1000.service/app.slice/app-org\x2dx-1.scope,task=Web Content,pid=4711,uid=1000",
        ),
        (
            3,
            "Out of memory: Killed process 4711 (Web Content) total-vm:3600000kB, anon-rss:270000kB, file-rss:8000kB, shmem-rss:2000kB, UID:1000 pgtables:735kB oom_score_adj:0",
        ),
    ];
    let old = [
        (4, "make invoked oom-killer: gfp_mask=0x6000c0(GFP_KERNEL), nodemask=(null), order=0, oom_score_adj=0"),
        (6, "Task in /docker/abc killed as a result of limit of /docker/abc"),
        (6, "memory: usage 524288kB, limit 524288kB, failcnt 813"),
        (6, "memory+swap: usage 524288kB, limit 1048576kB, failcnt 0"),
        (6, "kmem: usage 2048kB, limit 9007199254740988kB, failcnt 0"),
        (
            6,
            "Memory cgroup stats for /docker/abc: cache:0KB rss:522240KB rss_huge:0KB shmem:0KB mapped_file:0KB unevictable:0KB",
        ),
        (3, "Memory cgroup out of memory: Kill process 23 (make) score 996 or sacrifice child"),
        (3, "Killed process 24 (a, b) (c) total-vm:600000kB, anon-rss:518000kB, file-rss:2000kB, shmem-rss:0kB"),
    ];
    let timed = |lines: Vec<(u8, String)>| {
        lines.into_iter().zip(0..).map(|((level, text), at)| (level, 25_200_000_000 + at * 10, text)).collect()
    };
    let owned = |lines: &[(u8, &str)]| lines.iter().map(|(level, text)| (*level, (*text).to_owned())).collect();
    vec![("group", timed(group.to_vec())), ("machine", timed(owned(&machine))), ("old", timed(owned(&old)))]
}
