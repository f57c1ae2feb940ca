//! `oomshim run` on this machine, cgroup v1 or v2: what the job notices (nothing), and what it leaves behind (nothing).
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking and says why")]

mod faults;
mod killed;
mod memory;
mod support;
mod terminal;
mod transparent;
