//! When a build host runs out of memory, the build step is killed, as a group and at once, and every daemon lives to report it.
//!
//! The way of a container goes one way: what was given ([`runtime`], [`spec`], [`policy`], [`system`]) is read, the decision
//! ([`policy::decide`]) is pure, and what it says is written ([`spec::edit`], [`spec::bundle`]). [`shim`] and [`hook`] are
//! those ways. [`protect`] gives daemons their score. [`lint`], [`rank`], [`report`] and [`doctor`] answer questions,
//! and each can be called as a library; [`lint`] begins with an example. The reasons are in `docs/architecture.md`.

#![deny(unsafe_code)]
pub mod cli;
pub mod doctor;
pub mod effective;
pub mod engines;
pub mod explain;
pub mod fsutil;
pub mod guard;
pub mod hook;
pub mod image;
pub mod install;
pub mod json;
pub mod lint;
pub mod log;
pub mod picture;
pub mod policy;
pub mod protect;
pub mod rank;
pub mod registry;
pub mod report;
pub mod run;
pub mod runtime;
pub mod shim;
pub mod spec;
pub mod system;
pub mod text;

#[cfg(test)]
mod allocation_tests;
#[cfg(test)]
mod layout_test;
