//! What needs a built binary or a real runtime. One program for all suites, so that the library is linked once; one of
//! them alone: `cargo test --test integration truth::`. The engines have a program of their own (engines.rs), because a
//! daemon is shared by scenarios and has to end with the last of them.

mod argv;
mod colour;
mod common;
mod descriptors;
mod doctor;
mod faults;
mod hook;
mod later;
mod lint;
mod loops;
mod lossless;
mod protect;
mod rank;
mod readme;
mod report;
mod run;
mod runtimes;
mod set_up;
mod transparent;
mod truth;
