//! What to do next, in a sentence or two.

use super::cause::Cause;
use super::event::OomEvent;
use super::kernel::{CounterKind, Stat};
use crate::text::size::size;

/// Before this a machine has hardly begun to start programs, in microseconds.
const EARLY: u64 = 30_000_000;

/// What to do next.
#[must_use]
pub fn of(event: &OomEvent, cause: Cause) -> String {
    if cause == Cause::Guard {
        return plain(cause).to_owned();
    }
    if event.panic_on_oom.is_some() {
        return "set vm.panic_on_oom=0, with which the kernel kills a process instead".to_owned();
    }
    if event.nothing_killable {
        return nothing_killable(event, cause);
    }
    if event.killed_init() && cause.is_limit() {
        return "keep PID 1 out of the cgroup that has a limit: a kernel of that age kills it with the group, and then \
                panics; since 5.1 it does not"
            .to_owned();
    }
    if event.counter().is_some_and(|it| it.kind == CounterKind::KernelMemory && it.limit.is_some()) {
        return "take the limit of kernel memory away (memory.kmem.limit_in_bytes is deprecated), and limit memory as a whole"
            .to_owned();
    }
    let used = event.used();
    if let Some((shared, used)) = event.stat(Stat::Shared).zip(used).filter(|(shared, used)| *shared > used / 2) {
        return format!(
            "{} of its {} were tmpfs or shared memory, which killing a process does not free: give its tmpfs mounts a \
             size, or put what they hold on a disk",
            size(shared),
            size(used)
        );
    }
    if let Some((_, used)) = event.stat(Stat::Dirty).zip(used).filter(|(dirty, used)| *dirty > used / 10 * 8) {
        return format!(
            "its {} waited to be written to a slow disk: raise the limit, or write less at a time (cgroup v2 slows \
             writers down before that; v1 does not)",
            size(used)
        );
    }
    machine(event, cause).unwrap_or_else(|| plain(cause).to_owned())
}

fn nothing_killable(event: &OomEvent, cause: Cause) -> String {
    if cause != Cause::CgroupLimit && event.time.since_boot.is_some_and(|micros| micros < EARLY) {
        return "the machine was still starting and had no process to kill: give it more memory, or make its initramfs or \
                crashkernel need less"
            .to_owned();
    }
    let first =
        "processes that may be killed hold none of it: look for who is at oom_score_adj -1000 (`oomshim doctor`)";
    let second = if cause == Cause::CgroupLimit {
        ", and for tmpfs, page cache or kernel memory that stays charged when its processes are gone"
    } else {
        ", and for what the kernel itself holds"
    };
    format!("{first}{second}")
}

/// What is so only of a machine that ran out.
fn machine(event: &OomEvent, cause: Cause) -> Option<String> {
    if cause != Cause::WholeMachine {
        return None;
    }
    let ram = event.bytes("ram")?.saturating_sub(event.bytes("reserved").unwrap_or(0));
    if event.bytes("slab_unreclaimable").is_some_and(|slab| slab > ram / 4) {
        return Some(
            "the kernel's own slab filled memory: look at `slabtop -s c`, and for a leak in a driver or file system"
                .to_owned(),
        );
    }
    if event.bytes("shmem").is_some_and(|shared| shared > ram / 2) {
        return Some(
            "tmpfs or shared memory filled the machine, which killing a process does not free: give tmpfs mounts a size"
                .to_owned(),
        );
    }
    if event.hugetlb > ram / 2 {
        return Some("hugetlb holds most of the memory: lower vm.nr_hugepages".to_owned());
    }
    let free = event.bytes("free").unwrap_or(0);
    if event.invoked.as_ref().is_some_and(|it| it.order > 0) && free > ram / 10 {
        return Some(
            "memory was fragmented, not full: raise vm.min_free_kbytes, and find out who asks for so much in one piece"
                .to_owned(),
        );
    }
    None
}

fn plain(cause: Cause) -> &'static str {
    match cause {
        Cause::OwnLimit => "give it a higher limit, or make it need less: fewer jobs at a time, for one",
        Cause::PodLimit => {
            "raise resources.limits.memory of the container that uses it: a pod's limit is the sum of its containers', \
             and what its emptyDir volumes of medium Memory hold counts"
        }
        Cause::SharedLimit => {
            "look at what else runs below that limit: give each its own limit, raise the shared one, or run fewer at a time"
        }
        Cause::CgroupLimit => "give it a higher limit, and let something in it be killed",
        Cause::WholeMachine => {
            "run less at a time on this machine, give each job a limit of its own, or add memory; `oomshim rank` tells who is next"
        }
        Cause::Nodes => "widen the cpuset or the memory policy, or run less at a time on those nodes",
        Cause::Guard => {
            "see why the guard chose it: `oomshim guard` keeps what it decided from in /run/oomshim/guard/kills"
        }
        Cause::Manual => "ask who wrote f to /proc/sysrq-trigger, or pressed Alt-SysRq-F",
        Cause::UnknownLimit | Cause::Unknown => {
            "keep the log from the start: `oomshim report --follow`, or `journalctl -k -o json`"
        }
    }
}
