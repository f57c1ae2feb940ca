//! What filled the memory that ran out, in sentences: the cgroup's statistics, or the machine's `Mem-Info`.

use super::event::OomEvent;
use super::kernel::{Counter, CounterKind, Stat};
use crate::text::escape;
use crate::text::size::size;

/// What the log tells; nothing where it tells nothing.
#[must_use]
pub fn sentences(event: &OomEvent) -> Vec<String> {
    let mut all = Vec::new();
    all.extend(counters(event));
    all.extend(cgroup(event));
    all.extend(machine(event));
    all.extend(swap(event));
    all.extend(zones(event));
    all.extend(order(event));
    all
}

/// Which counter of the cgroup reached its limit, where that is not the plain one, and where it was passed.
fn counters(event: &OomEvent) -> Vec<String> {
    let Some(counter) = event.counter() else { return Vec::new() };
    let Counter { kind, used, limit, .. } = *counter;
    let mut all = Vec::new();
    if let Some(limit) = limit {
        match kind {
            CounterKind::KernelMemory => all.push(format!(
                "it was the limit of kernel memory (memory.kmem.limit_in_bytes) that was reached: {} of {}",
                size(used),
                size(limit)
            )),
            CounterKind::MemoryAndSwap => all.push(format!(
                "it was the limit of memory and swap together (memory.memsw.limit_in_bytes) that was reached: {} of {}",
                size(used),
                size(limit)
            )),
            CounterKind::Memory | CounterKind::Swap => {}
        }
        if used > limit {
            all.push(format!(
                "the usage of {} was above the limit of {} by {}: the limit was lowered below it, or the kernel charged what it could not refuse",
                size(used),
                size(limit),
                size(used - limit)
            ));
        }
    }
    let swap = event.counters.iter().find(|it| it.kind == CounterKind::Swap);
    if let Some(Counter { used, limit: Some(limit), .. }) = swap {
        all.push(match *limit {
            0 => "it may not use swap".to_owned(),
            limit if *used + (1 << 20) >= limit => format!("its swap was full: {} of {}", size(*used), size(limit)),
            limit => format!("its swap was not full: {} of {}", size(*used), size(limit)),
        });
    }
    all
}

/// What a cgroup's memory was used for.
fn cgroup(event: &OomEvent) -> Vec<String> {
    let of = |stat| event.stat(stat);
    let (anonymous, file) = (of(Stat::Anonymous), of(Stat::File));
    if anonymous.is_none() && file.is_none() {
        return Vec::new();
    }
    let shared = of(Stat::Shared).unwrap_or(0);
    let parts = [
        (anonymous.unwrap_or(0), "anonymous memory of processes"),
        (shared, "tmpfs and shared memory"),
        (file.unwrap_or(0).saturating_sub(shared), "page cache of files"),
        (of(Stat::Slab).unwrap_or(0), "unreclaimable slab"),
        (of(Stat::Kernel).unwrap_or(0), "kernel stacks and page tables"),
    ];
    let used = event.used().unwrap_or_else(|| parts.iter().map(|(bytes, _)| *bytes).sum());
    let mut all = vec![format!("its {} were {}", size(used), list(&parts))];
    let dirty = of(Stat::Dirty).unwrap_or(0);
    if used > 0 && dirty > used / 10 * 8 {
        all.push(format!("nearly all of it was page cache not yet written ({} kB dirty)", dirty / 1024));
    }
    all
}

/// The parts that matter, the largest first.
fn list(parts: &[(u64, &str)]) -> String {
    let mut parts: Vec<_> = parts.iter().filter(|(bytes, _)| *bytes > 0).collect();
    parts.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
    let shown: Vec<String> = parts.iter().map(|(bytes, what)| format!("{} {what}", size(*bytes))).collect();
    if shown.is_empty() { "empty".to_owned() } else { shown.join(", ") }
}

