//! `oomshim lint` as its users meet it: every rule through its fixtures, every format, every kind of file that is none.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why"
)]

mod cases;
mod command;
mod corpus;
mod cross_file;
mod fixes;
mod formats;
mod growth;
mod hostile;
mod others;
mod project;
mod registry;
mod terminal;
mod tool;
