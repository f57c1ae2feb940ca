//! Who dies next: the processes in the order in which the kernel would kill them, what would die with the first, and
//! what makes the answer moot.
//!
//! `/proc/PID/oom_score` is no help: its steps are 1.5 thousandths of the machine. So the kernel's own sum is done
//! again, from what it shows of each process.

pub mod badness;
pub mod cgroup;
pub mod json;
pub mod kernel;
pub mod order;
pub mod scope;
pub mod task;
pub mod text;
pub mod warning;

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::registry::{self, Container};
use crate::system::host::Roots;
use crate::system::oom_score_adj::OomScoreAdj;
use crate::system::os_error::OsError;
use crate::system::process::{Namespace, Process};
use badness::{Exemption, Rules};
use cgroup::Tree;
use kernel::Kernel;
use order::Candidate;
use scope::{Machine, Scope};
use task::Task;
pub use warning::Warning;

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// The cgroup that runs out; without one, the machine.
    pub cgroup: Option<PathBuf>,
    /// How many processes are told in full; all of them are ranked.
    pub count: usize,
    /// Scores that processes are to be ranked by instead of their own.
    pub what_if: Vec<(u32, OomScoreAdj)>,
    /// Scores by which the processes of containers of a class are to be ranked.
    pub what_if_class: Vec<(String, OomScoreAdj)>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RankError {
    /// The processes cannot be listed.
    #[error("cannot list {}: {reason}", .path.display())]
    List {
        /// The proc file system.
        path: PathBuf,
        /// The kernel's answer.
        reason: OsError,
    },
    /// There is no such cgroup.
    #[error("there is no cgroup {} with the memory controller", .0.display())]
    NoCgroup(PathBuf),
    /// A process of `--what-if` is not there.
    #[error("there is no process {0} among those that are ranked")]
    NoProcess(u32),
    /// No container of the class of `--what-if-class` runs.
    #[error("no process that is ranked is in a container of class {0:?} that oomshim started")]
    NoClass(String),
}

/// The answer.
#[derive(Debug)]
pub struct Ranking {
    /// By whose rules.
    pub rules: Rules,
    /// Which cgroup runs out; `None` for the machine.
    pub cgroup: Option<PathBuf>,
    /// What may be used in all, in bytes.
    pub total: u64,
    /// The first so many processes, the first victim first.
    pub shown: Vec<Row>,
    /// How many the kernel may pick.
    pub killable: usize,
    /// Those that it never picks; kernel threads are only counted.
    pub exempt: Vec<(Task, Exemption)>,
    /// How many threads the kernel has.
    pub kernel_threads: usize,
    /// What is killed first, and what is killed with it.
    pub victim: Option<Victim>,
    /// The processes, the victim among them, that are too close to each other to tell which is first; none otherwise.
    pub close: Vec<u32>,
    /// What makes the answer moot or worse than it looks.
    pub warnings: Vec<Warning>,
}

impl Ranking {
    /// Whether running out of memory would kill nobody, but make the machine panic or the cgroup hang.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        self.warnings.iter().any(|warning| matches!(warning, Warning::MachinePanics | Warning::CgroupHangs))
    }
}

/// A process that is told in full.
#[derive(Debug)]
pub struct Row {
    /// The process and its badness.
    pub candidate: Candidate,
    /// The path of its memory cgroup.
    pub cgroup: Option<PathBuf>,
    /// Its container, where oomshim started it.
    pub container: Option<Container>,
    /// Its command line; empty when it has none.
    pub command: Vec<OsString>,
}

/// What is killed first.
#[derive(Debug)]
pub struct Victim {
    /// The process.
    pub pid: u32,
    /// Its name.
    pub name: Box<[u8]>,
    /// The cgroup that is killed with it as a group.
    pub group: Option<Group>,
}

/// A cgroup with `memory.oom.group`.
#[derive(Debug)]
pub struct Group {
    /// Its path.
    pub path: PathBuf,
    /// The processes in it that die.
    pub dying: Vec<u32>,
    /// Those that are spared, because their score is -1000.
    pub spared: Vec<u32>,
}

/// The size of a page in bytes, 4096 where the C library does not say.
fn page_size() -> u64 {
    let size = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE);
    size.ok().flatten().and_then(|size| u64::try_from(size).ok()).unwrap_or(4096)
}

