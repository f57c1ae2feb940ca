//! The files of the cgroup v2 memory controller that a policy sets.

/// A file of the memory controller (kernel `cgroup-v2.rst`, "Memory Interface Files"), which a spec sets through
/// `linux.resources.unified` (runtime-spec `config-linux.md`, "Unified").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemoryFile {
    /// `memory.oom.group`: `1` and the cgroup is killed as a group. Since Linux 4.19.
    OomGroup,
    /// `memory.max`: the hard limit, bytes.
    Max,
    /// `memory.high`: the throttling limit, bytes.
    High,
    /// `memory.swap.max`: the swap limit, bytes. Only where the kernel counts swap.
    SwapMax,
}

impl MemoryFile {
    /// All of them.
    pub const ALL: [MemoryFile; 4] = [MemoryFile::OomGroup, MemoryFile::Max, MemoryFile::High, MemoryFile::SwapMax];

    /// The file's name, which is the key in `unified`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            MemoryFile::OomGroup => "memory.oom.group",
            MemoryFile::Max => "memory.max",
            MemoryFile::High => "memory.high",
            MemoryFile::SwapMax => "memory.swap.max",
        }
    }
}
