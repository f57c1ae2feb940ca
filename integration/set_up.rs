//! `oomshim install` and `uninstall` below another root: no byte is lost, whatever the files look like and whatever happens.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod corpus;
mod faults;
mod machine;
mod together;
