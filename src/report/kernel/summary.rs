//! `oom-kill:constraint=…`, the line since 5.0 that names the cgroups and the victim.

use std::path::PathBuf;

use super::super::scan::{pid, positions, rsplit, split};
use super::NAME;
use super::cgroup::path;

/// The line that names cgroups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Which memory the request was limited to.
    pub constraint: Constraint,
    /// The cpuset of who asked; `None` for kernels without cpusets.
    pub cpuset: Option<PathBuf>,
    /// The memory nodes that who asked may use, as `0-1,3`.
    pub nodes: Option<String>,
    /// The cgroup that ran out; `None` for the machine.
    pub limit: Option<PathBuf>,
    /// The victim's; `None` for kernels without memory cgroups, and where the line is cut.
    pub task: Option<PathBuf>,
    /// The victim's name.
    pub name: Vec<u8>,
    /// The victim; `None` where the line is cut.
    pub pid: Option<u32>,
    /// Its user's id.
    pub user: Option<u32>,
}

/// `CONSTRAINT_…`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constraint {
    /// Nothing: all of the machine's memory. 5.0 to 5.1.18 write it for a cgroup's limit too.
    None,
    /// The nodes of a cpuset.
    Cpuset,
    /// The nodes of a memory policy.
    Policy,
    /// A cgroup's limit.
    Cgroup,
    /// One that is not known here.
    Other,
}

/// `C,nodemask=N[,cpuset=P,mems_allowed=M][,oom_memcg=A|,global_oom][,task_memcg=B],task=NAME,pid=P,uid=U`: cpusets and
/// memory cgroups may not be built into the kernel.
pub(super) fn read(text: &[u8]) -> Option<Summary> {
    let (constraint, rest) = split(text, b",")?;
    let constraint = match constraint {
        b"CONSTRAINT_NONE" => Constraint::None,
        b"CONSTRAINT_CPUSET" => Constraint::Cpuset,
        b"CONSTRAINT_MEMORY_POLICY" => Constraint::Policy,
        b"CONSTRAINT_MEMCG" => Constraint::Cgroup,
        _ => Constraint::Other,
    };
    // A pasted line may end anywhere behind the cgroups.
    let (rest, user, is_whole) = match rsplit(rest, b",uid=") {
        Some((rest, user)) => (rest, pid(user), true),
        None => (rest, None, false),
    };
    let (rest, victim) = match rsplit(rest, b",pid=").and_then(|(before, id)| Some((before, pid(id)?))) {
        // A number without the user behind it may have lost its end.
        Some((rest, victim)) => (rest, Some(victim).filter(|_| is_whole)),
        None => (rest, None),
    };
    let named =
        positions(rest, b",task=").map(|at| (&rest[..at], &rest[at + 6..])).find(|(_, name)| name.len() <= NAME);
    let (paths, name) = match named {
        Some(named) => named,
        None if victim.is_none() => (rest, &b""[..]),
        None => return None,
    };
    let (cpuset, nodes, cgroups) = before_cgroups(paths)?;
    let (limit, task) = cgroup_pair(cgroups);
    Some(Summary { constraint, cpuset, nodes, limit, task, name: name.to_owned(), pid: victim, user })
}

/// The cpuset, its nodes, and what follows them.
type Head<'a> = (Option<PathBuf>, Option<String>, &'a [u8]);

/// `nodemask=N[,cpuset=P,mems_allowed=M]`
fn before_cgroups(text: &[u8]) -> Option<Head<'_>> {
    let rest = text.strip_prefix(b"nodemask=")?;
    let rest = if let Some(rest) = rest.strip_prefix(b"(null)") {
        rest
    } else {
        // The list may be followed by the comma of the next field.
        &rest[rest[..list_end(rest)].iter().rposition(u8::is_ascii_digit).map_or(0, |at| at + 1)..]
    };
    let rest = rest.strip_prefix(b",").unwrap_or(rest).trim_ascii_start();
    let Some(rest) = rest.strip_prefix(b"cpuset=") else { return Some((None, None, rest)) };
    // A cpuset's name may hold anything; a list of node numbers and the cgroups stand behind it.
    positions(rest, b",mems_allowed=").find_map(|at| {
        let list = &rest[at + 14..];
        let end = list_end(list);
        let (nodes, after) = list.split_at(end);
        let fits = after.is_empty()
            || [&b"oom_memcg="[..], b"global_oom", b"task_memcg="].iter().any(|key| after.starts_with(key));
        let nodes = String::from_utf8_lossy(nodes).trim_end_matches(',').to_owned();
        fits.then(|| (Some(path(&rest[..at])), Some(nodes), after))
    })
}

/// Where a list of numbers and ranges ends.
fn list_end(text: &[u8]) -> usize {
    text.iter().position(|byte| !byte.is_ascii_digit() && !b",-".contains(byte)).unwrap_or(text.len())
}

/// The cgroup that ran out, and the victim's.
fn cgroup_pair(text: &[u8]) -> (Option<PathBuf>, Option<PathBuf>) {
    if text.is_empty() {
        return (None, None);
    }
    if let Some(both) = text.strip_prefix(b"oom_memcg=") {
        let splits = || positions(both, b",task_memcg=").map(|at| (&both[..at], &both[at + 12..]));
        // A path may hold anything; but a victim is always below what ran out.
        let fitting = splits().find(|(limit, task)| path(task).starts_with(path(limit)));
        let pair = fitting.or_else(|| splits().next());
        return pair.map_or((Some(path(both)), None), |(limit, task)| (Some(path(limit)), Some(path(task))));
    }
    let rest = text.strip_prefix(b"global_oom").unwrap_or(text);
    let task = rest.strip_prefix(b",").unwrap_or(rest).strip_prefix(b"task_memcg=");
    (None, task.map(path))
}
