//! Other killers in the log: daemons that end processes before the kernel does, and kernels that are not Linux' own.
//! What they say is text of programs, and anybody can write that.

use super::input::{Entry, Origin};
use super::kernel::mentions;
use super::scan::{contains, leading, split};

/// What somebody else than the kernel did, or saw the kernel do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherKill {
    /// Who, as `earlyoom`.
    pub killer: &'static str,
    /// What was killed, as the killer names it; empty where it does not.
    pub victim: String,
}

/// Whether a line says that somebody else killed something.
#[must_use]
pub fn read(entry: &Entry) -> Option<OtherKill> {
    let text = entry.text.as_slice();
    let name = match &entry.origin {
        Origin::Program(name) => name.as_slice(),
        Origin::Kernel => b"",
    };
    earlyoom(text)
        .or_else(|| systemd(name, text))
        .or_else(|| oomd(text))
        .or_else(|| nohang(name, text))
        .or_else(|| kubelet(text))
        .or_else(|| android(name, text))
        .or_else(|| openvz(text))
        .or_else(|| freebsd(text))
        .or_else(|| talos(text))
        .map(|(killer, victim)| OtherKill { killer, victim: short(&victim) })
}

/// Whether a program says that something ran out of memory or was killed for it, which the kernel's lines should tell.
#[must_use]
pub fn is_witness(entry: &Entry) -> bool {
    let text = entry.text.as_slice();
    let has = |words: &[u8]| contains(text, words);
    matches!(&entry.origin, Origin::Program(_))
        && (mentions(text) || has(b"OOMKilled") || has(b"TaskOOM") || has(b"/tasks/oom") || has(b"OOMKilling"))
}

