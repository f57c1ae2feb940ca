//! What a class says and a container does not get, and why.

use std::fmt;

use crate::system::host::NoMemory;

/// Something that the class says and that is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The field of the spec or the file of the cgroup.
    pub what: &'static str,
    /// Why it is not done.
    pub why: SkipReason,
}

/// Why something is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkipReason {
    /// The spec has no object `process`.
    NoProcess,
    /// The memory controller is on cgroup v1, where runtimes refuse `unified` altogether.
    CgroupV1,
    /// The memory controller is not to be had.
    NoController(NoMemory),
    /// This kernel does not have the file.
    NoFile,
    /// The command line says `--cgroup-manager disabled`.
    CgroupsDisabled,
    /// The spec has no `linux.resources`: a runtime without rights on cgroups fails on any.
    NoResources,
    /// The spec has no `linux.cgroupsPath`, so the container may share the engine's cgroup.
    NoCgroup,
    /// The engine set a limit that is not higher, bytes.
    EngineLower(u64),
    /// The engine set a limit that cannot be read, and so cannot be known to be higher.
    EngineUnreadable,
    /// The machine's RAM is not known, so a percentage says nothing.
    MemoryUnknown,
}

impl fmt::Display for SkipReason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            SkipReason::NoProcess => "the spec has no process",
            SkipReason::CgroupV1 => "the memory controller is on cgroup v1",
            SkipReason::NoController(why) => return why.fmt(out),
            SkipReason::NoFile => "this kernel does not have the file",
            SkipReason::CgroupsDisabled => "the engine disabled cgroups for this container",
            SkipReason::NoResources => "the spec has no linux.resources",
            SkipReason::NoCgroup => "the spec has no linux.cgroupsPath",
            SkipReason::EngineLower(limit) => {
                return write!(out, "the engine's own limit is not higher ({limit} bytes)");
            }
            SkipReason::EngineUnreadable => "the engine's own limit is no size, and stays",
            SkipReason::MemoryUnknown => "the size of the machine's RAM is not known",
        };
        out.write_str(text)
    }
}
