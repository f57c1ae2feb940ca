//! Lines of the kernel that a mailer or a terminal broke: whether one needs more, and how the pieces fit.

use super::super::scan::{contains, leading, rsplit, split};

/// The fields behind a kill.
const FIELDS: [&[u8]; 7] =
    [b"total-vm:", b"anon-rss:", b"file-rss:", b"shmem-rss:", b"UID:", b"pgtables:", b"oom_score_adj:"];

/// Words of the kernel's sentences: between two of them a break stands for a space.
const WORDS: [&[u8]; 35] = [
    b"Out",
    b"of",
    b"memory",
    b"memory:",
    b"Memory",
    b"cgroup",
    b"out",
    b"Killed",
    b"Kill",
    b"process",
    b"score",
    b"or",
    b"sacrifice",
    b"child",
    b"invoked",
    b"oom-killer:",
    b"Task",
    b"Tasks",
    b"in",
    b"killed",
    b"as",
    b"a",
    b"result",
    b"limit",
    b"are",
    b"going",
    b"to",
    b"be",
    b"due",
    b"set",
    b"stats",
    b"for",
    b"and",
    b"usage",
    b"memory.oom.group",
];

/// Whether a line has begun what only another line can end: `next` is the one behind it.
pub(in super::super) fn wants_more(text: &[u8], next: &[u8]) -> bool {
    let text = text.trim_ascii_end();
    if text.starts_with(b"oom-kill:") {
        return rsplit(text, b",uid=").is_none_or(|(_, user)| user.is_empty());
    }
    if contains(text, b" invoked oom-killer:") {
        return rsplit(text, b"oom_score_adj=").is_none_or(|(_, score)| score.is_empty() || score == b"-");
    }
    if let Some(rest) = text.strip_prefix(b"Task in ") {
        // A victim is never outside of the cgroup that ran out.
        return split(rest, b" killed as a result of limit of ").is_none_or(|(task, limit)| {
            limit.is_empty() || !super::cgroup::path(task).starts_with(super::cgroup::path(limit))
        });
    }
    if text.starts_with(b"Tasks in /") || text == b"Tasks in" {
        return !text.ends_with(b" memory.oom.group set");
    }
    if let Some(rest) = text.strip_prefix(b"Memory cgroup stats for") {
        return !rest.ends_with(b":") && !contains(rest, b"unevictable:");
    }
    if text.starts_with(b"memory: usage ")
        || text.starts_with(b"memory+swap: usage ")
        || text.starts_with(b"kmem: usage ")
    {
        return rsplit(text, b"failcnt ").is_none_or(|(_, count)| count.is_empty());
    }
    if let Some((_, rest)) = split(text, b"Killed process ") {
        return FIELDS.iter().any(|field| next.starts_with(field)) || !is_whole_kill(rest);
    }
    if let Some((_, rest)) = split(text, b"Kill process ") {
        return !rest.ends_with(b"sacrifice child");
    }
    // Cut within the words in front.
    let heads = [&b"Memory cgroup out of memory: Killed process "[..], b"Out of memory: Killed process "];
    text.len() >= 3 && heads.iter().any(|head| head.starts_with(text))
}

/// Whether a kill ends as one of some version does.
fn is_whole_kill(text: &[u8]) -> bool {
    let number_behind = |key: &[u8]| {
        let (_, rest) = rsplit(text, key)?;
        leading(rest.trim_ascii_start()).map(|(_, rest)| rest)
    };
    [&b"oom_score_adj:"[..], b"UID:"].iter().any(|key| number_behind(key) == Some(b""))
        || [&b"shmem-rss:"[..], b"file-rss:"].iter().any(|key| number_behind(key) == Some(b"kB"))
}

/// Puts the next piece behind a line. `is_early` says that the line was not full when it was broken.
pub(in super::super) fn glue(text: &mut Vec<u8>, had_space: bool, is_early: bool, next: &[u8]) {
    // A name may have spaces in it.
    let is_name = text.iter().rev().take(16).position(|byte| *byte == b'(').is_some() && !text.ends_with(b"(");
    let is_name = is_name && !text[text.len().saturating_sub(16)..].contains(&b')');
    if needs_space(text, had_space || is_early && is_name, next) {
        text.push(b' ');
    }
    text.extend_from_slice(next);
}

fn needs_space(text: &[u8], had_space: bool, next: &[u8]) -> bool {
    if text.is_empty() || text.starts_with(b"oom-kill:") {
        return false;
    }
    if had_space || text.ends_with(b",") || text.ends_with(b")") || FIELDS.iter().any(|field| next.starts_with(field)) {
        return true;
    }
    if text.ends_with(b"KB") && next.first().is_some_and(u8::is_ascii_alphabetic) {
        return true;
    }
    let is_space = |byte: &u8| *byte == b' ';
    let last = text.rsplit(is_space).next().unwrap_or_default();
    let first = next.split(is_space).next().unwrap_or_default();
    let is_other = next.first().is_some_and(|byte| byte.is_ascii_digit() || b"/(".contains(byte));
    WORDS.contains(&last) && (WORDS.contains(&first) || is_other)
}