/// Ranks the processes of the machine below `roots`; `run` is where containers are remembered.
///
/// # Errors
/// [`RankError`]
pub fn rank(roots: &Roots, run: &Path, question: &Question) -> Result<Ranking, RankError> {
    let tree = Tree::find(roots);
    let scope = match &question.cgroup {
        None => Scope::Machine,
        Some(path) => Scope::Cgroup(tree.at(path).ok_or_else(|| RankError::NoCgroup(path.clone()))?),
    };
    let machine = Machine::read(&roots.proc);
    let total = scope.total(machine);
    let page = page_size();
    let kernel = Kernel::running(&roots.proc);
    let rules = Rules {
        kernel: kernel.unwrap_or(Kernel { major: u32::MAX, minor: 0 }),
        page,
        total: total / page,
        initial_namespace: in_initial_pid_namespace(&roots.proc),
    };
    let mut pids = match &scope {
        Scope::Machine => task::list(&roots.proc)
            .map_err(|errno| RankError::List { path: roots.proc.clone(), reason: OsError(errno) })?,
        Scope::Cgroup(cgroup) => cgroup.members(),
    };
    // Whoever asks is gone before anything is killed.
    let own = std::process::id();
    pids.retain(|&pid| pid != own);
    let (mut tasks, unreadable) = task::read_all(&roots.proc, &pids);
    let known = registry::all(run);
    let place = Place { proc: &roots.proc, tree: &tree, containers: &known };
    suppose(&mut tasks, question, &place)?;
    let mapped_shared = tasks.iter().filter_map(|task| task.memory).map(|memory| memory.shared).sum();
    let scores: HashMap<u32, OomScoreAdj> = tasks.iter().map(|task| (task.pid, task.score)).collect();
    let (mut candidates, mut exempt) = order::order(&rules, tasks);
    let count = question.count.min(candidates.len());
    if matches!(scope, Scope::Machine) {
        // The victim is the first of its equals even when none is told.
        order::break_ties(&rules, &mut candidates, count.max(1), |pid| place.started(pid));
    }
    let victim = order::victim(&rules, &candidates).map(|victim| {
        let pid = victim.task.pid;
        let group = place.cgroup(pid).and_then(|path| place.group(&rules, &path, scope.path(), &scores));
        Victim { pid, name: victim.task.name.clone(), group }
    });
    let close = order::close(&candidates, lag(&roots.proc));
    let warnings = warning::all(&warning::Facts {
        proc: &roots.proc,
        scope: &scope,
        machine,
        has_kernel: kernel.is_some(),
        is_v2: tree.is_v2(),
        rules: &rules,
        killable: candidates.len(),
        has_members: !pids.is_empty(),
        mapped_shared,
        unreadable,
        close: close.len(),
    });
    let everything = exempt.len();
    exempt.retain(|(_, why)| *why != Exemption::KernelThread);
    let kernel_threads = everything - exempt.len();
    let killable = candidates.len();
    candidates.truncate(count);
    let shown = candidates.into_iter().map(|candidate| place.row(candidate)).collect();
    let cgroup = question.cgroup.is_some().then(|| scope.path().to_owned());
    Ok(Ranking { rules, cgroup, total, shown, killable, exempt, kernel_threads, victim, close, warnings })
}

/// How many pages the kernel's counters may lag by. Each processor keeps up to a batch of changes to itself
/// (`lib/percpu_counter.c`); the killer reads what is left, and `/proc` since 6.17 the whole.
fn lag(proc: &Path) -> i64 {
    let text = std::fs::read_to_string(proc.join("stat")).unwrap_or_default();
    let lines = text.lines().filter_map(|line| line.strip_prefix("cpu"));
    let processors = lines.filter(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit())).count().max(1);
    let processors = i64::try_from(processors).unwrap_or(1);
    // Two processes, each with a counter that matters.
    2 * processors * (2 * processors).max(32)
}

/// Whether PID 1 is the machine's. The first namespace has a fixed number (`PROC_PID_INIT_INO`).
fn in_initial_pid_namespace(proc: &Path) -> bool {
    match Process::own(proc).and_then(|own| own.namespace(Namespace::Pid)) {
        Ok(link) => link == b"pid:[4026531836]",
        Err(_) => true,
    }
}

/// Gives processes the scores that are asked about.
fn suppose(tasks: &mut [Task], question: &Question, place: &Place<'_>) -> Result<(), RankError> {
    for (class, score) in &question.what_if_class {
        let mut found = false;
        for task in tasks.iter_mut().filter(|task| task.memory.is_some()) {
            let path = place.cgroup(task.pid);
            let container = path.and_then(|path| registry::find_by_cgroup(place.containers, &path));
            if container.is_some_and(|container| container.class == *class) {
                task.score = *score;
                found = true;
            }
        }
        if !found {
            return Err(RankError::NoClass(class.clone()));
        }
    }
    for (pid, score) in &question.what_if {
        let task = tasks.iter_mut().find(|task| task.pid == *pid).ok_or(RankError::NoProcess(*pid))?;
        task.score = *score;
    }
    Ok(())
}

/// Where more is read about the few that are told in full.
struct Place<'a> {
    proc: &'a Path,
    tree: &'a Tree,
    containers: &'a [Container],
}

impl Place<'_> {
    fn started(&self, pid: u32) -> Option<u64> {
        Process::open(self.proc, pid).ok()?.start_time().ok()
    }

    fn cgroup(&self, pid: u32) -> Option<PathBuf> {
        let text = Process::open(self.proc, pid).ok()?.cgroups().ok()?;
        self.tree.path_in(&text)
    }

    fn row(&self, candidate: Candidate) -> Row {
        let pid = candidate.task.pid;
        let cgroup = self.cgroup(pid);
        let container = cgroup.as_deref().and_then(|path| registry::find_by_cgroup(self.containers, path)).cloned();
        let bytes = Process::open(self.proc, pid).and_then(|process| process.read("cmdline")).unwrap_or_default();
        let bytes = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
        let words = bytes.split(|&byte| byte == 0).map(|word| OsString::from_vec(word.to_owned()));
        let command = if bytes.is_empty() { Vec::new() } else { words.collect() };
        Row { candidate, cgroup, container, command }
    }

    fn group(&self, rules: &Rules, victim: &Path, scope: &Path, scores: &HashMap<u32, OomScoreAdj>) -> Option<Group> {
        if !rules.kernel.kills_groups() {
            return None;
        }
        let path = scope::group(self.tree, victim, scope)?;
        let members = self.tree.at(&path)?.members();
        let is_spared = |pid: &u32| *pid == 1 || scores.get(pid) == Some(&OomScoreAdj::MIN);
        let (spared, dying) = members.into_iter().partition(is_spared);
        Some(Group { path, dying, spared })
    }
}

#[cfg(test)]
mod tests;
