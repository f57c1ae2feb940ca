//! The daemon of `make demo`: it holds memory as a build daemon holds its caches, runs one step, and tells how it ended.
//!
//! `demo/demo` compiles it with rustc alone, so that a demonstration does not wait for the crates of the tests.
#![expect(clippy::print_stdout, reason = "it is what the demonstration shows")]

use std::error::Error;
use std::process::{Command, ExitCode};

/// `daemon MIB COMMAND…`: exits with 0 when it lives to see the command's end, whatever that was.
fn main() -> Result<ExitCode, Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [mib, program, rest @ ..] = args.as_slice() else { return Err("usage: daemon MIB COMMAND…".into()) };
    let mib: usize = mib.parse()?;
    // Not zeros: those would come from fresh pages that nobody has touched.
    let held = vec![1_u8; mib << 20];
    let score = std::fs::read_to_string("/proc/self/oom_score_adj")?;
    println!("daemon  score {:>3}, holds {mib} MiB, starts: {program} run", score.trim());
    let status = Command::new(program).args(rest).status()?;
    println!("daemon  is alive and reports: the step ended with {status}");
    std::hint::black_box(&held);
    Ok(ExitCode::SUCCESS)
}
