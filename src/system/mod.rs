//! The machine: processes, cgroups, capabilities, memory, and the kernel's errors. Nothing here knows what a policy is.

pub mod capabilities;
pub mod cgroup;
pub mod clone;
pub mod disposition;
pub mod exec;
pub mod host;
pub mod meminfo;
pub mod memory_file;
pub mod memory_size;
pub mod oom_group;
pub mod oom_score_adj;
pub mod os_error;
pub mod own_score;
pub mod pidfd;
pub mod process;
pub mod signal;
pub mod systemd;
pub mod thread;
