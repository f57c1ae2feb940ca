//! `oomshim lint` as its users meet it: every rule through its fixtures, every format, every kind of file that is none.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why"
)]

#[path = "lint/cases.rs"]
mod cases;
#[path = "lint/command.rs"]
mod command;
#[path = "lint/corpus.rs"]
mod corpus;
#[path = "lint/fixes.rs"]
mod fixes;
#[path = "lint/formats.rs"]
mod formats;
#[path = "lint/hostile.rs"]
mod hostile;
#[path = "lint/registry.rs"]
mod registry;
#[path = "lint/terminal.rs"]
mod terminal;
#[path = "lint/together.rs"]
mod together;
#[path = "lint/tool.rs"]
mod tool;