fn machine(event: &OomEvent) -> Vec<String> {
    let of = |name| event.bytes(name).unwrap_or(0);
    let sum = |names: &[&'static str]| names.iter().map(|name| of(name)).fold(0, u64::saturating_add);
    let lru = sum(&["active_anon", "inactive_anon", "isolated_anon"]);
    let file = sum(&["active_file", "inactive_file", "isolated_file"]);
    if event.pages.is_empty() || lru == 0 && file == 0 {
        return Vec::new();
    }
    // tmpfs can be swapped, so that the kernel keeps it among the anonymous pages.
    let shared = of("shmem");
    let free = of("free");
    let parts = [
        (lru.saturating_sub(shared), "anonymous memory of processes"),
        (shared, "tmpfs and shared memory"),
        (file, "page cache of files"),
        (of("slab_unreclaimable"), "unreclaimable slab"),
        (of("slab_reclaimable"), "reclaimable slab"),
        (sum(&["pagetables", "sec_pagetables"]), "page tables"),
        (event.hugetlb, "hugetlb pages, which only programs that ask for them can use"),
        (of("unevictable").saturating_sub(shared), "memory that is locked"),
        (free, "free"),
    ];
    let ram = of("ram").saturating_sub(of("reserved"));
    let mut all = Vec::new();
    if ram == 0 {
        all.push(format!("memory held {}", list(&parts)));
        return all;
    }
    all.push(format!("of {} of RAM, {}", size(ram), list(&parts)));
    let known = parts.iter().map(|(bytes, _)| *bytes).fold(0, u64::saturating_add);
    let unknown = ram.saturating_sub(known);
    if unknown > ram / 5 {
        all.push(format!(
            "{} are in none of these: drivers (graphics, network), a balloon, or kernel modules",
            size(unknown)
        ));
    }
    let slab = of("slab_unreclaimable");
    if slab > ram / 4 {
        let mut caches: Vec<_> = event.slabs.iter().collect();
        caches.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        let named: Vec<String> =
            caches.iter().take(3).map(|(name, bytes)| format!("{} {}", escape::text(name), size(*bytes))).collect();
        let named = if named.is_empty() { String::new() } else { format!(" ({})", named.join(", ")) };
        all.push(format!(
            "unreclaimable slab holds {} of it{named}: the kernel itself, not a process, filled memory",
            size(slab)
        ));
    }
    all
}

fn swap(event: &OomEvent) -> Option<String> {
    let (free, total) = (event.swap.0, event.swap.1);
    match (free, total?) {
        (_, 0) => Some("there is no swap".to_owned()),
        (Some(free), total) if free < total / 50 => {
            Some(format!("swap was full: {} of {} free", size(free), size(total)))
        }
        (Some(free), total) => Some(format!("swap was not full: {} of {} free", size(free), size(total))),
        (None, total) => Some(format!("swap has {}", size(total))),
    }
}

/// The zones that had less than they need for emergencies.
fn zones(event: &OomEvent) -> Option<String> {
    let exhausted: Vec<String> = event
        .zones
        .iter()
        .filter(|zone| zone.free < zone.min && zone.managed > 0)
        .map(|zone| format!("{} ({} free, {} needed)", escape::text(&zone.name), size(zone.free), size(zone.min)))
        .collect();
    let healthy = event.zones.len() - exhausted.len();
    if exhausted.is_empty() {
        return None;
    }
    let others = if healthy == 0 { String::new() } else { format!("; {healthy} others were not") };
    Some(format!("exhausted zones: {}{others}", exhausted.join(", ")))
}

/// A request for pages next to each other may fail with much memory free.
fn order(event: &OomEvent) -> Option<String> {
    let order = event.invoked.as_ref().map(|it| it.order).filter(|order| (1..=20).contains(order))?;
    let order = usize::try_from(order).ok()?;
    let bytes = event.page() << order;
    let mut sentence = format!("the request was for {} in one piece (order {order})", size(bytes));
    let without: Vec<_> = event
        .buddies
        .iter()
        .filter(|it| it.blocks.iter().skip(order).all(|count| *count == 0))
        .map(|it| escape::text(&it.name).into_owned())
        .collect();
    if !without.is_empty() {
        sentence.push_str(&format!("; no such piece was free in {}: memory was fragmented", without.join(", ")));
    }
    Some(sentence)
}

#[cfg(test)]
#[path = "filled_tests.rs"]
mod tests;
