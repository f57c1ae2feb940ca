//! Running the built tool in an environment that is the same everywhere.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The root of the repository.
pub(crate) fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// `oomshim lint` with those arguments, not yet started.
pub(crate) fn lint<I: AsRef<OsStr>>(args: impl IntoIterator<Item = I>) -> Command {
    let binary = match std::env::var_os("OOMSHIM_BIN_DIR") {
        Some(directory) => Path::new(&directory).join("oomshim"),
        None => PathBuf::from(env!("CARGO_BIN_EXE_oomshim")),
    };
    let mut command = Command::new(binary);
    command.env_clear().current_dir(repository()).arg("lint").args(args).stdin(Stdio::null());
    command
}

/// What a finished run said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs it to the end.
pub(crate) fn run<I: AsRef<OsStr>>(args: impl IntoIterator<Item = I>) -> Said {
    said(lint(args).output().unwrap())
}

/// Runs it with that standard input.
pub(crate) fn run_with_input(args: &[&str], input: &[u8]) -> Said {
    let mut command = lint(args);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    said(child.wait_with_output().unwrap())
}

fn said(output: Output) -> Said {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { status: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}
