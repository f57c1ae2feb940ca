//! Whether it works: a container that consists of the static oomshim alone is run by the engine, and says from inside what
//! oom_score_adj and which group flag it has. No registry is asked, and nothing is left.

mod client;
mod containerd;
mod probe;

use std::fmt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::ask::AskError;
use super::plan::Scope;
use super::target::{Instance, Target};
use crate::image::{File, Image, ImageError};
pub use containerd::{Effective, validate};
pub use probe::Probe;

/// The image's name; no registry has this one.
const IMAGE: &str = "oomshim.invalid/probe:install";

/// Why it is not shown that oomshim starts an engine's workloads.
#[derive(Debug, Error)]
pub enum ProofError {
    /// The engine's client failed.
    #[error(transparent)]
    Client(#[from] AskError),
    /// The image could not be made.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The container said nothing that is understood.
    #[error("{0} did not say what oom_score_adj it has: {1}")]
    Silent(&'static str, String),
    /// The container would not be killed before its engine.
    #[error(
        "{what} has oom_score_adj {is}, and {engine} has {other}: was it restarted since, and is the policy right?"
    )]
    NotRaised {
        /// What was run.
        what: &'static str,
        /// What it has.
        is: i32,
        /// The engine, or who called it.
        engine: String,
        /// What that has.
        other: i32,
    },
    /// The engine reads its configuration otherwise than it was meant.
    #[error("{0}")]
    Otherwise(String),
    /// A directory for the image could not be made.
    #[error("cannot make a temporary directory: {0}")]
    Directory(nix::errno::Errno),
}

/// What was seen.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen {
    /// A container of the engine's, and what it said.
    Ran(&'static str, Probe),
    /// It could not be tried.
    NotTried(String),
}

impl fmt::Display for Seen {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Seen::Ran(what, probe) => {
                write!(out, "{what} has oom_score_adj {}", probe.oom_score_adj)?;
                match probe.oom_group {
                    Some(flag) => write!(out, " and memory.oom.group {flag}"),
                    None => out.write_str(" (no memory.oom.group here)"),
                }
            }
            Seen::NotTried(why) => write!(out, "not tried: {why}"),
        }
    }
}

/// Runs a container for each way by which the engine starts workloads.
///
/// # Errors
/// [`ProofError`] where one does not run, or would not be killed before its engine.
pub fn prove(instance: &Instance, oomshim: &Path, scope: Scope) -> Result<Vec<Seen>, ProofError> {
    let directory = Directory::new()?;
    let context = directory.0.join("context");
    let made = std::fs::create_dir(&context);
    made.map_err(|error| ImageError::File { operation: "make", path: context.clone(), reason: error.into() })?;
    let archive = directory.0.join("image.tar");
    let file = || File::copy(oomshim, "oomshim", 0o755);
    Image::scratch(&[file()?], &["/oomshim"])?.write_archive(&archive, IMAGE)?;
    let write = |name: &str, bytes: &[u8]| {
        let path = context.join(name);
        std::fs::write(&path, bytes).map_err(|error| ImageError::File {
            operation: "write",
            path,
            reason: error.into(),
        })
    };
    write("Dockerfile", b"FROM scratch\nCOPY oomshim /oomshim\nRUN [\"/oomshim\", \"probe\"]\n")?;
    std::fs::copy(oomshim, context.join("oomshim")).map_err(|error| ImageError::File {
        operation: "copy",
        path: oomshim.to_owned(),
        reason: error.into(),
    })?;
    let mut all = Vec::new();
    for attempt in client::attempts(instance, scope, &archive, &context) {
        let what = attempt.what;
        all.push(match attempt.run() {
            Ok(probe) => judge(instance, what, probe)?,
            Err(ProofError::Client(error)) if error.is_absent() => Seen::NotTried(error.to_string()),
            Err(error) => return Err(error),
        });
    }
    if all.is_empty() {
        let target = instance.target;
        let why = match target {
            Target::Crio => "its pods need a kubelet; `crictl info` shows its handlers",
            _ => "it does not run",
        };
        all.push(Seen::NotTried(format!("{}: {why}", target.name())));
    }
    Ok(all)
}

/// Whether the container would be killed before its engine, or before whoever called it.
fn judge(instance: &Instance, what: &'static str, probe: Probe) -> Result<Seen, ProofError> {
    let (engine, other) = match instance.score {
        Some(score) => (instance.shown(), i32::from(score.get())),
        None => ("this process".to_owned(), Probe::own().map_or(0, |own| own.oom_score_adj)),
    };
    if probe.oom_score_adj > other {
        return Ok(Seen::Ran(what, probe));
    }
    Err(ProofError::NotRaised { what, is: probe.oom_score_adj, engine, other })
}

/// A directory that goes when it is dropped.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Result<Directory, ProofError> {
        let template = std::env::temp_dir().join("oomshim-proof-XXXXXX");
        nix::unistd::mkdtemp(&template).map(Directory).map_err(ProofError::Directory)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
