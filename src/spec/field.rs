//! The fields of `config.json` that oomshim reads or writes (runtime-spec `config.md`, `config-linux.md`).
//!
//! One table for the view that rules match on, for the edit, and for what is read of a spec at all.

/// The names of objects and of the fields in them.
pub mod name {
    /// An object at the top: what is started.
    pub const PROCESS: &str = "process";
    /// In `process`: the command.
    pub const ARGS: &str = "args";
    /// In `process`.
    pub const OOM_SCORE_ADJ: &str = "oomScoreAdj";
    /// At the top.
    pub const HOSTNAME: &str = "hostname";
    /// A map at the top.
    pub const ANNOTATIONS: &str = "annotations";
    /// An object at the top.
    pub const LINUX: &str = "linux";
    /// In `linux`.
    pub const CGROUPS_PATH: &str = "cgroupsPath";
    /// An object in `linux`: what goes to the cgroup's files.
    pub const RESOURCES: &str = "resources";
    /// An object in `linux.resources`, in the words of cgroup v1.
    pub const MEMORY: &str = "memory";
    /// In `linux.resources.memory`: bytes.
    pub const LIMIT: &str = "limit";
    /// In `linux.resources.memory`: bytes of memory and swap together.
    pub const SWAP: &str = "swap";
    /// A map in `linux.resources`: files of cgroup v2 and their texts.
    pub const UNIFIED: &str = "unified";
}

/// `process`
pub const PROCESS: &[&str] = &[name::PROCESS];
/// `process.args`
pub const ARGS: &[&str] = &[name::PROCESS, name::ARGS];
/// `process.oomScoreAdj`
pub const OOM_SCORE_ADJ: &[&str] = &[name::PROCESS, name::OOM_SCORE_ADJ];
/// `hostname`
pub const HOSTNAME: &[&str] = &[name::HOSTNAME];
/// `annotations`
pub const ANNOTATIONS: &[&str] = &[name::ANNOTATIONS];
/// `linux.cgroupsPath`
pub const CGROUPS_PATH: &[&str] = &[name::LINUX, name::CGROUPS_PATH];
/// `linux.resources`
pub const RESOURCES: &[&str] = &[name::LINUX, name::RESOURCES];
/// `linux.resources.unified`
pub const UNIFIED: &[&str] = &[name::LINUX, name::RESOURCES, name::UNIFIED];

/// The objects and arrays whose members are read; of what else a spec holds, the larger part, only the syntax is checked.
pub const READ: &[&str] =
    &[name::PROCESS, name::ARGS, name::ANNOTATIONS, name::LINUX, name::RESOURCES, name::MEMORY, name::UNIFIED];
