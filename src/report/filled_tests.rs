//! What filled memory, in sentences.

use super::super::{collect, input};
use super::*;

fn told(log: &str) -> String {
    let (events, _) = collect::all(input::all(log.as_bytes()));
    let [event] = <[OomEvent; 1]>::try_from(events).unwrap();
    sentences(&event).join("; ")
}

const KILL: &str = "Out of memory: Killed process 7 (x)\n";

fn machine(pages: &str, more: &str) -> String {
    told(&format!(
        "x invoked oom-killer: gfp_mask=0x1, order=0, oom_score_adj=0\nMem-Info:\n{pages}\n262144 pages RAM\n0 pages reserved\n{more}{KILL}"
    ))
}

#[test]
fn a_machine_full_of_processes_is_told() {
    let text = machine(
        "active_anon:100000 inactive_anon:100000 isolated_anon:0\nactive_file:1000 inactive_file:0 isolated_file:0\nmapped:0 shmem:50000 pagetables:256\nslab_reclaimable:256 slab_unreclaimable:512\nfree:8192",
        "Free swap  = 0kB\nTotal swap = 1048572kB\n",
    );
    assert!(
        text.starts_with("of 1.0G of RAM, 585M anonymous memory of processes, 195M tmpfs and shared memory, 32M free"),
        "{text}"
    );
    assert!(text.contains("swap was full: 0 of 1023M free"), "{text}");
}

#[test]
fn slab_and_drivers_are_told() {
    let slab = machine(
        "active_anon:10000 inactive_anon:0 isolated_anon:0\nslab_reclaimable:256 slab_unreclaimable:200000\nfree:2000",
        "Unreclaimable slab info:\nName                      Used          Total\nnf_conntrack          700000KB     700000KB\nkmalloc-64               1KB          1KB\nFree swap  = 900000kB\nTotal swap = 1048572kB\n",
    );
    assert!(slab.contains("unreclaimable slab holds 781M of it (nf_conntrack 683M, kmalloc-64 1.0K)"), "{slab}");
    assert!(slab.contains("swap was not full"), "{slab}");
    let hidden = machine("active_anon:10000 inactive_anon:0 isolated_anon:0\nfree:2000", "Total swap = 0kB\n");
    assert!(hidden.contains("are in none of these: drivers") && hidden.contains("there is no swap"), "{hidden}");
    let huge = machine(
        "active_anon:10000 inactive_anon:0 isolated_anon:0\nfree:2000",
        "Node 0 hugepages_total=400 hugepages_free=0 hugepages_surp=0 hugepages_size=2048kB\n",
    );
    assert!(huge.contains("800M hugetlb pages"), "{huge}");
}

#[test]
fn exhausted_zones_and_orders_are_told() {
    let text = told(&format!(
        "x invoked oom-killer: gfp_mask=0x1, order=3, oom_score_adj=0\n\
         Node 0 DMA free:100kB min:200kB low:1kB high:1kB managed:15000kB\n\
         Node 0 Normal free:9000kB min:200kB low:1kB high:1kB managed:90000kB\n\
         Node 0 DMA: 25*4kB (U) 0*8kB 0*16kB 0*32kB 0*64kB = 100kB\n\
         Node 0 Normal: 2250*4kB (U) 0*8kB 0*16kB 0*32kB 0*64kB = 9000kB\n{KILL}"
    ));
    assert!(text.contains("exhausted zones: Node 0 DMA (100K free, 200K needed); 1 others were not"), "{text}");
    assert!(text.contains("32K in one piece (order 3); no such piece was free in Node 0 DMA, Node 0 Normal"), "{text}");
}

#[test]
fn a_cgroups_memory_is_told() {
    let old = |stats: &str, counters: &str| {
        told(&format!(
            "Task in /a killed as a result of limit of /a\n{counters}Memory cgroup stats for /a: {stats}\nMemory cgroup out of memory: Kill process 7 (x) score 9 or sacrifice child\nKilled process 7 (x)\n"
        ))
    };
    let dirty = old(
        "cache:507172KB rss:4448KB rss_huge:0KB shmem:28KB mapped_file:0KB dirty:503316KB writeback:0KB",
        "memory: usage 524288kB, limit 524288kB, failcnt 9\n",
    );
    assert_eq!(
        dirty,
        "its 512M were 495M page cache of files, 4.3M anonymous memory of processes, 28K tmpfs and shared memory; nearly all of it was page cache not yet written (503316 kB dirty)"
    );
    let above = old("cache:0KB rss:4448KB", "memory: usage 2000kB, limit 1000kB, failcnt 9\n");
    assert!(above.contains("the usage of 1.9M was above the limit of 1000K by 1000K"), "{above}");
    let both = old(
        "cache:0KB rss:1KB",
        "memory: usage 500kB, limit 1000000kB, failcnt 0\nmemory+swap: usage 1000kB, limit 1000kB, failcnt 5\n",
    );
    assert!(both.contains("memory and swap together"), "{both}");
}

#[test]
fn a_cgroups_swap_is_told() {
    let swap = |line: &str| {
        told(&format!(
            "memory: usage 10kB, limit 10kB, failcnt 1\n{line}\nMemory cgroup out of memory: Killed process 7 (x)\n"
        ))
    };
    assert_eq!(swap("swap: usage 0kB, limit 0kB, failcnt 0"), "it may not use swap");
    assert_eq!(swap("swap: usage 9000kB, limit 9000kB, failcnt 3"), "its swap was full: 8.7M of 8.7M");
    assert_eq!(swap("swap: usage 1kB, limit 9000kB, failcnt 3"), "its swap was not full: 1.0K of 8.7M");
    assert_eq!(swap("swap: usage 1kB, limit 9007199254740988kB, failcnt 0"), "");
}