type Found = (&'static str, Vec<u8>);

fn short(victim: &[u8]) -> String {
    String::from_utf8_lossy(&victim[..victim.len().min(200)]).into_owned()
}

/// The word between quotes.
fn quoted(text: &[u8]) -> Option<&[u8]> {
    let (_, rest) = split(text, b"\"")?;
    split(rest, b"\"").map(|(word, _)| word)
}

/// `sending SIGTERM to process 29410 uid 1000 "cluster": badness 1264, VmRSS 23964 MiB`
fn earlyoom(text: &[u8]) -> Option<Found> {
    let rest = text.strip_prefix(b"sending SIG").or_else(|| text.strip_prefix(b"Killing process "))?;
    let rest = split(rest, b" to process ").map_or(rest, |(_, rest)| rest);
    let (pid, rest) = leading(rest)?;
    let name = quoted(rest).unwrap_or_else(|| rest.trim_ascii().split(|it| *it == b' ').next().unwrap_or_default());
    Some(("earlyoom", [name, b" (", pid.to_string().as_bytes(), b")"].concat()))
}

/// `Killed /PATH due to memory pressure for /PATH being …`, and PID 1's `UNIT: systemd-oomd killed N process(es) in this
/// unit.`
fn systemd(name: &[u8], text: &[u8]) -> Option<Found> {
    if let Some((unit, _)) = split(text, b": systemd-oomd killed ") {
        return Some(("systemd-oomd", unit.to_vec()));
    }
    let rest = text.strip_prefix(b"Killed /")?;
    let (path, _) = split(rest, b" due to ")?;
    (name == b"systemd-oomd"
        || contains(rest, b"memory pressure for")
        || contains(rest, b"memory used")
        || contains(rest, b"swap used")
        || contains(rest, b"memory pressure being"))
    .then(|| ("systemd-oomd", [b"/", path].concat()))
}

/// `oomd kill: 81.30 62.10 20.00 PATH 8589934592 ruleset:[…] …`
fn oomd(text: &[u8]) -> Option<Found> {
    let rest = text.strip_prefix(b"oomd kill: ")?;
    let path = rest.split(|&byte| byte == b' ').nth(3)?;
    Some(("oomd", path.to_vec()))
}

/// `Sending SIGTERM to the victim`, the second line of what it writes (its `src/nohang`): the lines before it say who that is,
/// and the count behind it, `[ OK ] Sending SIGTERM to NAME: 3`, is of kills that were told before.
fn nohang(name: &[u8], text: &[u8]) -> Option<Found> {
    let is_it = name.starts_with(b"nohang");
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let is_kill = |line: &[u8]| line.starts_with(b"Sending SIG") && line.ends_with(b" to the victim");
    (is_it && lines.any(is_kill)).then(|| ("nohang", Vec::new()))
}

/// `eviction_manager.go:…] "Eviction manager: pod is evicted successfully" pod="NAMESPACE/NAME"`
fn kubelet(text: &[u8]) -> Option<Found> {
    if !contains(text, b"viction manager") || !contains(text, b"is evicted successfully") {
        return None;
    }
    let pod = split(text, b"pod=").and_then(|(_, rest)| quoted(rest)).or_else(|| {
        let (_, rest) = split(text, b"manager: pod ")?;
        split(rest, b" is evicted").map(|(pod, _)| pod)
    });
    Some(("kubelet (eviction)", pod.unwrap_or_default().to_vec()))
}

/// `Kill 'NAME' (1234), uid 10, oom_score_adj 900 to free 1234kB rss` of lmkd, whose tag is `lowmemorykiller`, and `Killing
/// 'NAME' (1234), adj 900,` of its older versions and of the driver before it.
fn android(name: &[u8], text: &[u8]) -> Option<Found> {
    let rest = match name {
        b"lmkd" | b"lowmemorykiller" => text,
        // The driver, or logcat's `11-25 10:00:00.123   500   500 I lowmemorykiller: `.
        _ => [&b"lowmemorykiller: "[..], b"lmkd: "].iter().find_map(|tag| Some(split(text, tag)?.1))?,
    };
    let rest = rest.strip_prefix(b"Kill '").or_else(|| rest.strip_prefix(b"Killing '"))?;
    let (victim, rest) = split(rest, b"'")?;
    let pid = rest.strip_prefix(b" (").and_then(leading).map(|(pid, _)| format!(" ({pid})")).unwrap_or_default();
    Some(("lmkd", [victim, pid.as_bytes()].concat()))
}

/// `Out of memory in UB 1234: OOM killed process 21738 (php-cgi) …`: kernels of `OpenVZ`, before 3.10.
fn openvz(text: &[u8]) -> Option<Found> {
    let killer = "the OpenVZ kernel";
    if let Some((_, rest)) = text.strip_prefix(b"Out of memory in UB ").and_then(|rest| split(rest, b"killed process "))
    {
        let (pid, rest) = leading(rest)?;
        let name = rest.strip_prefix(b" (").and_then(|rest| split(rest, b")")).map_or(&b""[..], |(name, _)| name);
        return Some((killer, [name, b" (", pid.to_string().as_bytes(), b")"].concat()));
    }
    (text.starts_with(b"Out of memory in UB ") || text.starts_with(b"OOM killer in rage")).then(|| (killer, Vec::new()))
}

/// `pid 123 (NAME), jid 0, uid 0, was killed: out of swap space`
fn freebsd(text: &[u8]) -> Option<Found> {
    let (victim, why) = split(text, b", was killed: ")?;
    let is_memory = [&b"out of swap space"[..], b"failed to reclaim memory", b"a thread waited too long"];
    let victim = victim.strip_prefix(b"pid ")?;
    is_memory.iter().any(|words| why.starts_with(words)).then(|| ("the FreeBSD kernel", victim.to_vec()))
}

/// `Sending SIGKILL to cgroup {"component": "controller-runtime", …, "cgroup": "/PATH"}` behind `OOM controller triggered`.
fn talos(text: &[u8]) -> Option<Found> {
    let is_it = contains(text, b"Sending SIGKILL to cgroup");
    is_it.then(|| {
        let path = split(text, b"\"cgroup\":").and_then(|(_, rest)| quoted(rest)).unwrap_or_default();
        ("Talos' OOM controller", path.to_vec())
    })
}

#[cfg(test)]
#[path = "killer_tests.rs"]
mod tests;
