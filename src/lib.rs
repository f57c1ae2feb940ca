//! When a build host runs out of memory, the build step dies, whole and at once, and every daemon lives to report it.
//!
//! The way of a container goes one way: what was given ([`runtime`], [`spec`], [`policy`], [`host`]) is read, the decision
//! ([`policy::decide`]) is pure, and what it says is written ([`spec::edit`], [`spec::bundle`]). [`shim`] and [`hook`] are
//! those journeys. [`protect`] gives daemons their score. [`lint`], [`rank`], [`report`] and [`doctor`] answer questions,
//! and each can be called as a library; [`lint`] begins with an example. The reasons are in `docs/architecture.md`.

#![deny(unsafe_code)]
pub mod apply;
pub mod cli;
pub mod containers;
pub mod doctor;
pub mod engines;
pub mod errno;
pub mod escape;
pub mod exec;
pub mod hook;
pub mod host;
pub mod lint;
pub mod policy;
pub mod process;
pub mod protect;
pub mod rank;
pub mod record;
pub mod report;
pub mod runtime;
pub mod score;
pub mod shim;
pub mod spec;
