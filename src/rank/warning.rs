//! What makes a ranking moot, or worse than it looks.

use std::fmt;
use std::path::Path;

use super::badness::Rules;
use super::scope::{Machine, Scope};
use crate::text::size::size;

/// A thing to know besides the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// The machine has no process that may be killed.
    MachinePanics,
    /// The cgroup has no process that may be killed.
    CgroupHangs,
    /// `vm.panic_on_oom` has this value.
    PanicOnOom(u8),
    /// `vm.oom_kill_allocating_task` is on.
    AllocatingTask,
    /// The cgroup has no limit of its own.
    NoLimit,
    /// Most of the memory is tmpfs that no process has mapped: so many bytes of so many.
    Unmapped {
        /// tmpfs and shared memory that no process has mapped, in bytes.
        unmapped: u64,
        /// What the cgroup uses in all, or what RAM the machine has, in bytes.
        of: u64,
        /// Whether that is the machine's.
        is_machine: bool,
    },
    /// cgroup v1: a cgroup that runs out may have its killer switched off.
    KillDisabled,
    /// This process sees a container's processes only.
    InnerNamespace,
    /// The kernel's version is not known; the newest one's rules were taken.
    UnknownKernel,
    /// So many processes could not be read.
    Unreadable(usize),
    /// So many processes are too close to each other to tell which is first.
    Close(usize),
}

impl Warning {
    /// A name for programs.
    #[must_use]
    pub fn id(&self) -> &'static str {
        match self {
            Warning::MachinePanics => "nothing-killable-panic",
            Warning::CgroupHangs => "nothing-killable-livelock",
            Warning::PanicOnOom(_) => "panic-on-oom",
            Warning::AllocatingTask => "kill-allocating-task",
            Warning::NoLimit => "no-limit",
            Warning::Unmapped { .. } => "unmapped-shmem",
            Warning::KillDisabled => "oom-kill-disabled",
            Warning::InnerNamespace => "inner-pid-namespace",
            Warning::UnknownKernel => "unknown-kernel",
            Warning::Unreadable(_) => "unreadable-processes",
            Warning::Close(_) => "too-close",
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::MachinePanics => out.write_str(
                "nothing may be killed: when memory runs out the kernel panics (\"System is deadlocked on memory\")",
            ),
            Warning::CgroupHangs => out.write_str(
                "nothing in the cgroup may be killed: at its limit its processes get ENOMEM, or fault for ever on a \
                 processor each",
            ),
            Warning::PanicOnOom(value) => write!(
                out,
                "vm.panic_on_oom is {value}: the kernel panics{} and picks nobody",
                if *value == 1 { " when the machine runs out," } else { ", a cgroup's limit included," }
            ),
            Warning::AllocatingTask => out.write_str(
                "vm.oom_kill_allocating_task is on: on the whole machine whoever asks for memory last is killed, \
                 whatever this order says",
            ),
            Warning::NoLimit => out.write_str(
                "the cgroup has no limit of its own and never runs out by itself: scores are weighed by the machine's \
                 memory",
            ),
            Warning::Unmapped { unmapped, of, is_machine } => write!(
                out,
                "{} of the {} {} tmpfs or shared memory that no process has mapped: it counts for nobody, and no kill \
                 frees it",
                size(*unmapped),
                size(*of),
                if *is_machine { "of RAM are" } else { "that the cgroup uses are" }
            ),
            Warning::KillDisabled => {
                out.write_str("memory.oom_control has the killer switched off: at the limit all processes sleep")
            }
            Warning::InnerNamespace => {
                out.write_str("this is not the machine's first PID namespace: processes outside of it are not seen")
            }
            Warning::UnknownKernel => {
                out.write_str("the kernel's version cannot be read: the newest kernels' rules are applied")
            }
            Warning::Close(count) => write!(
                out,
                "the first {count} are closer to each other than the kernel's counters are exact: any of them may be first"
            ),
            Warning::Unreadable(count) => write!(out, "{count} processes could not be read and are missing"),
        }
    }
}

/// What the warnings are made of.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) proc: &'a Path,
    pub(super) scope: &'a Scope,
    pub(super) machine: Machine,
    pub(super) has_kernel: bool,
    pub(super) is_v2: bool,
    pub(super) rules: &'a Rules,
    pub(super) killable: usize,
    /// Whether there is any process, killable or not.
    pub(super) has_members: bool,
    /// tmpfs and shared memory that processes have mapped, in bytes; what several have mapped counts several times.
    pub(super) mapped_shared: u64,
    pub(super) unreadable: usize,
    pub(super) close: usize,
}

/// All warnings that hold.
pub(super) fn all(facts: &Facts<'_>) -> Vec<Warning> {
    let sysctl = |name: &str| {
        let text = std::fs::read_to_string(facts.proc.join("sys/vm").join(name)).unwrap_or_default();
        text.trim().parse::<u8>().unwrap_or(0)
    };
    let (is_machine, cgroup) = match facts.scope {
        Scope::Machine => (true, None),
        Scope::Cgroup(cgroup) => (false, Some(cgroup)),
    };
    let panic = sysctl("panic_on_oom");
    let (of, shared) = match cgroup {
        None => (facts.machine.ram, facts.machine.shared),
        Some(cgroup) => (cgroup.usage().unwrap_or(0), cgroup.shared().unwrap_or(0)),
    };
    let unmapped = shared.saturating_sub(facts.mapped_shared);
    let nothing = facts.killable == 0;
    [
        (nothing && is_machine).then_some(Warning::MachinePanics),
        // Where there is no process nobody hangs.
        (nothing && !is_machine && facts.has_members).then_some(Warning::CgroupHangs),
        (panic == 1 && is_machine || panic == 2).then_some(Warning::PanicOnOom(panic)),
        (sysctl("oom_kill_allocating_task") != 0 && is_machine).then_some(Warning::AllocatingTask),
        cgroup.is_some_and(|cgroup| cgroup.limit().is_none()).then_some(Warning::NoLimit),
        (unmapped > of / 2).then_some(Warning::Unmapped { unmapped, of, is_machine }),
        cgroup.is_some_and(|cgroup| !facts.is_v2 && cgroup.is_kill_disabled()).then_some(Warning::KillDisabled),
        (!facts.rules.initial_namespace).then_some(Warning::InnerNamespace),
        (!facts.has_kernel).then_some(Warning::UnknownKernel),
        (facts.close > 0).then_some(Warning::Close(facts.close)),
        (facts.unreadable > 0).then_some(Warning::Unreadable(facts.unreadable)),
    ]
    .into_iter()
    .flatten()
    .collect()
}
