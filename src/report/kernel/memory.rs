//! The lines below `Mem-Info:`: what filled the machine's memory, and which zones were exhausted.

use super::super::scan::{integer, last_value, leading, split};
use super::Line;

/// A zone of a node's memory, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// `Node 0 Normal`
    pub name: String,
    /// What is free.
    pub free: u64,
    /// Below which only a kill or an emergency helps.
    pub min: u64,
    /// What of it the kernel hands out.
    pub managed: u64,
}

/// The free blocks of a zone, by size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buddies {
    /// `Node 0 Normal`
    pub name: String,
    /// The size of a page, in bytes.
    pub page: u64,
    /// How many blocks of 1, 2, 4, … pages are free.
    pub blocks: Vec<u64>,
}

/// The counts that are kept, in pages.
const PAGES: [&str; 19] = [
    "active_anon",
    "inactive_anon",
    "isolated_anon",
    "active_file",
    "inactive_file",
    "isolated_file",
    "unevictable",
    "dirty",
    "writeback",
    "slab_reclaimable",
    "slab_unreclaimable",
    "mapped",
    "shmem",
    "pagetables",
    "sec_pagetables",
    "free",
    "free_cma",
    "kernel_misc_reclaimable",
    "bounce",
];

pub(super) fn read(text: &[u8]) -> Option<Line> {
    let text = text.trim_ascii_start();
    swap(text).or_else(|| totals(text)).or_else(|| node(text)).or_else(|| pages(text)).or_else(|| slab(text))
}

/// `active_anon:1 inactive_anon:2 …`
fn pages(text: &[u8]) -> Option<Line> {
    let mut found = Vec::new();
    for field in text.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty()) {
        let (name, value) = split(field, b":")?;
        let value = integer(value)?;
        // Fields that come and go with versions are passed over.
        if let Some(name) = PAGES.iter().find(|known| known.as_bytes() == name) {
            found.push((*name, value));
        }
    }
    (!found.is_empty()).then_some(Line::Pages(found))
}

fn swap(text: &[u8]) -> Option<Line> {
    for (start, name) in [(&b"Free swap "[..], "free"), (b"Total swap ", "total")] {
        if let Some(rest) = text.strip_prefix(start) {
            let kib = rest.trim_ascii_start().strip_prefix(b"=")?.trim_ascii().strip_suffix(b"kB")?;
            return Some(Line::Swap(name, integer(kib)?.saturating_mul(1024)));
        }
    }
    None
}

/// `N pages RAM` and the like, in pages.
fn totals(text: &[u8]) -> Option<Line> {
    let (count, rest) = leading(text)?;
    let name = match rest {
        b" pages RAM" => "ram",
        b" pages reserved" => "reserved",
        b" total pagecache pages" => "pagecache",
        _ => return None,
    };
    Some(Line::Pages(vec![(name, u64::try_from(count).ok()?)]))
}

fn node(text: &[u8]) -> Option<Line> {
    // Kernels without NUMA leave the node out.
    let rest = match text.strip_prefix(b"Node ") {
        Some(rest) => leading(rest)?.1.strip_prefix(b" ")?,
        None => text,
    };
    if rest.starts_with(b"hugepages_total=") && rest.len() < text.len() {
        let total = u64::try_from(last_value(rest, b"hugepages_total=")?).ok()?;
        let size = u64::try_from(last_value(rest, b"hugepages_size=")?).ok()?;
        return Some(Line::Hugetlb(total.saturating_mul(size).saturating_mul(1024)));
    }
    let zone = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let (zone, behind) = rest.split_at(zone);
    if !matches!(zone, b"DMA" | b"DMA32" | b"Normal" | b"HighMem" | b"Movable" | b"Device") {
        return None;
    }
    let name = String::from_utf8_lossy(&text[..text.len() - behind.len()]).into_owned();
    if behind.starts_with(b" free:") {
        let kib = |key: &[u8]| {
            let (_, value) = split(behind, key)?;
            leading(value).and_then(|(kib, _)| u64::try_from(kib).ok()).map(|kib| kib.saturating_mul(1024))
        };
        let managed = kib(b" managed:").or_else(|| kib(b" present:"))?;
        return Some(Line::Zone(Zone { name, free: kib(b" free:")?, min: kib(b" min:")?, managed }));
    }
    buddies(name, behind.strip_prefix(b": ")?)
}

/// `5*4kB (UM) 0*8kB … = 20kB`
fn buddies(name: String, text: &[u8]) -> Option<Line> {
    let mut blocks = Vec::new();
    let mut page = None;
    for field in text.split(u8::is_ascii_whitespace) {
        let Some((count, size)) = split(field, b"*") else { continue };
        let size = integer(size.strip_suffix(b"kB")?)?.checked_mul(1024)?;
        page = page.or(Some(size));
        blocks.push(integer(count)?);
    }
    Some(Line::Buddies(Buddies { name, page: page?, blocks }))
}

/// `NAME 1024KB 2048KB`
fn slab(text: &[u8]) -> Option<Line> {
    let words: Vec<&[u8]> = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).take(4).collect();
    let [name, used, total] = words[..] else { return None };
    let kib = |word: &[u8]| integer(word.strip_suffix(b"KB")?);
    kib(used)?;
    Some(Line::Slab(String::from_utf8_lossy(name).into_owned(), kib(total)?.saturating_mul(1024)))
}
